"""What clients and callers of the Management API see, where emulators get it wrong."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.servers.clients import closed_with, manage, say
from tests.support.servers.gateways import (
    APPS,
    DevGateway,
    dev,
)

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def one_way(chat: DevGateway) -> Iterator[DevGateway]:
    """The probe behind an API with other routes than usual, and short time limits."""
    with dev(
        f"{APPS / 'probe.py'}:handler",
        *("--route", "$disconnect", "--route", "chat/join"),
        *("--route-selection-expression", "${request.body.service}/$request.body.act"),
        *("--idle-timeout", "0.8", "--max-duration", "2"),
        *("--environments", "1", "--stage", "prod"),
        *("--dynamodb", chat.dynamodb_url),
    ) as gateway:
        yield gateway


def test_binary_closes_the_connection_with_1003(chat: DevGateway) -> None:
    with chat.client() as client:
        client.send(b"\x00\x01")

        assert closed_with(client) == 1003


def test_a_frame_of_40_kb_closes_the_connection_with_1009(chat: DevGateway) -> None:
    with chat.client() as client:
        client.send("x" * 40_000)

        assert closed_with(client) == 1009


def test_a_frame_that_is_small_only_while_compressed_closes_it_too(
    chat: DevGateway,
) -> None:
    with chat.client() as client:
        client.send("x" * 2_000_000)

        assert closed_with(client) == 1009


def test_a_message_of_128_kb_in_frames_arrives_and_one_byte_more_closes_with_1009(
    chat: DevGateway,
) -> None:
    frames = ["x" * 32_768] * 4

    with chat.client(compression=None) as client:
        client.send(iter(frames))
        assert "not JSON" in str(client.recv(10))

        client.send(iter([*frames, "x"]))

        assert closed_with(client) == 1009


def test_text_that_is_no_utf_8_closes_the_connection_with_1007(
    chat: DevGateway,
) -> None:
    with chat.client() as client:
        client.send(b"\xff\xfe", text=True)

        assert closed_with(client) == 1007


def test_compression_is_negotiated_as_aws_does(chat: DevGateway) -> None:
    with chat.client() as compressed, chat.client(compression=None) as plain:
        assert compressed.response is not None
        assert plain.response is not None
        answer = compressed.response.headers["Sec-WebSocket-Extensions"]
        assert answer == "permessage-deflate; server_max_window_bits=12"
        assert "Sec-WebSocket-Extensions" not in plain.response.headers
        reply = {"type": "subscribed", "topic": "z" * 200}
        assert say(compressed, type="subscribe", topic="z" * 200) == reply
        assert say(plain, type="subscribe", topic="z" * 200) == reply


def test_a_ping_is_answered_and_nobody_else_pings(chat: DevGateway) -> None:
    with chat.client() as client:
        answered = client.ping()

        assert answered.wait(10)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 429, 501])
def test_a_refused_handshake_has_the_status_of_the_handler(
    probe: DevGateway, status: int
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        probe.client(f"?status={status}")

    response = caught.value.response
    assert response.status_code == status
    body = json.loads(bytes(response.body or b""))
    assert set(body) == {"message", "connectionId", "requestId"}


def test_a_connect_handler_that_raises_is_a_bad_gateway(probe: DevGateway) -> None:
    with pytest.raises(InvalidStatus) as caught:
        probe.client("?raise=1")

    assert caught.value.response.status_code == 502


def test_a_path_that_is_no_stage_is_forbidden(chat: DevGateway) -> None:
    with pytest.raises(InvalidStatus) as caught:
        chat.client("/elsewhere")

    assert caught.value.response.status_code == 403


def test_a_subprotocol_is_chosen_only_by_the_handler(probe: DevGateway) -> None:
    offered = [("Sec-WebSocket-Protocol", "one, two")]

    with probe.client("?subprotocol=two", subprotocols=["one", "two"]) as chosen:
        assert chosen.subprotocol == "two"
    with probe.client("?none", additional_headers=offered) as left_open:
        assert left_open.response is not None
        assert "Sec-WebSocket-Protocol" not in left_open.response.headers


def test_a_body_is_sent_only_where_there_is_a_route_response(
    one_way: DevGateway, probe: DevGateway
) -> None:
    with probe.client() as client:
        client.send(json.dumps({"action": "echo", "text": "sent back"}))
        assert client.recv(10) == "sent back"

    with one_way.client() as client:
        message = {"service": "chat", "act": "join", "action": "echo", "text": "x"}
        client.send(json.dumps(message))
        client.send(json.dumps({**message, "action": "fail"}))
        # Of the first one, nothing was sent.
        answer = json.loads(client.recv(10))
        assert answer["message"] == "Internal server error"


def test_without_a_connect_route_every_handshake_is_accepted(
    one_way: DevGateway,
) -> None:
    with one_way.client("?status=403") as client:
        assert client.response is not None
        assert client.response.status_code == 101


def test_a_message_that_matches_no_route_is_forbidden_letter_by_letter(
    one_way: DevGateway,
) -> None:
    with one_way.client() as client:
        client.send("{}")
        answer = str(client.recv(10))

    told = json.loads(answer)
    assert answer == (
        f'{{"message": "Forbidden", "connectionId":"{told["connectionId"]}", '
        f'"requestId":"{told["requestId"]}"}}'
    )


def test_an_idle_connection_is_closed_with_1001(one_way: DevGateway) -> None:
    with one_way.client() as client:
        assert closed_with(client) == 1001
        assert client.close_reason == "Going away"

    line = one_way.wait_for_line('"disconnectReason": "Going away"')
    assert '"disconnectStatusCode": 1001' in line


@pytest.mark.slow
def test_posts_keep_a_connection_from_being_idle_but_not_from_growing_too_old(
    one_way: DevGateway,
) -> None:
    with one_way.client() as client:
        client.send("{}")
        id_ = json.loads(client.recv(10))["connectionId"]
        posts: list[str] = []

        def post_until_closed() -> None:
            while manage(one_way, "POST", id_, b"stay"):
                posts.append(str(client.recv(10)))
                with pytest.raises(TimeoutError):
                    client.recv(0.4)

        with pytest.raises(ConnectionClosed) as caught:
            post_until_closed()

    # Without the posts it would have been idle after the second.
    assert len(posts) >= 3
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001


def test_events_have_the_shape_of_aws(probe: DevGateway) -> None:
    with probe.client("?shape=1&shape=2") as client:
        say_echo = json.dumps({"action": "echo", "text": "shape"})
        client.send(say_echo)
        client.recv(10)
    line = probe.wait_for_line('"shape": "2"')
    connected = json.loads(line.removeprefix("EVENT "))
    message = json.loads(
        probe.wait_for_line('\\"text\\": \\"shape\\"').removeprefix("EVENT ")
    )

    assert connected["multiValueQueryStringParameters"] == {"shape": ["1", "2"]}
    assert "body" not in connected
    context = connected["requestContext"]
    assert context["requestId"] == context["extendedRequestId"]
    assert context["domainName"] == f"127.0.0.1:{probe.port}"
    assert context["requestTime"].endswith(" +0000")  # though TZ is Asia/Tokyo
    assert message["body"] == say_echo
    assert "headers" not in message
    assert message["requestContext"]["connectedAt"] == context["connectedAt"]
    assert message["requestContext"]["messageId"].endswith(context["connectionId"][-8:])


@pytest.mark.slow
def test_200_clients_get_what_one_publishes(chat: DevGateway) -> None:
    async def converse() -> list[str]:
        clients = await asyncio.gather(
            *(connect_async(chat.url, proxy=None) for _ in range(200))
        )
        subscribe = json.dumps({"type": "subscribe", "topic": "crowd"})
        await asyncio.gather(*(each.send(subscribe) for each in clients))
        await asyncio.gather(*(each.recv() for each in clients))
        message = {"type": "message", "topic": "crowd", "message": "hello"}
        await clients[0].send(json.dumps(message))
        texts = await asyncio.gather(*(each.recv() for each in clients[1:]))
        await asyncio.gather(*(each.close() for each in clients))
        return [str(text) for text in texts]

    texts = asyncio.run(asyncio.wait_for(converse(), 50))

    assert [json.loads(text)["message"] for text in texts] == ["hello"] * 199
