"""A Lambda function that runs in the test's own thread."""

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn

from wspubsub.errors import UsageError
from wspubsub.faults import Action, Fault, Faults
from wspubsub.faults.answers import KILLED, TIMED_OUT, deny
from wspubsub.faults.occasions import see_event
from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.effects import Function
from wspubsub.gateway.inputs import InvocationResult, Raised, Returned
from wspubsub.gateway.limits import MAX_TIMEOUT_SECONDS
from wspubsub.messages import Json
from wspubsub.testing.contexts import LambdaContext
from wspubsub.testing.errors import FunctionFailedError
from wspubsub.testing.failures import collect_logged

log = logging.getLogger("wspubsub")

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
        logged: What else failed and was logged by the library: a rule of a `PubSub`,
            an `on_gone`, a message of a queue.
        started_at: When it began, in seconds since the epoch.
    """

    function: Function
    event: Mapping[str, Any]
    result: Any
    error: Exception | None
    logged: tuple[Exception, ...] = field(default=())
    started_at: float

    @property
    def errors(self) -> tuple[Exception, ...]:
        """What failed, the one that ended the invocation at the end.

        An authorizer that raises "Unauthorized" does not fail: it refuses with 401.
        What fails on request does not fail either.
        """
        is_requested = isinstance(self.error, FunctionFailedError)
        if self.error is None or is_requested or self._is_refusal:
            return self.logged
        return (*self.logged, self.error)

    @property
    def _is_refusal(self) -> bool:
        is_authorizer = self.function is Function.AUTHORIZER
        return is_authorizer and str(self.error) == "Unauthorized"

    @property
    def route_key(self) -> str:
        """The route that was selected; empty for records of an event source."""
        return str(self.event.get("requestContext", {}).get("routeKey", ""))

    @property
    def outcome(self) -> InvocationResult:
        """The result as Lambda reports it."""
        if self.error is None:
            return Returned(self.result)
        if isinstance(self.error, FunctionFailedError):
            return Raised(self.error.error_type, str(self.error))
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
    with collect_logged() as logged:
        try:
            result = _as_json(handler(copied, context))
        except (Exception, SystemExit) as raised:  # noqa: BLE001 - Lambda reports them all
            error = raised if isinstance(raised, Exception) else _exit_error(raised)
    return InvocationRecord(
        function=function,
        event=event,
        result=result,
        error=error,
        logged=tuple(logged),
        started_at=now,
    )


def _as_json(value: object) -> Json:
    if isinstance(value, bytes):  # AWS's runtime client takes them for the result
        return _read(value)
    try:
        return json.loads(json.dumps(value, default=_encodable))
    except (TypeError, ValueError, RecursionError) as error:
        raise MarshalError(f"Unable to marshal response: {error}") from error


def _read(result: bytes) -> Json:
    # Anything but JSON is passed on as text, for API Gateway to find malformed.
    text = result.decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def _encodable(value: object) -> int | float:
    # As AWS's runtime client does: a number may be as it came from DynamoDB.
    if isinstance(value, Decimal):
        is_whole = value.is_finite() and value == value.to_integral_value()
        return int(value) if is_whole else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _exit_error(error: BaseException) -> Exception:
    # The process of a function that exits is gone; Lambda calls it Runtime.ExitError.
    return RuntimeError(f"the function exited: SystemExit({error})")


class Functions:
    """The functions of a gateway, which run in the caller's thread.

    Args:
        now: Clock, in seconds since the epoch.
        serving: Has boto3's Management API requests answered while a function runs.
        wait: Lets time pass where something is slow.
        authorizer: The Lambda authorizer, if there is one.
        faults: What fails on request.

    Attributes:
        handler: The Lambda handler.
        authorizer: The Lambda authorizer.
        invocations: Every invocation that has finished, in order.
    """

    def __init__(
        self,
        now: Callable[[], float],
        serving: Callable[[], AbstractContextManager[None]],
        wait: Callable[[float], object],
        *,
        authorizer: LambdaHandler | None,
        faults: Faults,
    ) -> None:
        self._faults = faults
        self.handler: LambdaHandler | None = None
        self.invocations: list[InvocationRecord] = []
        self._now = now
        self._serving = serving
        self._wait = wait
        self.authorizer = authorizer

    def invoke(
        self,
        config: GatewayConfig,
        function: Function,
        event: Mapping[str, Any],
        invocation_id: str,
        *,
        handler: LambdaHandler | None = None,
    ) -> InvocationRecord:
        """Invoke a function, and log it if it fails.

        Args:
            config: Region and account of the function, and how long it may take.
            function: Which function.
            event: What it is invoked with.
            invocation_id: ID of the invocation.
            handler: The function, if it is not the gateway's own.
        """
        own = self.authorizer if function is Function.AUTHORIZER else self.handler
        handler = handler or own
        if handler is None:
            raise UsageError("set the handler first: gateway.handler = router")
        until = self._now() + config.integration_timeout_seconds
        account = f"{config.region}:{config.account_id}"
        context = LambdaContext(
            aws_request_id=invocation_id,
            invoked_function_arn=f"arn:aws:lambda:{account}:function:{function.value}",
            remaining=lambda: until - self._now(),
        )
        fault = None
        if not self._faults.is_empty:
            is_authorizer = function is Function.AUTHORIZER
            fault = self._faults.find(see_event(event, is_authorizer=is_authorizer))
        with self._serving():
            handler = handler if fault is None else self._fail(handler, fault, config)
            record = run(handler, function, event, context, now=self._now())
        self.invocations.append(record)
        if record.error is not None and record.errors:
            log.error("%s failed", function.value, exc_info=record.error)
        return record

    def _fail(
        self, handler: LambdaHandler, fault: Fault, config: GatewayConfig
    ) -> LambdaHandler:
        """Return a handler that does what a rule says in place of another one."""
        seconds = fault.rule.seconds
        match fault.action:
            case Action.DENY:
                return lambda event, _context: deny(event["methodArn"])
            case Action.KILL:
                return lambda _event, _context: _raise(*KILLED)
            case Action.SLOW:
                self._wait(fault.rule.waits_seconds)
                return handler
            case _:
                most = min(config.integration_timeout_seconds, MAX_TIMEOUT_SECONDS)
                return self._time_out(handler, most if seconds is None else seconds)

    def _time_out(self, handler: LambdaHandler, seconds: float) -> LambdaHandler:
        def act(event: object, context: object) -> NoReturn:
            handler(event, context)
            self._wait(seconds)
            _raise(TIMED_OUT, f"Task timed out after {seconds:.2f} seconds")

        return act


def _raise(error_type: str, message: str) -> NoReturn:
    raise FunctionFailedError(error_type, message)
