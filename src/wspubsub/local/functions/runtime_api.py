"""AWS's Lambda Runtime API, for one execution environment.

"Using the Lambda runtime API for custom runtimes". Each environment has a server of
its own, so that it is known who asks. Answers to what a runtime does wrong are those
of AWS's runtime interface emulator.
"""

import asyncio
import contextlib
import json
import os
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wspubsub.errors import MessageError
from wspubsub.gateway import InvocationResult, Raised, Returned
from wspubsub.gateway.ids import Ids
from wspubsub.local.http11 import HttpConnection
from wspubsub.local.requests import BadRequestError, HttpRequest
from wspubsub.local.tasks import Tasks
from wspubsub.messages import read_json

_PREFIX = "/2018-06-01/runtime/"
MAX_RESPONSE_BYTES = 6_291_556
"""Largest response of a function ("Lambda quotas": 6 MB)."""

METHOD_HEADER = "Wspubsub-Method"
"""Which the runtime reads in lower case; Lambda has no such header."""

_ROOT = re.compile(r"Root=[^;\s]+")
_ACCEPTED = 202, b'{"status":"OK"}'


@dataclass(frozen=True, kw_only=True)
class RuntimeInvocation:
    """One invocation of a function.

    Attributes:
        request_id: Lambda's request ID, a UUID.
        event: What it is invoked with.
        trace_id: X-Ray trace header; may be empty.
        method: Method of the handler that is called with the event's items instead of
            the handler; empty for an event as on Lambda. Only the built-in runtime
            client knows of it.
    """

    request_id: str
    event: Mapping[str, Any]
    trace_id: str = ""
    method: str = ""

    @cached_property
    def encoded(self) -> bytes:
        """The event as the runtime gets it."""
        return json.dumps(self.event).encode()


