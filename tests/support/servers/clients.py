"""What tests do as clients of a gateway and as callers of its Management API."""

import http.client
import json
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.support.servers.gateways import DevGateway

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=test"}


def closed_with(client: ClientConnection) -> int:
    """Return the close code that the gateway sends."""
    with pytest.raises(ConnectionClosed) as caught:
        client.recv(10)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code


def say(client: ClientConnection, **message: object) -> dict[str, object]:
    client.send(json.dumps(message))
    answer: dict[str, object] = json.loads(client.recv(10))
    return answer


def connection_id(gateway: DevGateway, query: str) -> str:
    """Return the ID of the connection whose handshake had this query."""
    line = gateway.wait_for_line(query)
    event = json.loads(line.removeprefix("EVENT "))
    return str(event["requestContext"]["connectionId"])


def manage(
    gateway: DevGateway,
    method: str,
    id_: str,
    body: bytes = b"",
    *,
    headers: dict[str, str] = SIGNED,
    resource: str = "@connections",
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    try:
        stage = gateway.url.rsplit("/", 1)[1]
        path = f"/{stage}/{resource}/{quote(id_, safe='')}"
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()
