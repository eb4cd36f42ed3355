"""A live deployment, looked at from its API on."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from wspubsub.deployment.checking import Finding, check_deployments
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.deployment.live.account import Account
from wspubsub.deployment.live.apis import LiveApi
from wspubsub.deployment.live.applications import assume_applications, give_application
from wspubsub.deployment.live.arns import parse_function
from wspubsub.deployment.live.describing import describe
from wspubsub.deployment.live.gathering import Gathering
from wspubsub.deployment.live.granting import Granting
from wspubsub.deployment.live.rules import judge
from wspubsub.deployment.live.stack import Stack, find_stack, read_stack
from wspubsub.deployment.live.states import read_vitals
from wspubsub.deployment.live.vitals import Vitals
from wspubsub.deployment.reading.identities import API
from wspubsub.deployment.template.variables import STAND_IN
from wspubsub.errors import UsageError
from wspubsub.handlers.application import SOURCE_VARIABLES, Application

_OWN = "WSPUBSUB_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is to be looked at.

    Attributes:
        stack: Name of a stack; None for an API by its ID.
        api: ID of an API; None for those of the stack.
        function: Name of the function that runs the application, if several might.
        publishers: Names of other functions that publish.
    """

    stack: str | None = None
    api: str | None = None
    function: str | None = None
    publishers: tuple[str, ...] = ()


class Survey:
    """What was found in an account.

    Args:
        account: The account.
        scope: What is to be looked at.

    Raises:
        UsageError: It is not there, or AWS does not answer.
    """

    def __init__(self, account: Account, scope: Scope) -> None:
        self._account = account
        self._named = parse_function(scope.function).name if scope.function else None
        self._publishers = tuple(parse_function(each).name for each in scope.publishers)
        account.read_identity()
        self._resources, self._apis = _find_apis(account, scope)
        self._found = self._gather(scope)
        self._vitals = [
            read_vitals(account, self._resources, api, self._found)
            for api in self._apis
        ]

    @property
    def subjects(self) -> list[str]:
        """What was looked at, each with its kind."""
        return [
            *(f"API {each.api_id}" for each in self._apis),
            *(f"function {name}" for name in self._found.functions),
            *(f"table {name}" for name in self._found.tables),
            *(f"queue {url.rpartition('/')[2]}" for url in self._found.queues),
        ]

    def find_variables(self) -> dict[str, str]:
        """Return what the module of a handler finds in its environment.

        Those of the library have their values; others may be secrets, so another text
        is in their place.
        """
        return {
            name: value if name.startswith(_OWN) else STAND_IN
            for function in self._found.functions.values()
            if function.variables is not UNKNOWN
            for name, value in function.variables.items()
        }

    def find_sources(self) -> frozenset[str]:
        """Return the event sources whose variables a handler finds."""
        found = self.find_variables()
        return frozenset(
            source for source, name in SOURCE_VARIABLES.items() if found.get(name)
        )

    def examine(
        self,
        application: Application | None = None,
        *,
        uses: AbstractSet[str] = frozenset(),
    ) -> list[Finding]:
        """Return what is wrong.

        Args:
            application: What is to run; None for whatever the routes lead to.
            uses: What it has the table for besides subscriptions: `history`, `members`.
        """
        findings: list[Finding] = []
        granting = Granting(self._account, self._resources, self._found)
        for api, vitals in zip(self._apis, self._vitals, strict=True):
            for deployment in self._list_deployments(api, vitals, application):
                used = replace(deployment.application, table_uses=uses)
                granted = granting.add_grants(replace(deployment, application=used))
                findings += check_deployments([granted])
                findings += judge(granted, vitals)
        return list(dict.fromkeys(findings))

    def _gather(self, scope: Scope) -> Gathering:
        found = Gathering(self._account, self._resources)
        named = [*([scope.function] if scope.function else []), *scope.publishers]
        invoked = [ref for api in self._apis for ref in api.list_functions()]
        found.gather([*invoked, *map(parse_function, named)])
        for each in named:
            if found.functions[parse_function(each).name].configuration is None:
                raise UsageError(
                    f"there is no function {each} in {self._account.region}: check "
                    "its name, --region and --profile"
                )
        return found

    def _list_deployments(
        self, api: LiveApi, vitals: Vitals, application: Application | None
    ) -> list[Deployment]:
        found = describe(self._account, self._resources, api, self._found, vitals)
        found = replace(found, publishers=self._list_publishers(found))
        if application is None:
            return assume_applications(found, self._named)
        return [give_application(found, application, self._named)]

    def _list_publishers(self, deployment: Deployment) -> tuple[str, ...]:
        """Return the handlers of the functions that the user says publish."""
        return tuple(
            each.handler
            for each in deployment.functions
            if each.module in self._publishers and isinstance(each.handler, str)
        )


def _find_apis(account: Account, scope: Scope) -> tuple[Stack, list[LiveApi]]:
    """Return the APIs to look at, and the stack that they belong to."""
    if scope.api is not None:
        api = LiveApi(account, scope.api)
        if not api.is_websocket:
            raise UsageError(f"the API {scope.api} is not a WebSocket API")
        stack = read_stack(account, scope.stack) if scope.stack else None
        return stack or find_stack(account, scope.api), [api.read()]
    stack = read_stack(account, str(scope.stack))
    found = [LiveApi(account, each) for each in stack.of_kind(API)]
    found = [each.read() for each in found if each.is_websocket]
    if not found:
        raise UsageError(
            f"the stack {scope.stack} has no WebSocket API; if it is elsewhere, name "
            "it with --api"
        )
    return stack, found
