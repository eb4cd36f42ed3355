"""What surprises people about WebSocket APIs, and what emulators often get wrong.

Every test is one such thing, tried with a raw socket, as a client library hides most
of them.
"""

import json
import re
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers.clients import SIGNED, manage
from tests.support.servers.gateways import APPS, CREDENTIALS, DevGateway, Record, dev
from tests.support.servers.raw import HANDSHAKE, RawClient, masked

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA
UNKNOWN = "AAAAAAAAAAAAAAA="
OK = {"statusCode": 200}


def serve(
    chat: DevGateway, *arguments: str, **variables: str
) -> AbstractContextManager[DevGateway]:
    return dev(
        f"{APPS / 'surprises.py'}:handler",
        *("--environments", "2", "--dynamodb", chat.dynamodb_url, *arguments),
        environ=CREDENTIALS | variables,
    )


@pytest.fixture(scope="module")
def usual(chat: DevGateway) -> Iterator[DevGateway]:
    """An API as the console makes it: one-way routes, and all three of AWS's own."""
    with serve(chat, TZ="Asia/Tokyo", LC_ALL="de_DE.UTF-8") as gateway:
        yield gateway


@pytest.fixture(scope="module")
def bare(chat: DevGateway) -> Iterator[DevGateway]:
    """An API without `$connect` and `$default`, and with an odd expression."""
    routes = ("$disconnect", "chat/join", "/join")
    with serve(
        chat,
        *(each for route in routes for each in ("--route", route)),
        *("--route-selection-expression", "${request.body.service}/$request.body.act"),
    ) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def guarded(chat: DevGateway) -> Iterator[DevGateway]:
    """An API with an authorizer."""
    authorizer = f"{APPS / 'surprises.py'}:authorize"
    with serve(chat, "--authorizer", authorizer) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def hasty(chat: DevGateway) -> Iterator[DevGateway]:
    """An API with short time limits."""
    with serve(chat, "--idle-timeout", "1", "--max-duration", "3") as gateway:
        yield gateway


class Connected(RawClient):
    """A client whose handshake was accepted, known by a query of its own."""

    def __init__(self, gateway: DevGateway, name: str, *, more: str = "") -> None:
        super().__init__(gateway.port)
        self.gateway = gateway
        self._mark = f'"name": "{name}"'
        self.upgrade(f"?name={name}{more}")

    def connect_event(self) -> Any:
        return self._event(self._mark)

    def id(self) -> str:
        return str(self.connect_event()["requestContext"]["connectionId"])

    def say(self, **order: object) -> None:
        self.send(masked(TEXT, json.dumps(order).encode()))

    def text(self) -> str:
        opcode, payload = self.frame()
        assert opcode == TEXT
        return payload.decode()

    def event_of(self, kind: str) -> Any:
        line = self.gateway.wait_for(
            lambda each: (
                each["kind"] == "output"
                and each["line"].startswith("EVENT ")
                and f'"eventType": "{kind}"' in each["line"]
                and f'"connectionId": "{self.id()}"' in each["line"]
            )
        )["line"]
        return json.loads(line.removeprefix("EVENT "))

    def _event(self, mark: str) -> Any:
        return json.loads(self.gateway.wait_for_line(mark).removeprefix("EVENT "))


def error_text(text: str, client: Connected, request_id: str) -> str:
    return (
        f'{{"message": "{text}", "connectionId":"{client.id()}", '
        f'"requestId":"{request_id}"}}'
    )


def test_1_a_binary_frame_closes_with_1003(usual: DevGateway) -> None:
    with Connected(usual, "binary") as client:
        client.send(masked(BINARY, b"\x00"))

        assert client.close_code() == 1003


def test_2_a_frame_of_more_than_32_kb_closes_with_1009(usual: DevGateway) -> None:
    half = b"x" * 20_000
    with Connected(usual, "fragments") as client:
        client.send(masked(TEXT, half, first_bits=0) + masked(CONTINUATION, half))
        assert "Internal server error" in client.text()  # it arrived, and is not JSON

        client.send(masked(TEXT, half + half))
        assert client.close_code() == 1009


def test_3_the_body_of_a_one_way_route_goes_nowhere(usual: DevGateway) -> None:
    with Connected(usual, "oneway") as client:
        client.say(**{"return": {**OK, "body": "dropped"}})
        client.event_of("MESSAGE")
        client.say(**{"raise": "x"})

        assert "Internal server error" in client.text()


