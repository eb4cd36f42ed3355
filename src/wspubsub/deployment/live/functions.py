"""Live Lambda functions, who may invoke them, and which event sources do."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from wspubsub.deployment.description.parts import EventSource, Function, Permission
from wspubsub.deployment.description.texts import may_match
from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.deployment.live.account import Account, Answer
from wspubsub.deployment.live.arns import (
    FunctionRef,
    find_function,
    find_queue,
    find_table,
)
from wspubsub.deployment.live.stack import Stack as Resources
from wspubsub.deployment.reading.functions import INVOKE, MAPPING
from wspubsub.deployment.reading.identities import FUNCTION, QUEUE, TABLE
from wspubsub.deployment.reading.stack import as_list
from wspubsub.deployment.template.storage import PARTIAL_RESPONSES
from wspubsub.dynamodb.log_items import log_partition

_FOREVER = -1
_ENABLED = ("Enabled", "Enabling", "Creating", "Updating")


class LiveFunction:
    """A function as it is now.

    Args:
        account: Where it is.
        resources: The stack that names it.
        ref: Which one.
    """

    def __init__(
        self, account: Account, resources: Resources, ref: FunctionRef
    ) -> None:
        self.ref = ref
        self.name = resources.name(FUNCTION, ref.name)
        self._account = account
        self.configuration = self._ask("get_function_configuration")
        self.variables = _read_variables(self.configuration)

    @property
    def role(self) -> str | None:
        """The ARN of its role, if that is known."""
        found = self.configuration
        return None if found is UNKNOWN or found is None else found.get("Role")

    def find_variable(self, name: str) -> str | None:
        """Return a variable of its environment, if that is known."""
        return None if self.variables is UNKNOWN else self.variables.get(name)

    def describe(self, *, is_shared: bool, is_cut_off: bool) -> Function:
        """Return it as the rules see it, without what its role allows.

        Args:
            is_shared: Whether something else than the API may invoke it.
            is_cut_off: Whether it reaches no address outside its VPC.
        """
        known = self.configuration
        found: Answer = {} if known is UNKNOWN or known is None else known
        return Function(
            name=self.name,
            arn=found.get("FunctionArn", self.ref.name),
            handler=_read_handler(found),
            code=found.get("CodeSha256", self.ref.name),
            module=self.ref.name,
            has_layers=bool(found.get("Layers")),
            runtime=found.get("Runtime", None if found else UNKNOWN),
            timeout_seconds=found.get("Timeout", UNKNOWN),
            concurrency=self._read_concurrency(),
            recursive_loop=self._read_loop(),
            variables=self.variables,
            grants=UNKNOWN,
            is_cut_off=is_cut_off,
            has_other_events=is_shared,
        )

    def read_permissions(self) -> Maybe[list[Permission]]:
        """Return who may invoke it."""
        answer = self._ask("get_policy")
        if answer is UNKNOWN:
            return UNKNOWN
        policy = json.loads(answer["Policy"]) if answer else {}
        return [
            Permission(function=self.name, principal=principal, source=source)
            for statement in as_list(policy.get("Statement"))
            if statement["Effect"] == "Allow"
            and any(
                may_match(each.lower(), INVOKE)
                for each in as_list(statement.get("Action"))
            )
            for principal in _list_principals(statement.get("Principal"))
            for source in _list_sources(statement.get("Condition") or {})
        ]

    def _ask(self, operation: str) -> Maybe[Answer] | None:
        parameters = {"FunctionName": self.ref.name}
        if self.ref.qualifier is not None:
            parameters["Qualifier"] = self.ref.qualifier
        return self._account.ask("lambda", operation, **parameters)

    def _read_concurrency(self) -> Maybe[int] | None:
        answer = self._account.ask(
            "lambda", "get_function_concurrency", FunctionName=self.ref.name
        )
        if answer is UNKNOWN or answer is None:
            return UNKNOWN
        found: int | None = answer.get("ReservedConcurrentExecutions")
        return found

    def _read_loop(self) -> Maybe[str]:
        answer = self._account.ask(
            "lambda", "get_function_recursion_config", FunctionName=self.ref.name
        )
        if answer is UNKNOWN or answer is None:
            return UNKNOWN
        found: str = answer["RecursiveLoop"]
        return found


def describe_event_source(each: Answer, resources: Resources) -> EventSource:
    """Return an event source mapping as the rules see it."""
    function = find_function(each["FunctionArn"])
    source = each.get("EventSourceArn", "")
    table, queue = find_table(source), find_queue(source)
    retries = each.get("MaximumRetryAttempts", _FOREVER)
    age = each.get("MaximumRecordAgeInSeconds", _FOREVER)
    destination = (each.get("DestinationConfig") or {}).get("OnFailure") or {}
    return EventSource(
        name=resources.name(MAPPING, each["UUID"]),
        function=resources.name(FUNCTION, function.name) if function else None,
        table=resources.name(TABLE, table) if table else None,
        queue=_name_queue(queue, resources) if queue else None,
        reports_failures=PARTIAL_RESPONSES in (each.get("FunctionResponseTypes") or ()),
        carries_log=log_partition("") in str(each.get("FilterCriteria")),
        window_seconds=each.get("MaximumBatchingWindowInSeconds") or 0,
        retries=retries,
        # AWS does not tell one that is not set from one without limit; where retries
        # end, either will do.
        record_age_seconds=None if (retries, age) == (_FOREVER, _FOREVER) else age,
        bisects=bool(each.get("BisectBatchOnFunctionError")),
        has_destination=bool(destination.get("Destination")),
        is_enabled=each.get("State", "Enabled") in _ENABLED,
    )


def _name_queue(queue: str, resources: Resources) -> str:
    return next(
        (
            resources.name(QUEUE, url)
            for url in resources.of_kind(QUEUE)
            if url.endswith(f"/{queue}")
        ),
        queue,
    )


def _read_variables(configuration: Maybe[Answer] | None) -> Maybe[Mapping[str, str]]:
    if configuration is UNKNOWN or configuration is None:
        return UNKNOWN
    environment = configuration.get("Environment") or {}
    if environment.get("Error"):
        return UNKNOWN  # encrypted with a key that may not be used
    found: Mapping[str, str] = environment.get("Variables") or {}
    return found


def _read_handler(configuration: Mapping[str, Any]) -> Maybe[str]:
    if configuration.get("PackageType") != "Image":
        handler: Maybe[str] = configuration.get("Handler", UNKNOWN)
        return handler
    config = (configuration.get("ImageConfigResponse") or {}).get("ImageConfig") or {}
    command = config.get("Command") or []
    if config.get("EntryPoint") or len(command) != 1:
        return UNKNOWN
    found: str = command[0]
    return found


def _list_principals(principal: object) -> Iterator[str]:
    if not isinstance(principal, dict):
        yield str(principal)
        return
    for each in principal.values():
        yield from map(str, as_list(each))


def _list_sources(condition: Mapping[str, Any]) -> list[str]:
    """Return the ARNs for which a statement holds; `*` without such a condition."""
    return [
        str(source)
        for test in condition.values()
        for key, value in test.items()
        if key.lower() == "aws:sourcearn"
        for source in as_list(value)
    ] or ["*"]
