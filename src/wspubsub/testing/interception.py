"""boto3's Management API requests, answered by an in-process gateway.

A handler written for AWS posts through boto3, here too. While an in-process gateway
serves, such requests are taken before they reach a socket (botocore's `before-send`
event, which moto uses too) and answered by the gateway's own Management API. An
endpoint that names one of several gateways that serve reaches that one.
"""

import gc
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from threading import Lock, local
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import SplitResult, urlsplit

from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.effects import ManagementResponse
from wspubsub.gateway.inputs import ManagementRequest
from wspubsub.testing.faults import SILENT
from wspubsub.testing.turns import take_turns

log = logging.getLogger("wspubsub")

EVENT = "before-send.apigatewaymanagementapi"
EVERY_EVENT = "before-send"

_EXECUTE_API = ".execute-api."
_ANY_API = GatewayConfig().api_id

# A thing of botocore, which ships no types.
_Botocore: TypeAlias = Any

Answer = Callable[[ManagementRequest], ManagementResponse]


class _Raw(io.BytesIO):
    """A body in the shape that botocore reads: the one of urllib3."""

    def stream(self, *_args: object, **_options: object) -> Iterator[bytes]:
        yield self.read()


class Server(NamedTuple):
    """A gateway that serves.

    Attributes:
        config: Its API and stage.
        answer: Answers a request.
    """

    config: GatewayConfig
    answer: Answer

    def is_named_by(self, url: SplitResult) -> bool:
        """Return whether an endpoint is that of this very API."""
        return url.hostname == self.config.default_host

    def path_of(self, url: SplitResult) -> str:
        """Return the path of a request as it comes to the stage.

        Raises:
            WrongEndpointError: AWS would not take it there.
        """
        stage, _, connection = url.path.rpartition("/@connections/")
        host = url.hostname or ""
        if _EXECUTE_API not in host and not _is_local(host):
            # A custom domain name has a mapping to the stage, of any name.
            return f"/{self.config.stage}/@connections/{connection}"
        api = host.partition(_EXECUTE_API)[0]
        if _is_other_api(api, self.config.api_id) and not _is_local(host):
            raise WrongEndpointError(
                f"a post was refused with 403: its endpoint names the API {api}, but "
                f"the gateway's is {self.config.api_id}; let the other gateway serve, "
                "or pass its api_id in config="
            )
        if stage != f"/{self.config.stage}":
            raise WrongEndpointError(
                "a post was refused with 403: its endpoint ends in the stage "
                f"{stage.lstrip('/')!r}, but the gateway's is {self.config.stage!r}; "
                "correct the endpoint, or pass GatewayConfig(stage=...)"
            )
        return url.path


class WrongEndpointError(Exception):
    """A request is for another API or another stage."""


class Interception:
    """Passes boto3's Management API requests to whoever serves them at the moment.

    There is one of them in a process, since botocore's handlers are the process's.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._serving: list[Server] = []
        self._thread = local()
        self._is_installed = False

    @contextmanager
    def by(self, config: GatewayConfig, answer: Answer) -> Iterator[None]:
        """Pass on requests, from any thread, while the block runs.

        Those of this thread come here, those of threads that it makes too unless
        another gateway has begun to serve since; an endpoint that names another
        gateway that serves goes before.

        Args:
            config: API and stage of the gateway.
            answer: Answers a request.
        """
        server = Server(config, answer)
        before = self._own()
        with self._lock:
            self._serving.append(server)
        self._thread.own = server
        try:
            yield
        finally:
            self._thread.own = before
            with self._lock:
                self._serving.remove(server)

    def __call__(self, request: _Botocore, **_event: object) -> object:
        """Answer a prepared request of botocore; None lets botocore send it."""
        url = urlsplit(request.url)
        server = self._find(url)
        if server is None:
            return None
        try:
            path = server.path_of(url)
        except WrongEndpointError as error:
            log.warning("%s", error)
            path = "/"  # which is forbidden
        response = server.answer(_management_request(request, path))
        if response.status == SILENT:
            raise silence(request.url)
        return _response(request.url, response)

    def is_serving(self, url: SplitResult) -> bool:
        """Return whether a gateway answers requests with such a URL."""
        return self._find(url) is not None

    def _find(self, url: SplitResult) -> Server | None:
        with self._lock:
            serving = list(self._serving)
        named = [each for each in serving if each.is_named_by(url)]
        if named and self._own() not in named:
            return named[-1]
        return self._own() or (serving[-1] if serving else None)

    def _own(self) -> Server | None:
        own: Server | None = getattr(self._thread, "own", None)
        return own

    def install(self) -> None:
        """Register with every boto3 client, existing and future ones."""
        with self._lock:
            # Without botocore there is no client of boto3's to register with.
            if self._is_installed or find_spec("botocore") is None:
                return
            self._is_installed = True
        # Not at the top: it takes a fifth of a second, and the plugin is always loaded.
        from botocore import handlers

        for event, answer in ((EVENT, self), (EVERY_EVENT, _let_others_go_first)):
            handlers.BUILTIN_HANDLERS.append((event, answer, handlers.REGISTER_FIRST))
            for events in _existing_events():
                events.register_first(event, answer)


def _let_others_go_first(**_event: object) -> None:
    take_turns()


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


def _is_other_api(api: str, ours: str) -> bool:
    return ours not in {api, _ANY_API}


def _is_local(host: str) -> bool:
    return host == "localhost" or host.startswith("127.")


def _management_request(request: _Botocore, path: str) -> ManagementRequest:
    return ManagementRequest(
        method=request.method,
        path=path,
        headers={
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        },
        body=read_body(request.body),
    )


def read_body(body: _Botocore) -> bytes:
    """Return the body of a prepared request of botocore."""
    if body is None:
        return b""
    if hasattr(body, "read"):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body)


def silence(url: str) -> Exception:
    """Return what boto3 raises that has waited for an answer in vain."""
    from botocore.exceptions import ReadTimeoutError  # loaded by now

    error: Exception = ReadTimeoutError(endpoint_url=url)
    return error


def _response(url: str, response: ManagementResponse) -> object:
    from botocore.awsrequest import AWSResponse  # loaded by now

    return AWSResponse(url, response.status, response.headers, _Raw(response.body))