def test_4_without_a_connect_route_everybody_is_let_in(bare: DevGateway) -> None:
    with RawClient(bare.port) as client:
        client.upgrade("?status=403")


def test_5_a_refusal_is_an_http_answer_with_the_handlers_status(
    usual: DevGateway,
) -> None:
    for status in (401, 403, 429):
        with RawClient(usual.port) as client:
            query = f"?status={status}"
            client.send(HANDSHAKE.format(host="localhost", query=query).encode())

            head = client.head()
            assert head.startswith(f"HTTP/1.1 {status} ")
            assert "upgrade:" not in head.lower()


def test_6_a_message_without_a_route_is_answered_with_forbidden(
    bare: DevGateway,
) -> None:
    with RawClient(bare.port) as client:
        client.upgrade()
        client.send(masked(TEXT, b'{"service": "chat"}'))
        text = client.frame()[1].decode()
        client.send(masked(PING, b"still open"))
        assert client.frame() == (PONG, b"still open")

    pattern = r'\{"message": "Forbidden", "connectionId":"\S+=", "requestId":"\S+="\}'
    assert re.fullmatch(pattern, text)


def test_7_the_management_api_answers_as_recorded(usual: DevGateway) -> None:
    with Connected(usual, "managed") as client:
        described, body = manage(usual, "GET", client.id())
        gone, gone_body = manage(usual, "POST", UNKNOWN, b"x")
        malformed, malformed_body = manage(usual, "POST", "no-id", b"x")
        deleted, deleted_body = manage(usual, "DELETE", client.id())

    told = json.loads(body)
    assert described.status == 200
    assert set(told) == {"identity", "connectedAt", "lastActiveAt"}
    assert datetime.fromisoformat(told["connectedAt"]).tzinfo == UTC
    assert (gone.status, gone_body) == (410, b"")
    assert gone.headers["x-amzn-errortype"] == "GoneException"
    assert malformed.status == 400
    assert malformed.headers["x-amzn-errortype"] == "BadRequestException"
    assert json.loads(malformed_body) == {"message": "Invalid connectionId: no-id"}
    assert (deleted.status, deleted_body) == (204, b"")


def test_8_a_connection_id_ends_in_an_equals_sign(usual: DevGateway) -> None:
    with Connected(usual, "id") as client:
        assert re.fullmatch(r"[\w-]{15}=", client.id())

        for written in (client.id(), client.id().replace("=", "%3D")):
            with RawClient(usual.port) as caller:
                caller.send(
                    f"POST /dev/@connections/{written} HTTP/1.1\r\nHost: localhost\r\n"
                    f"Authorization: {SIGNED['Authorization']}\r\n"
                    "Content-Length: 5\r\n\r\nhello".encode()
                )
                assert caller.status() == 200
            assert client.text() == "hello"


def test_9_each_kind_of_event_has_its_own_keys(usual: DevGateway) -> None:
    with Connected(usual, "events") as client:
        client.say(**{"return": OK})
        message = client.event_of("MESSAGE")
        client.send(masked(CLOSE, struct.pack("!H", 1000)))
        disconnect = client.event_of("DISCONNECT")
        connect = client.connect_event()

    assert "body" not in connect
    assert connect["queryStringParameters"] == {"name": "events"}
    assert message.keys() == {"requestContext", "body", "isBase64Encoded"}
    assert "queryStringParameters" not in disconnect
    assert "body" not in disconnect
    contexts = [each["requestContext"] for each in (connect, message, disconnect)]
    assert ["messageId" in context for context in contexts] == [False, True, False]
    assert len({context["connectedAt"] for context in contexts}) == 1
    for context in contexts:
        assert context["messageDirection"] == "IN"
        assert None not in context["identity"].values()
        assert re.fullmatch(r"[\w-]{15}=", context["requestId"])


def test_10_a_deletion_invokes_disconnect(usual: DevGateway) -> None:
    with Connected(usual, "deleted") as client:
        manage(usual, "DELETE", client.id())

        context = client.event_of("DISCONNECT")["requestContext"]
        assert context["disconnectStatusCode"] == 1000
        assert context["disconnectReason"] == "Connection Closed Normally"
        assert client.close_code() == 1000


def test_11_there_is_no_connection_until_connect_has_returned(
    usual: DevGateway,
) -> None:
    with Connected(usual, "early", more="&post=1") as client:
        assert usual.wait_for_line("POSTED") == "POSTED 410"

        client.send(masked(PING, b"first"))
        assert client.frame() == (PONG, b"first")


