"""The upgrade request of a client in a test."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlencode

from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.inputs import Handshake

Query = str | Mapping[str, str | Sequence[str]] | Sequence[tuple[str, str]]
"""A query string, or names and values; a list of values repeats the name."""


def handshake(
    config: GatewayConfig,
    *,
    path: str | None = None,
    query: Query = "",
    headers: Mapping[str, str] | None = None,
    subprotocols: Iterable[str] = (),
    source_ip: str = "127.0.0.1",
) -> Handshake:
    """Return the request of a client that sends what RFC 6455 §4.1 asks for.

    Args:
        config: Gives the path and the host.
        path: Another path than that of the stage.
        query: What follows the question mark.
        headers: Further headers; one of these names replaces the client's own.
        subprotocols: What the client offers, in order.
        source_ip: The client's address.
    """
    own = {
        "Host": config.default_host,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
    offered = ", ".join(subprotocols)
    if offered:
        own["Sec-WebSocket-Protocol"] = offered
    given = dict(headers or {})
    replaced = {name.lower() for name in given}
    kept = {name: value for name, value in own.items() if name.lower() not in replaced}
    return Handshake(
        path=f"/{config.stage}" if path is None else path,
        query=query if isinstance(query, str) else urlencode(query, doseq=True),
        headers=(*kept.items(), *given.items()),
        source_ip=source_ip,
    )
