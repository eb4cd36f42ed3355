"""A Lambda runtime for Python: fetches events, calls the handler, posts the result.

It speaks AWS's "Using the Lambda runtime API for custom runtimes", so it runs against
any implementation of that, and it does what AWS's own runtime interface client does
for a handler: the context object, a root logger, the same error types.

It is run by its path and imports nothing but the standard library: the handler must
find the wspubsub that it is deployed with, if any, and not the one that serves it.

    python -P bootstrap.py [awslambdaric] [debug=[TERMINAL]]

With the first argument it leaves the work to AWS's client, if that is installed, which
does not freeze threads between invocations; nor is anything frozen with the second one.
The process ends when its standard input does: then whoever started it is gone.
"""

import importlib
import json
import logging
import os
import runpy
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from decimal import Decimal
from types import TracebackType
from typing import Any

_PREFIX = "/2018-06-01/runtime"
_ERROR_TYPE_HEADER = "Lambda-Runtime-Function-Error-Type"
_METHOD_HEADER = "wspubsub-method"

Handler = Callable[[Any, Any], Any]
Headers = dict[str, str]
"""Headers of a request or an answer; of the latter, names are in lower case."""


class HandlerError(Exception):
    """There is no handler to call.

    Attributes:
        error_type: What Lambda calls this error.
    """

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


class RuntimeApiClient:
    """The runtime's end of the Runtime API.

    Args:
        ask: Sends a request and returns the headers and the body of the answer.
    """

    def __init__(self, ask: Callable[..., tuple[Headers, bytes]]) -> None:
        self._ask = ask

    def next_invocation(self) -> tuple[Headers, bytes]:
        """Wait for the next event and return it with its headers."""
        return self._ask("GET", f"{_PREFIX}/invocation/next", {})

    def post_result(self, headers: Headers, result: bytes) -> None:
        """Report what the handler returned."""
        self._post(f"invocation/{_id(headers)}/response", result, _echo(headers))

    def post_error(self, headers: Headers, error: dict[str, Any]) -> None:
        """Report that the handler failed."""
        extra = _echo(headers) | _error_type(error)
        self._post(f"invocation/{_id(headers)}/error", _json(error), extra)

    def post_init_error(self, error: dict[str, Any]) -> None:
        """Report that there is no handler to call."""
        self._post("init/error", _json(error), _error_type(error))

    def _post(self, path: str, body: bytes, headers: Headers) -> None:
        self._ask("POST", f"{_PREFIX}/{path}", headers, body)


class RequestIdFilter(logging.Filter):
    """Adds to log records the request ID of the invocation that they belong to."""

    request_id = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        record.aws_request_id = self.request_id
        return True


def main(arguments: list[str]) -> None:
    """Serve invocations until the process is ended from outside."""
    end_with_parent()
    _move_clock()
    is_debugged = _prepare_debugging(arguments)
    if "awslambdaric" in arguments:
        sys.argv = ["awslambdaric", os.environ["_HANDLER"]]
        runpy.run_module("awslambdaric", run_name="__main__")
        return
    make_context = _load("context")["Context"]
    exchange = _load("exchange")["Exchange"](os.environ["AWS_LAMBDA_RUNTIME_API"])
    api = RuntimeApiClient(exchange.ask)
    if not is_debugged:
        exchange.wait = _load("freezing")["wait_frozen"]
    requests = _set_up_logging()
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001 - whatever a module raises when imported
        report = _describe(error)
        _print_error(report, error)
        api.post_init_error(report)
        sys.exit(1)
    while True:
        _serve(api, handler, make_context, requests)


def _move_clock() -> None:
    """Be ahead of real time, if whoever started this process says so."""
    offset = float(os.environ.pop("WSPUBSUB_CLOCK_OFFSET", "0"))
    if offset:
        travel = importlib.import_module("time_machine").travel
        travel(time.time() + offset, tick=True).start()


def _prepare_debugging(arguments: list[str]) -> bool:
    """Return whether somebody looks on; at which terminal, is arranged for."""
    breakpoints = _load("breakpoints")
    terminals = [each.partition("=")[2] for each in arguments if "debug=" in each]
    if any(terminals):
        breakpoints["use_terminal"](terminals[0])
    else:
        breakpoints["pass_over"]()
    return bool(terminals)


def end_with_parent(
    take: Callable[[bytes], object] = len, before: Callable[[], None] = lambda: None
) -> None:
    """End this process and all that it started when its standard input ends.

    What the parent writes there goes to `take`; `before` is called before the end.

    Whoever started it holds the other end of that pipe, so this works however they
    end, also by SIGKILL, on every system.
    """
    held = os.dup(0)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - pathlib costs cold start
        os.dup2(nothing.fileno(), 0)

    def watch() -> None:
        while data := os.read(held, 65_536):
            take(data)
        try:
            before()
        finally:
            _end_with_children()

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def _end_with_children() -> None:
    if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _load(name: str) -> dict[str, Any]:
    # By its path, as this file is, and without taking a name from the handler.
    return runpy.run_path(f"{__file__.removesuffix('bootstrap.py')}{name}.py")


