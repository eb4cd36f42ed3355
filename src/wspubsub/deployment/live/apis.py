"""A live WebSocket API, as AWS describes it."""

from collections.abc import Iterator
from typing import Any, Self

from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.deployment.live.account import Account, Answer, join
from wspubsub.deployment.live.arns import FunctionRef, find_function
from wspubsub.errors import UsageError

_SERVICE = "apigatewayv2"

Items = Maybe[list[Any]]


class LiveApi:
    """An API as it is now.

    Args:
        account: Where it is.
        api_id: Its ID.

    Attributes:
        api_id: Its ID.
        answer: What AWS says of it as a whole.
        routes: Its routes.
        integrations: Its integrations.
        authorizers: Its authorizers.
        stages: Its stages.
        deployments: Its deployments.

    Raises:
        UsageError: It is not there, or may not be read.
    """

    def __init__(self, account: Account, api_id: str) -> None:
        self.api_id = api_id
        self._account = account
        self.answer = _read_api(account, api_id)
        self.is_websocket = self.answer.get("ProtocolType") == "WEBSOCKET"
        self.routes: Items = UNKNOWN
        self.integrations: Items = UNKNOWN
        self.authorizers: Items = UNKNOWN
        self.stages: Items = UNKNOWN
        self.deployments: Items = UNKNOWN

    def read(self) -> Self:
        """Ask for what it consists of, and return it."""
        self.routes = self.ask("get_routes")
        self.integrations = self.ask("get_integrations")
        self.authorizers = self.ask("get_authorizers")
        self.stages = self.ask("get_stages")
        self.deployments = self.ask("get_deployments")
        return self

    def ask(self, operation: str, **parameters: str) -> Items:
        """Return a list of what it consists of."""
        return self._account.ask_items(
            _SERVICE, operation, "Items", ApiId=self.api_id, **parameters
        )

    def list_functions(self) -> Iterator[FunctionRef]:
        """Yield the functions that it invokes."""
        uris = [
            *(each.get("IntegrationUri") for each in join(self.integrations)),
            *(each.get("AuthorizerUri") for each in join(self.authorizers)),
        ]
        yield from filter(None, map(find_function, uris))


def _read_api(account: Account, api_id: str) -> Answer:
    answer = account.ask(_SERVICE, "get_api", ApiId=api_id)
    if answer is None:
        raise UsageError(
            f"there is no API {api_id} in {account.region}: check its ID, --region and "
            "--profile"
        )
    if answer is UNKNOWN:
        raise UsageError("; ".join(account.notes))
    return answer
