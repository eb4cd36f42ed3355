"""boto3's Management API requests, answered by an in-process gateway.

A handler written for AWS posts through boto3, here too. While an in-process gateway
serves, such requests are taken before they reach a socket (botocore's `before-send`
event, which moto uses too) and answered by the gateway's own Management API, whatever
endpoint the handler was given.
"""

import gc
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from threading import Lock
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from wspubsub.gateway.effects import ManagementResponse
from wspubsub.gateway.inputs import ManagementRequest

EVENT = "before-send.apigatewaymanagementapi"

# A thing of botocore, which ships no types.
_Botocore: TypeAlias = Any

Answer = Callable[[ManagementRequest], ManagementResponse]


class _Raw(io.BytesIO):
    """A body in the shape that botocore reads: the one of urllib3."""

    def stream(self, *_args: object, **_options: object) -> Iterator[bytes]:
        yield self.read()


class Interception:
    """Passes boto3's Management API requests to whoever serves them at the moment.

    There is one of them in a process, since botocore's handlers are the process's.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._serving: list[tuple[str, Answer]] = []
        self._is_installed = False

    @contextmanager
    def by(self, stage: str, answer: Answer) -> Iterator[None]:
        """Pass on all requests, from any thread, while the block runs.

        Args:
            stage: Stage that the requests are taken to be for.
            answer: Answers a request.
        """
        server = (stage, answer)
        with self._lock:
            self._serving.append(server)
        try:
            yield
        finally:
            with self._lock:
                self._serving.remove(server)

    def __call__(self, request: _Botocore, **_event: object) -> object:
        """Answer a prepared request of botocore; None lets botocore send it."""
        with self._lock:
            server = self._serving[-1] if self._serving else None
        if server is None:
            return None
        stage, answer = server
        return _response(request.url, answer(_management_request(request, stage)))

    def install(self) -> None:
        """Register with every boto3 client, existing and future ones."""
        with self._lock:
            # Without botocore there is no client of boto3's to register with.
            if self._is_installed or find_spec("botocore") is None:
                return
            self._is_installed = True
        # Not at the top: it takes a fifth of a second, and the plugin is always loaded.
        from botocore import handlers

        handlers.BUILTIN_HANDLERS.append((EVENT, self, handlers.REGISTER_FIRST))
        for events in _existing_events():
            events.register_first(EVENT, self)


interception = Interception()


def _existing_events() -> Iterator[_Botocore]:
    # A handler's module makes its clients when a test imports it, before any gateway.
    from botocore.client import BaseClient  # loaded by now
    from botocore.session import Session

    for thing in gc.get_objects():
        if issubclass(type(thing), BaseClient):
            yield thing.meta.events
        elif issubclass(type(thing), Session):
            yield thing.get_component("event_emitter")


def _management_request(request: _Botocore, stage: str) -> ManagementRequest:
    url = urlsplit(request.url)
    resource = url.path[url.path.rfind("/", 0, url.path.rfind("/")) :]
    return ManagementRequest(
        method=request.method,
        path=f"/{stage}{resource}",
        headers={
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        },
        body=_bytes(request.body),
    )


def _bytes(body: _Botocore) -> bytes:
    if body is None:
        return b""
    if hasattr(body, "read"):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body)


def _response(url: str, response: ManagementResponse) -> object:
    from botocore.awsrequest import AWSResponse  # loaded by now

    return AWSResponse(url, response.status, response.headers, _Raw(response.body))
