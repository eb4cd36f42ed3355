"""What clients and callers of the Management API see, where emulators get it wrong."""

import asyncio
import http.client
import json
from collections.abc import Iterator
from urllib.parse import quote

import boto3
import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from tests.servers.gateways import (
    APPS,
    DevGateway,
    dev,
)

pytestmark = pytest.mark.integration

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=test"}


@pytest.fixture(scope="module")
def one_way(chat: DevGateway) -> Iterator[DevGateway]:
    """The probe behind an API with other routes than usual, and short time limits."""
    with dev(
        f"{APPS / 'probe.py'}:handler",
        *("--route", "$disconnect", "chat/join"),
        *("--route-selection-expression", "${request.body.service}/$request.body.act"),
        *("--idle-timeout", "0.8", "--max-duration", "2"),
        *("--environments", "1", "--stage", "prod"),
        *("--dynamodb", chat.dynamodb_url),
    ) as gateway:
        yield gateway


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


def test_a_post_reaches_the_client_as_text(probe: DevGateway) -> None:
    with probe.client("?post=text") as client:
        id_ = connection_id(probe, '"post": "text"')

        response, body = manage(probe, "POST", id_, b"caf\xc3\xa9 \xff")

        assert (response.status, body) == (200, b"")
        assert client.recv(10) == "café \ufffd"


def test_a_post_of_128_kb_arrives_as_one_message_and_more_is_too_large(
    probe: DevGateway,
) -> None:
    with probe.client("?post=large", max_size=200_000) as client:
        id_ = connection_id(probe, '"post": "large"')

        assert manage(probe, "POST", id_, b"x" * 131_072)[0].status == 200
        assert len(client.recv(10)) == 131_072
        response, _ = manage(probe, "POST", id_, b"x" * 131_073)

        assert response.status == 413
        assert response.headers["x-amzn-errortype"] == "PayloadTooLargeException"
        assert manage(probe, "POST", id_, b"x" * 3_000_000)[0].status == 413


def test_a_connection_can_be_described(probe: DevGateway) -> None:
    with probe.client("?get=1", user_agent_header="Mozilla/5.0"):
        id_ = connection_id(probe, '"get": "1"')

        response, body = manage(probe, "GET", id_, resource="%40connections")

    assert response.status == 200
    told = json.loads(body)
    assert told["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "Mozilla/5.0"}
    assert set(told) == {"identity", "connectedAt", "lastActiveAt"}


def test_a_deleted_connection_is_closed_and_its_handler_told(
    probe: DevGateway,
) -> None:
    with probe.client("?delete=1") as client:
        id_ = connection_id(probe, '"delete": "1"')

        response, body = manage(probe, "DELETE", id_)

        assert (response.status, body) == (204, b"")
        assert closed_with(client) == 1000
    line = probe.wait_for_line('"disconnectReason": "Connection Closed Normally"')
    assert (
        json.loads(line.removeprefix("EVENT "))["requestContext"][
            "disconnectStatusCode"
        ]
        == 1000
    )


def test_an_unknown_connection_is_gone_and_a_malformed_one_a_bad_request(
    chat: DevGateway,
) -> None:
    gone, nothing = manage(chat, "POST", "AAAAAAAAAAAAAAA=", b"x")
    bad, text = manage(chat, "POST", "no-id", b"x")

    assert (gone.status, nothing) == (410, b"")
    assert gone.headers["x-amzn-errortype"] == "GoneException"
    assert bad.status == 400
    assert bad.headers["x-amzn-errortype"] == "BadRequestException"
    assert json.loads(text) == {"message": "Invalid connectionId: no-id"}


def test_requests_without_signature_or_for_anything_else_are_forbidden(
    chat: DevGateway,
) -> None:
    unsigned, text = manage(chat, "POST", "AAAAAAAAAAAAAAA=", b"x", headers={})
    elsewhere, _ = manage(chat, "GET", "x", resource="health")

    assert unsigned.status == 403
    assert json.loads(text) == {"message": "Missing Authentication Token"}
    assert elsewhere.status == 403


def test_boto3_knows_the_gateways_errors(chat: DevGateway) -> None:
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=chat.management_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )

    with pytest.raises(client.exceptions.GoneException):
        client.post_to_connection(ConnectionId="AAAAAAAAAAAAAAA=", Data=b"x")


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