def test_12_errors_have_the_spacing_of_aws(usual: DevGateway) -> None:
    with Connected(usual, "spacing") as client:
        client.say(**{"raise": "x"})
        text = client.text()
        request_id = client.event_of("MESSAGE")["requestContext"]["requestId"]

        assert text == error_text("Internal server error", client, request_id)


def test_13_no_subprotocol_is_chosen_but_by_the_handler(usual: DevGateway) -> None:
    with RawClient(usual.port) as client:
        handshake = HANDSHAKE.format(host="localhost", query="")
        offer = "Sec-WebSocket-Protocol: one, two\r\n\r\n"
        client.send(handshake.replace("\r\n\r\n", f"\r\n{offer}").encode())

        head = client.head().lower()
        assert head.startswith("http/1.1 101 ")
        assert "sec-websocket-protocol" not in head


def test_14_messages_of_a_connection_are_handled_at_the_same_time(
    usual: DevGateway, tmp_path: Path
) -> None:
    path = str(tmp_path / "second")
    with Connected(usual, "order") as client:
        # One after the other, the first would wait for ever.
        client.say(wait=path, **{"raise": "first"})
        client.say(touch=path)

        assert "Internal server error" in client.text()


def test_15_the_domain_name_is_what_the_client_calls_the_gateway(
    usual: DevGateway,
) -> None:
    with RawClient(usual.port) as client:
        query = "?name=domain"
        client.send(HANDSHAKE.format(host="localhost:80", query=query).encode())
        assert client.status() == 101

    event = json.loads(usual.wait_for_line('"domain"').removeprefix("EVENT "))
    assert event["requestContext"]["domainName"] == "localhost:80"


def _is_invoked(key: str, record: Record) -> bool:
    return bool(record["kind"] == "invoked" and record["route_key"] == key)


def test_16_a_selection_expression_may_have_several_parts(bare: DevGateway) -> None:
    with RawClient(bare.port) as client:
        client.upgrade()
        for order in ({"service": "chat", "act": "join"}, {"act": "join"}):
            client.send(masked(TEXT, json.dumps({**order, "raise": "x"}).encode()))
            assert b"Internal server error" in client.frame()[1]

    for key in ("chat/join", "/join"):
        bare.wait_for(partial(_is_invoked, key))


def test_17_an_authorizers_context_is_text_and_its_status_means_nothing(
    guarded: DevGateway,
) -> None:
    with Connected(guarded, "context") as client:
        authorizer = client.connect_event()["requestContext"]["authorizer"]
    with RawClient(guarded.port) as refused:
        handshake = HANDSHAKE.format(host="localhost", query="?as=status")
        refused.send(handshake.encode())
        assert refused.status() == 500

    assert authorizer.items() >= {
        ("level", "3"), ("ratio", "1.5"), ("is_admin", "true"), ("name", "x"),
        ("principalId", "somebody"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "result",
    [{**OK, "extra": 1}, {**OK, "body": {"a": 1}}, {"status": 200}, "text", None],
    ids=str,
)
def test_18_a_malformed_result_is_an_internal_server_error(
    usual: DevGateway, result: object
) -> None:
    with Connected(usual, "malformed") as client:
        client.say(**{"return": result})

        assert "Internal server error" in client.text()


def test_19_posts_keep_a_connection_from_being_idle_until_its_time_is_up(
    hasty: DevGateway,
) -> None:
    with Connected(hasty, "idle") as silent:
        assert silent.close_code() == 1001
    with Connected(hasty, "posted") as posted:
        posts = 0
        while manage(hasty, "POST", posted.id(), b"stay")[0].status == 200:
            posts += 1
            assert posted.text() == "stay"
        assert posted.close_code() == 1001

    assert posts
    ended = [each.event_of("DISCONNECT")["requestContext"] for each in (silent, posted)]
    idle, busy = (each["requestTimeEpoch"] - each["connectedAt"] for each in ended)
    assert idle < busy
    reason = silent.event_of("DISCONNECT")["requestContext"]["disconnectReason"]
    assert reason == "Going away"


def test_20_the_time_of_a_request_is_in_english_and_utc(usual: DevGateway) -> None:
    with Connected(usual, "time") as client:
        context = client.connect_event()["requestContext"]

    moment = datetime.fromtimestamp(context["requestTimeEpoch"] / 1000, UTC)
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
    month = months[4 * moment.month - 4 :][:3]
    written = f"{moment:%d}/{month}/{moment:%Y:%H:%M:%S} +0000"
    assert context["requestTime"] == written
