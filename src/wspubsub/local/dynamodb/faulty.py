"""Requests to the embedded DynamoDB that fail on request."""

import io
import socket
import time
from collections.abc import Callable, Iterable

from wspubsub.faults import Action, Fault, Faults
from wspubsub.faults.answers import answer_dynamodb
from wspubsub.faults.occasions import DYNAMODB_TARGET, see_request
from wspubsub.local.dynamodb.guard import Application, Environ, StartResponse


class Faulty:
    """Has requests fail as rules say, before or after a server answers them.

    Args:
        application: The server.
        faults: The rules.
        wait: Lets that many seconds pass.
    """

    def __init__(
        self,
        application: Application,
        faults: Faults,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._application = application
        self._faults = faults
        self._wait = wait

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request.

        Raises:
            ConnectionResetError: It is not answered; its connection is closed.
        """
        fault = None if self._faults.is_empty else self._find(environ)
        if fault is None:
            return self._application(environ, start_response)
        match fault.action:
            case Action.SLOW:
                self._wait(fault.rule.waits_seconds)
                return self._application(environ, start_response)
            case Action.LOSE_ANSWER:
                list(self._application(environ, lambda *_: None))
            case Action.LOSE_REQUEST:
                pass
            case _:
                return _refuse(fault, start_response)
        self._wait(fault.rule.waits_seconds)
        _hang_up(environ)
        raise ConnectionResetError("a rule says that the answer is lost")

    def _find(self, environ: Environ) -> Fault | None:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith(DYNAMODB_TARGET):
            return None  # of its streams, or of SQS
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        trace = environ.get("HTTP_X_AMZN_TRACE_ID", "")
        occasion = see_request(target, body, trace=trace)
        return None if occasion is None else self._faults.find(occasion)


def _refuse(fault: Fault, start_response: StartResponse) -> Iterable[bytes]:
    status, body = answer_dynamodb(fault)
    headers = [
        ("Content-Type", "application/x-amz-json-1.0"),
        ("Content-Length", str(len(body))),
    ]
    start_response(f"{status} Fault", headers)
    return [body]


def _hang_up(environ: Environ) -> None:
    connection: socket.socket | None = environ.get("werkzeug.socket")
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)
