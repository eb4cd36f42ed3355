"""Whoever is refused, the developer finds the reason in the log."""

import asyncio
import io
import json
from typing import Any

import pytest
from typing_extensions import override

from tests.support.servers.clients import manage
from tests.support.servers.gateways import DevGateway, Record
from tests.support.servers.raw import RawClient, handshake
from wspubsub.gateway import GatewayConfig
from wspubsub.local.apigateway.hosts import AllowedHosts
from wspubsub.local.apigateway.server import GatewayServer
from wspubsub.local.apigateway.shell import GatewayShell
from wspubsub.local.functions.deployed import DeployedFunctions
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.journal import Journal

pytestmark = pytest.mark.integration

UNKNOWN = "AAAAAAAAAAAAAAA="


def rejection(gateway: DevGateway, client: RawClient) -> Record:
    address = f"127.0.0.1:{client.socket.getsockname()[1]}"
    # An earlier client may have had the same port.
    return gateway.wait_for(
        lambda each: (
            each["kind"] == "rejected"
            and each["client"] == address
            and each["time"] >= client.opened_at
        )
    )


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        (handshake(host="abc.tunnel.test:443"), 403, "--allow-host abc.tunnel.test"),
        (handshake("Version: 13", "Version: 8"), 400, "Sec-WebSocket-Version"),
        (handshake("Upgrade: ", "X-Name: a\x01b\r\nUpgrade: "), 400, "X-Name"),
        (handshake("Upgrade: ", "Cookie: " + "c" * 20_000 + "\r\nUpgrade: "), 431,
         "fewer cookies"),
        (handshake("Sec-", "Sec-WebSocket-Extensions: \r\nSec-"), 400, "Extensions"),
        (handshake("Sec-", "Sec-WebSocket-Protocol: a b=\r\nSec-"), 400, "Protocol"),
        (handshake("/dev", "/dev?name=J\xfcrgen"), 400, "percent-encode"),
        (handshake("/dev", "ws://localhost/dev"), 400, "not a request target"),
        (handshake("Upgrade: ", "Expect: x\r\nUpgrade: "), 417, "expectation"),
    ],
    ids=["host", "version", "control", "long", "empty", "protocol", "query", "target",
         "expectation"],
)  # fmt: skip
def test_a_refused_handshake_is_in_the_log_with_what_to_do(
    chat: DevGateway, sent: bytes, status: int, reason: str
) -> None:
    with RawClient(chat.port) as client:
        client.send(sent)
        assert client.status() == status

        record = rejection(chat, client)

    assert record["status"] == status
    assert reason in record["detail"]


def test_a_handshake_may_name_its_host_in_the_target(chat: DevGateway) -> None:
    with RawClient(chat.port) as client:
        client.send(handshake("/dev", "http://localhost/dev", host="evil.example"))
        assert client.status() == 101

    with RawClient(chat.port) as client:
        client.send(handshake("/dev", "http://evil.example/dev"))
        assert client.status() == 403


def test_a_handshake_that_expects_100_gets_it_before_101(chat: DevGateway) -> None:
    # RFC 9110 §7.8
    with RawClient(chat.port) as client:
        client.send(handshake("Upgrade: ", "Expect: 100-continue\r\nUpgrade: "))

        assert [client.status(), client.status()] == [100, 101]


@pytest.mark.parametrize(
    ("order", "options", "status", "reason"),
    [
        (("POST", UNKNOWN), {}, 410, "catch GoneException"),
        (("POST", "nonsense"), {}, 400, "percent-encoded"),
        (("POST", UNKNOWN), {"headers": {}}, 403, "no AWS signature"),
        (("POST", UNKNOWN), {"body": b"x" * 131_073}, 413, "131,072 bytes"),
        (("PATCH", UNKNOWN), {}, 403, "GET, POST and DELETE of /dev/@connections/ID"),
        (("GET", UNKNOWN), {"resource": "connections"}, 403, "/dev/@connections/ID"),
    ],
)
def test_a_refused_request_to_the_management_api_is_too(
    chat: DevGateway,
    order: tuple[str, str],
    options: dict[str, Any],
    status: int,
    reason: str,
) -> None:
    already = len(chat.records)

    answer, _ = manage(chat, *order, **options)

    assert answer.status == status
    record = chat.wait_for(
        lambda each: (
            each["kind"] == "managed"
            and each in chat.records[already:]
            and each["status"] == status
        )
    )
    assert reason in record["detail"]


def test_a_plain_request_to_the_stage_learns_what_is_missing(chat: DevGateway) -> None:
    with RawClient(chat.port) as client:
        client.send(b"GET /dev?browser HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.status() == 403

    assert chat.wait_for(
        lambda each: "not a WebSocket handshake" in each.get("detail", "")
    )


class _FailingOnce(io.StringIO):
    """A log that cannot be written once."""

    has_failed = False

    @override
    def write(self, text: str, /) -> int:
        if not self.has_failed:
            self.has_failed = True
            raise RuntimeError("no more paper")
        return super().write(text)


def test_what_goes_wrong_in_the_gateway_is_answered_with_500_and_logged() -> None:
    log = _FailingOnce()

    async def ask_twice() -> list[bytes]:
        journal = Journal(log, as_json=True)
        server = GatewayServer(
            GatewayShell(GatewayConfig(), DeployedFunctions(), journal, Recorder()),
            journal,
            Recorder(),
            hosts=AllowedHosts("127.0.0.1"),
            tls=None,
            max_buffer_bytes=1000,
        )
        port = await server.bind("127.0.0.1", 0)
        server.serve()
        answers = []
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answers.append(await reader.readline())
            writer.close()
        await server.close()
        return answers

    first, second = asyncio.run(ask_twice())

    assert first.startswith(b"HTTP/1.1 500 ")
    assert second.startswith(b"HTTP/1.1 403 ")
    record = json.loads(log.getvalue().splitlines()[0])
    assert (record["kind"], record["status"]) == ("rejected", 500)
    assert "RuntimeError: no more paper" in record["detail"]
