"""Whoever is refused, whatever the reason is, the page has it."""

import time

import pytest

from tests.support.inspector import Entry, InspectorClient, open_inspector
from tests.support.servers.gateways import DevGateway
from tests.support.servers.raw import HANDSHAKE, RawClient, handshake

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        (handshake(host="abc.tunnel.test"), 403, "--allow-host abc.tunnel.test"),
        (handshake("Version: 13", "Version: 8"), 400, "Sec-WebSocket-Version"),
        (b"POST / HTTP/1.1\r\nHost: evil.test\r\n\r\n", 403, "'evil.test'"),
    ],
    ids=["host", "version", "post"],
)
def test_what_is_refused_before_it_is_a_connection_is_an_entry(
    chat: DevGateway, sent: bytes, status: int, reason: str
) -> None:
    page = open_inspector(chat)
    refused = _find_refused(page, chat, sent, status)

    assert (refused["status"], refused["parent"]) == (status, None)
    assert reason in refused["detail"]
    assert [refused["method"], refused["path"]] == sent.decode().split(" ")[:2]
    assert "Host" in dict(refused["headers"])


def test_so_is_what_cannot_be_read_at_all(chat: DevGateway) -> None:
    page = open_inspector(chat)

    refused = _find_refused(page, chat, b"HELLO\r\n\r\n", 400)

    assert refused["detail"]
    assert "path" not in refused


@pytest.mark.parametrize(
    ("query", "status"),
    [("?status=401", 401), ("?status=403", 403), ("?status=429", 429), ("?raise", 502)],
)
def test_a_refusal_by_the_function_belongs_to_its_handshake(
    probe: DevGateway, query: str, status: int
) -> None:
    page = open_inspector(probe)
    with RawClient(probe.port) as client:
        client.send(HANDSHAKE.format(host="localhost", query=query).encode())
        assert client.status() == status

    asked = page.wait_for(lambda each: each.get("query") == query.removeprefix("?"))
    refused = page.wait_for(
        lambda each: (
            each["kind"] == "refused" and each["connection"] == asked["connection"]
        )
    )

    assert refused["status"] == status
    assert page.parent_of(refused)["route_key"] == "$connect"


def test_a_refusal_by_the_gateway_does_too(chat: DevGateway) -> None:
    page = open_inspector(chat)
    with RawClient(chat.port) as client:
        client.send(handshake("/dev", "/prod"))
        assert client.status() == 403

    asked = page.wait_for(lambda each: each.get("path") == "/prod")
    refused = page.wait_for(lambda each: each["parent"] == asked["n"])

    assert (refused["kind"], refused["status"]) == ("refused", 403)
    assert "/dev" in refused["detail"]


def _find_refused(
    page: InspectorClient, gateway: DevGateway, sent: bytes, status: int
) -> Entry:
    began = time.time()
    with RawClient(gateway.port) as client:
        client.send(sent)
        assert client.status() == status
        address = f"127.0.0.1:{client.socket.getsockname()[1]}"
    # An earlier client may have had the same port.
    return page.wait_for(
        lambda each: each.get("address") == address and each["at"] >= began
    )
