"""A Lambda function that runs in the test's own thread."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wspubsub.gateway.effects import Function
from wspubsub.gateway.inputs import InvocationResult, Raised, Returned
from wspubsub.messages import Json
from wspubsub.testing.contexts import LambdaContext

LambdaHandler = Callable[[Any, Any], object]
"""A Lambda handler, such as a `Router`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationRecord:
    """One invocation that has finished.

    Attributes:
        function: Whether the handler or the authorizer was invoked.
        event: What it was invoked with.
        result: What it returned, as JSON reads it back; None if it raised.
        error: What it raised, or why its result could not be written as JSON; None
            if neither.
        started_at: When it began, in seconds since the epoch.
    """

    function: Function
    event: Mapping[str, Any]
    result: Any
    error: Exception | None
    started_at: float

    @property
    def route_key(self) -> str:
        """The route that was selected."""
        return str(self.event["requestContext"]["routeKey"])

    @property
    def outcome(self) -> InvocationResult:
        """The result as Lambda reports it."""
        if self.error is None:
            return Returned(self.result)
        return Raised(type(self.error).__name__, str(self.error))


class MarshalError(Exception):
    """A function did not return JSON data (Lambda's `Runtime.MarshalError`)."""


def run(
    handler: LambdaHandler,
    function: Function,
    event: Mapping[str, Any],
    context: LambdaContext,
    *,
    now: float,
) -> InvocationRecord:
    """Invoke a function with a copy of an event, as through JSON."""
    copied = json.loads(json.dumps(event))
    result, error = None, None
    try:
        result = _as_json(handler(copied, context))
    except (Exception, SystemExit) as raised:  # noqa: BLE001 - Lambda reports them all
        error = raised if isinstance(raised, Exception) else _exit_error(raised)
    return InvocationRecord(
        function=function, event=event, result=result, error=error, started_at=now
    )


def _as_json(value: object) -> Json:
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise MarshalError(f"Unable to marshal response: {error}") from error


def _exit_error(error: BaseException) -> Exception:
    # The process of a function that exits is gone; Lambda calls it Runtime.ExitError.
    return RuntimeError(f"the function exited: SystemExit({error})")
