"""`examples/rooms` under `wspubsub dev`, as SDKs meet it."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt

from tests.support.sdks.driver import Driver, drive
from tests.support.servers.cuttable import Wire, wire_to
from tests.support.servers.gateways import CREDENTIALS, ROOT, DevGateway, Record, dev

APP = ROOT / "examples" / "rooms" / "app.py"
SECRET = "a secret of these tests, 32 bytes"
MODES = ("inline", "streams")


class Rooms:
    """The example behind the local gateway, and its server API.

    Args:
        gateway: What serves it.
        server: A process that may call the server API.
        wire: Clients connect through it, so that a test can cut it.
    """

    def __init__(self, gateway: DevGateway, server: Driver, wire: Wire) -> None:
        self.gateway = gateway
        self.wire = wire
        self.url = wire.reroute(gateway.url)
        self._server = server

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the server API."""
        return self._server.call(method, arguments=arguments, options=options)

    def invocations(self, route_key: str, connection_id: str) -> list[Record]:
        """Return how often a route of the function was invoked for a connection."""
        return [
            each
            for each in list(self.gateway.records)
            if each["kind"] == "invoked"
            and each["route_key"] == route_key
            and each["connection_id"] == connection_id
        ]

    def wait_for_invocations(
        self, route_key: str, connection_id: str, *, count: int
    ) -> None:
        """Wait until a route of the function was invoked that often."""
        self.gateway.wait_for(
            lambda each: (
                each["kind"] == "invoked"
                and each["route_key"] == route_key
                and each["connection_id"] == connection_id
            ),
            count=count,
        )

    def posts(self, connection_id: str) -> list[Record]:
        """Return the requests to the Management API for a connection."""
        return [
            each
            for each in list(self.gateway.records)
            if each["kind"] == "managed"
            and each["path"].endswith(quote(connection_id, safe=""))
        ]


def make_token(
    user: str,
    *,
    seconds: float = 3600,
    secret: str = SECRET,
    info: Mapping[str, Any] | None = None,
) -> str:
    """Return a token as examples/rooms takes it."""
    claims = {"sub": user, "exp": int(time.time() + seconds)}
    more = {} if info is None else {"info": info}
    return jwt.encode({**claims, **more}, secret, algorithm="HS256")


@contextmanager
def run_rooms(
    mode: str, *options: str, is_anonymous: bool = True, app: Path = APP
) -> Iterator[Rooms]:
    """Run the example, or another application, inline or with its table's stream."""
    variables = {
        **CREDENTIALS,
        "ROOMS_SECRET": SECRET,
        **({"ROOMS_ANONYMOUS": "1"} if is_anonymous else {}),
    }
    streams = "--streams" if mode == "streams" else "--no-streams"
    with (
        dev(f"{app}:handler", streams, *options, environ=variables) as gateway,
        wire_to(gateway.port) as wire,
        drive(
            [sys.executable, "-m", "tests.support.sdks.server_driver", str(app)],
            {**variables, **_function_environment(gateway)},
        ) as server,
    ):
        yield Rooms(gateway, server, wire)


def _function_environment(gateway: DevGateway) -> dict[str, str]:
    """Return the variables that the function has under `wspubsub dev`."""
    ready = next(each for each in gateway.records if each["kind"] == "ready")
    return {
        "AWS_REGION": ready["region"],
        "AWS_DEFAULT_REGION": ready["region"],
        "AWS_ENDPOINT_URL_DYNAMODB": gateway.dynamodb_url,
        "WSPUBSUB_TABLE": gateway.table,
        "WSPUBSUB_ENDPOINT": gateway.management_url,
        **({"WSPUBSUB_STREAM": ready["stream"]} if "stream" in ready else {}),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1"),
    }