def load_handler(name: str) -> Handler:
    """Import and return the handler `module.function`.

    Raises:
        HandlerError: There is no such handler.
    """
    module_name, _, function_name = name.rpartition(".")
    if not module_name:
        raise HandlerError("Runtime.MalformedHandlerName", f"Bad handler {name!r}")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise HandlerError(
            "Runtime.ImportModuleError",
            f"Unable to import module '{module_name}': {error}",
        ) from error
    except SyntaxError as error:
        raise HandlerError(
            "Runtime.UserCodeSyntaxError",
            f"Syntax error in module '{module_name}': {error}",
        ) from error
    try:
        handler: Handler = getattr(module, function_name)
    except AttributeError:
        raise HandlerError(
            "Runtime.HandlerNotFound",
            f"Handler '{function_name}' missing on module '{module_name}'",
        ) from None
    if not callable(handler):
        # On AWS every event would fail.
        raise HandlerError(
            "Runtime.HandlerNotFound",
            f"'{function_name}' of module '{module_name}' cannot be called: it is of "
            f"type {type(handler).__name__}",
        )
    return handler


def _serve(
    api: RuntimeApiClient,
    handler: Handler,
    make_context: Callable[[Headers], Any],
    requests: RequestIdFilter,
) -> None:
    try:
        headers, body = api.next_invocation()
    except (OSError, ValueError):
        _end_with_children()  # whoever started this process is gone
        raise
    requests.request_id = _id(headers)
    os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
    try:
        event = json.loads(body)
        if _METHOD_HEADER in headers:
            call_method = _load("methods")["call_method"]
            result = call_method(handler, headers[_METHOD_HEADER], event)
        else:
            result = _marshal(handler(event, make_context(headers)))
    except Exception as error:  # noqa: BLE001 - reported to Lambda, as any error is
        report = _describe(error) | {"requestId": _id(headers)}
        _print_error(report, error)
        api.post_error(headers, report)
    else:
        api.post_result(headers, result)


def _marshal(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return json.dumps(value, default=_encodable).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise HandlerError(
            "Runtime.MarshalError", f"Unable to marshal response: {error}"
        ) from None


def _encodable(value: object) -> int | float:
    # As AWS's client does: a handler may return a number as it came from DynamoDB.
    if isinstance(value, Decimal):
        is_whole = value.is_finite() and value == value.to_integral_value()
        return int(value) if is_whole else float(value)
    raise TypeError(
        f"Object of type {type(value).__name__} is not JSON serializable"
    ) from None


def _describe(error: Exception) -> dict[str, Any]:
    if isinstance(error, HandlerError):
        error_type = error.error_type
        frames = _frames(error.__cause__) if error.__cause__ else []
    else:
        error_type, frames = type(error).__name__, _frames(error)
    return {
        "errorMessage": str(error),
        "errorType": error_type,
        "stackTrace": frames,
    }


def _frames(error: BaseException) -> list[str]:
    return traceback.format_tb(_users_part(error.__traceback__))


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    # The handler's author need not see what this file and the import system did.
    step = trace
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        if name != __file__ and "importlib" not in name:
            return step
        step = step.tb_next
    return None


def _print_error(report: dict[str, Any], error: Exception) -> None:
    cause = error.__cause__ if isinstance(error, HandlerError) else error
    lines = [f"[ERROR] {report['errorType']}: {report['errorMessage']}\n"]
    if cause is not None:
        cause = cause.with_traceback(_users_part(cause.__traceback__))
        lines += traceback.format_exception(cause)
    sys.stderr.write("".join(lines))
    sys.stderr.flush()


def _set_up_logging() -> RequestIdFilter:
    # Lambda's root logger has a handler from the start, so that
    # `logging.getLogger().setLevel("INFO")` is all that a function needs.
    requests = RequestIdFilter()
    handler = logging.StreamHandler(sys.stdout)
    formatter = logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s",
        "%Y-%m-%dT%H:%M:%S",
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(requests)
    logging.getLogger().addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    if level in logging.getLevelNamesMapping():
        logging.getLogger().setLevel(level)
    return requests


def _id(headers: Headers) -> str:
    return headers.get("lambda-runtime-aws-request-id", "")


def _echo(headers: Headers) -> dict[str, str]:
    name = "lambda-runtime-invocation-id"
    return {name: headers[name]} if name in headers else {}


def _error_type(error: dict[str, Any]) -> dict[str, str]:
    # A class may be named in any alphabet, a header may not.
    name: str = error["errorType"]
    return {_ERROR_TYPE_HEADER: name.encode("ascii", "backslashreplace").decode()}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


if __name__ == "__main__":
    main(sys.argv[1:])