class RuntimeApi:
    """Passes invocations to one runtime and receives its results.

    Args:
        function_arn: What the runtime is told that it runs.

    Attributes:
        address: Where it listens, as `host:port`.
        request_id: The invocation that the runtime was given last; empty before.
    """

    def __init__(self, function_arn: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._function_arn = function_arn
        self.address = ""
        self._ready: asyncio.Future[Raised | None] = self._loop.create_future()
        self._asker: asyncio.Future[tuple[dict[str, str], bytes]]
        self._asker = self._loop.create_future()
        self._current: RuntimeInvocation | None = None
        self.request_id = ""
        self._attempt_id = ""
        self._result: asyncio.Future[InvocationResult] = self._loop.create_future()
        self._connections = Tasks()
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Listen on loopback and return the address, as `host:port`."""
        self._server = await asyncio.start_server(
            lambda *streams: self._connections.spawn(self._serve(*streams)),
            "127.0.0.1",
            0,
        )
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        return self.address

    async def close(self) -> None:
        """Stop listening and drop the runtime's connections."""
        if self._server is not None:
            self._server.close()
        await self._connections.close()

    @property
    def ready(self) -> asyncio.Future[Raised | None]:
        """Done when the runtime asks for an invocation or reports why it never will."""
        return self._ready

    def begin(
        self, invocation: RuntimeInvocation, *, deadline: float
    ) -> asyncio.Future[InvocationResult]:
        """Pass an invocation to the runtime, which must be asking for one.

        Args:
            invocation: The invocation.
            deadline: When it times out, in seconds since the epoch.

        Returns:
            What will be its result.
        """
        self._current = invocation
        self.request_id = invocation.request_id
        self._attempt_id = str(uuid.uuid4())
        self._result = self._loop.create_future()
        self._ready = self._loop.create_future()
        headers = {
            "content-type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
            "Lambda-Runtime-Invocation-Id": self._attempt_id,
            **({METHOD_HEADER: invocation.method} if invocation.method else {}),
        }
        self._asker.set_result((headers, invocation.encoded))
        return self._result

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        connection = HttpConnection(
            reader,
            writer,
            max_body_bytes=MAX_RESPONSE_BYTES,
            is_patient=True,  # an invocation may take 15 minutes
        )
        try:
            while (request := await connection.next_request()) is not None:
                if not await self._answer(connection, request):
                    break
        except BadRequestError as error:
            with contextlib.suppress(OSError):
                await connection.respond(error.status, close=True)
        except OSError:
            pass  # the runtime has ended
        finally:
            writer.close()

    async def _answer(self, connection: HttpConnection, request: HttpRequest) -> bool:
        if request.header("host") != self.address:
            # Some web page has had its own name resolved to this machine.
            return await connection.respond(403, body=_problem("Forbidden"))
        match request.method, request.path.removeprefix(_PREFIX).split("/"):
            case "GET", ["invocation", "next"]:
                return await self._next(connection)
            case "POST", ["init", "error"]:
                status, body = self._take_init_error(request)
            case "POST", ["invocation", request_id, "response" | "error" as kind]:
                status, body = self._take_result(request, request_id, kind)
            case _:
                status, body = 404, b'{"errorType":"NotFound"}'
        return await connection.respond(
            status, {"content-type": "application/json"}, body
        )

    async def _next(self, connection: HttpConnection) -> bool:
        if self._current is not None:
            return await connection.respond(
                403, body=_problem("InvalidStateTransition")
            )
        # A runtime that asks again has given up its former request, and would not see
        # an answer to that.
        self._asker.cancel()
        asker = self._asker = self._loop.create_future()
        self._make_ready(None)
        headers, event = await asker
        return await connection.respond(200, headers, event)

    def _take_result(
        self, request: HttpRequest, request_id: str, kind: str
    ) -> tuple[int, bytes]:
        echoed = request.header("lambda-runtime-invocation-id")
        if (
            self._current is None
            or request_id != self._current.request_id
            or echoed not in (None, self._attempt_id)
        ):
            return 400, _problem("InvalidRequestID")
        self._current = None
        if request.is_cut:
            self._finish(_too_large())
            return 413, _problem("RequestEntityTooLarge")
        is_error = kind == "error"
        self._finish(_error(request) if is_error else _read_result(request.body))
        return _ACCEPTED

    def _take_init_error(self, request: HttpRequest) -> tuple[int, bytes]:
        self._make_ready(_error(request))
        return _ACCEPTED

    def _make_ready(self, error: Raised | None) -> None:
        if not self._ready.done():
            self._ready.set_result(error)

    def _finish(self, result: InvocationResult) -> None:
        if not self._result.done():
            self._result.set_result(result)


def trace_of(event: Mapping[str, Any]) -> str:
    """Return the trace header of an invocation, with the root that its event has.

    Its parent is the invocation's own, as on Lambda, so that a request that carries it
    shows which invocation it comes from.
    """
    headers = event.get("headers")
    found = headers.get("X-Amzn-Trace-Id") if isinstance(headers, Mapping) else None
    root = _ROOT.search(str(found)) if found else None
    name = root[0] if root else Ids(os.urandom).trace(time.time())
    return f"{name};Parent={os.urandom(8).hex()};Sampled=0"


def _read_result(body: bytes) -> InvocationResult:
    # Anything but JSON is passed on as text, for API Gateway to find malformed.
    text = body.decode(errors="replace")
    try:
        return Returned(read_json(text))
    except MessageError:
        return Returned(text)


def _error(request: HttpRequest) -> Raised:
    try:
        report = json.loads(request.body)
    except (ValueError, RecursionError):
        report = {}
    if not isinstance(report, dict):
        report = {}
    named = request.header("lambda-runtime-function-error-type")
    return Raised(
        error_type=str(report.get("errorType") or named or "Runtime.Unknown"),
        message=str(report.get("errorMessage") or ""),
        stack_trace=_stack_trace(report.get("stackTrace")),
    )


def _stack_trace(reported: object) -> tuple[str, ...]:
    return tuple(map(str, reported)) if isinstance(reported, list) else ()


def _too_large() -> Raised:
    return Raised(
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded maximum allowed payload size "
        f"({MAX_RESPONSE_BYTES} bytes).",
    )


def _problem(error_type: str) -> bytes:
    return json.dumps({"errorMessage": error_type, "errorType": error_type}).encode()
