"""The gateway model, driven as its shells drive it."""

import os
from dataclasses import replace
from typing import Any

import pytest

from wspubsub.gateway import (
    Accept,
    Close,
    DataFrame,
    Effect,
    Function,
    Gateway,
    GatewayConfig,
    Handshake,
    Invoke,
    ManagementRequest,
    Raised,
    Refuse,
    Returned,
    Send,
)

OK = Returned({"statusCode": 200})
REFUSED = Returned({"statusCode": 403})
HANDSHAKE = Handshake(path="/dev")
ALLOW = {
    "principalId": "u",
    "policyDocument": {
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    },
}


def gateway_with(**config: Any) -> Gateway:
    return Gateway(GatewayConfig(**config), draw=os.urandom)


def opened(gateway: Gateway, now: float = 0.0) -> str:
    """A connection that has been accepted."""
    connection_id, effects = gateway.handshake(HANDSHAKE, now=now)
    for invoke in invocations(effects):
        gateway.finished(invoke.invocation_id, OK, now=now)
    assert gateway.is_open(connection_id)
    return connection_id


def invocations(effects: list[Effect]) -> list[Invoke]:
    return [effect for effect in effects if isinstance(effect, Invoke)]


def end_of(effects: list[Effect]) -> tuple[int, str]:
    """Code and reason of the one `$disconnect` invocation among effects."""
    [invoke] = invocations(effects)
    context = invoke.event["requestContext"]
    assert context["eventType"] == "DISCONNECT"
    return context["disconnectStatusCode"], context["disconnectReason"]


@pytest.mark.parametrize("path", ["/dev", "/dev/", "/%64ev"])
def test_clients_connect_to_the_path_of_the_stage(path: str) -> None:
    gateway = gateway_with(routes=set())

    connection_id, effects = gateway.handshake(Handshake(path=path), now=0.0)

    assert gateway.stage == "dev"
    assert gateway.is_connect_path(path)
    assert effects == [Accept(connection_id=connection_id)]


@pytest.mark.parametrize(
    "path", ["/", "", "/prod", "/dev/x", "/DEV", "//dev", "/dev//"]
)
def test_a_handshake_to_another_path_is_403(path: str) -> None:
    gateway = gateway_with()

    connection_id, [refusal] = gateway.handshake(Handshake(path=path), now=0.0)

    assert isinstance(refusal, Refuse)
    assert (refusal.status, refusal.body) == (403, '{"message":"Forbidden"}')
    assert not gateway.is_connect_path(path)
    assert not gateway.is_open(connection_id)
    assert gateway.next_deadline() is None


def test_a_url_over_4096_characters_is_refused() -> None:
    gateway = gateway_with(routes=set())
    fitting = replace(HANDSHAKE, query="x" * 4091)
    too_long = replace(HANDSHAKE, query="x" * 4092)

    _, [accepted] = gateway.handshake(fitting, now=0.0)
    _, [refused] = gateway.handshake(too_long, now=0.0)

    assert isinstance(accepted, Accept)
    assert isinstance(refused, Refuse)
    assert refused.status == 414


def test_the_host_name_of_aws_stands_in_for_a_missing_host_header() -> None:
    gateway = gateway_with()

    _, [invoke] = gateway.handshake(HANDSHAKE, now=0.0)

    assert isinstance(invoke, Invoke)
    assert invoke.event["requestContext"]["domainName"] == (
        "local00000.execute-api.us-east-1.amazonaws.com"
    )


def test_plain_ws_is_told_from_wss_by_the_forwarded_headers() -> None:
    request = replace(HANDSHAKE, port=3001, is_tls=False)

    _, [invoke] = gateway_with().handshake(request, now=0.0)

    assert isinstance(invoke, Invoke)
    assert invoke.event["headers"]["X-Forwarded-Port"] == "3001"
    assert invoke.event["headers"]["X-Forwarded-Proto"] == "http"


def test_a_repeated_header_has_all_its_values_in_any_casing() -> None:
    request = replace(HANDSHAKE, headers=(("Cookie", "a=1"), ("cookie", "b=2")))

    _, [invoke] = gateway_with().handshake(request, now=0.0)

    assert isinstance(invoke, Invoke)
    assert invoke.event["multiValueHeaders"]["Cookie"] == ["a=1", "b=2"]
    assert invoke.event["headers"]["Cookie"] == "b=2"
    assert "cookie" not in invoke.event["headers"]


def test_a_connect_handler_that_takes_too_long_is_504_and_its_result_is_ignored() -> (
    None
):
    gateway = gateway_with()
    connection_id, [invoke] = gateway.handshake(HANDSHAKE, now=0.0)
    assert isinstance(invoke, Invoke)

    early = gateway.tick(now=28.9)
    [refusal] = gateway.tick(now=29.0)
    late = gateway.finished(invoke.invocation_id, OK, now=30.0)

    assert early == []
    assert isinstance(refusal, Refuse)
    assert refusal.status == 504
    assert "Endpoint request timed out" in refusal.body
    assert late == []
    assert not gateway.is_open(connection_id)


def test_a_message_handler_that_takes_too_long_is_an_error_and_ignored() -> None:
    gateway = gateway_with(
        routes={"$default"}, two_way={"$default"}, integration_timeout_seconds=3
    )
    connection_id = opened(gateway)
    [invoke] = invocations(gateway.receive(connection_id, DataFrame(b"x"), now=1.0))

    deadline = gateway.next_deadline()
    [answer] = gateway.tick(now=4.0)
    late = gateway.finished(
        invoke.invocation_id, Returned({"statusCode": 200, "body": "y"}), now=5.0
    )

    assert deadline == 4.0
    request_id = invoke.event["requestContext"]["requestId"]
    assert isinstance(answer, Send)
    assert answer.text == (
        f'{{"message": "Endpoint request timed out", "connectionId":"{connection_id}"'
        f', "requestId":"{request_id}"}}'
    )
    assert late == []
    assert gateway.is_open(connection_id)


def test_a_disconnect_handler_that_takes_too_long_is_forgotten() -> None:
    gateway = gateway_with()
    connection_id = opened(gateway)
    gateway.closed(connection_id, 1000, now=1.0)

    effects = gateway.tick(now=31.0)

    assert effects == []
    assert gateway.next_deadline() is None


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (None, "", (1005, "Client-side close frame status not set")),
        (1005, "", (1005, "Client-side close frame status not set")),
        (1000, "", (1000, "")),
        (1001, "", (1001, "")),
        (4001, "bye", (4001, "bye")),
        (1006, "", (1006, "")),
    ],
)
def test_the_end_that_a_client_brings_is_told_to_the_handler(
    code: int | None, reason: str, expected: tuple[int, str]
) -> None:
    gateway = gateway_with()
    connection_id = opened(gateway)

    effects = gateway.closed(connection_id, code, reason, now=1.0)

    assert end_of(effects) == expected
    assert gateway.connection_count == 0


def test_only_the_first_end_of_a_connection_counts() -> None:
    gateway = gateway_with()
    connection_id = opened(gateway)
    gateway.closed(connection_id, 1000, now=1.0)

    again = gateway.closed(connection_id, 1006, now=2.0)
    unknown = gateway.closed("nobody", 1000, now=2.0)

    assert again == []
    assert unknown == []


def test_nothing_is_taken_from_a_client_after_the_gateway_has_closed() -> None:
    gateway = gateway_with()
    connection_id = opened(gateway)
    effects = gateway.receive(connection_id, DataFrame(b"", is_text=False), now=1.0)

    frame = gateway.receive(connection_id, DataFrame(b"x"), now=2.0)
    ping = gateway.pinged(connection_id, now=2.0)
    close = gateway.closed(connection_id, 1003, now=2.0)

    assert effects[0] == Close(connection_id, 1003)
    assert end_of(effects) == (1003, "")
    assert (frame, ping, close) == ([], [], [])


def test_a_result_for_a_connection_that_has_ended_goes_nowhere() -> None:
    gateway = gateway_with(routes={"$default"}, two_way={"$default"})
    connection_id = opened(gateway)
    [first, second] = (
        invocations(gateway.receive(connection_id, DataFrame(b"x"), now=1.0))[0]
        for _ in range(2)
    )
    gateway.closed(connection_id, 1000, now=2.0)

    answers = [
        gateway.finished(
            first.invocation_id, Returned({"statusCode": 200, "body": "y"}), now=3.0
        ),
        gateway.finished(second.invocation_id, Raised("ValueError", "x"), now=3.0),
    ]

    assert answers == [[], []]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([DataFrame(b"x", is_text=None)], 1002),
        ([DataFrame(b"x", is_final=False), DataFrame(b"y")], 1002),
        ([DataFrame(b"", is_final=False), DataFrame(b"y", is_text=False)], 1002),
        ([DataFrame(b"\xff")], 1007),
        ([DataFrame(b"\xed\xa0\x80")], 1007),
        ([DataFrame(b"\xc3", is_final=False), DataFrame(b"", is_text=None)], 1007),
        ([DataFrame(b"x" * 40_000, is_text=False)], 1003),
        ([DataFrame(b"", is_text=False, is_final=False)], 1003),
        ([DataFrame(b"x" * 40_000, is_final=False)], 1009),
    ],
)
def test_a_bad_frame_closes_the_connection(frames: list[DataFrame], code: int) -> None:
    gateway = gateway_with()
    connection_id = opened(gateway)

    effects = [
        effect
        for frame in frames
        for effect in gateway.receive(connection_id, frame, now=1.0)
    ]

    assert effects[0] == Close(connection_id, code)
    assert end_of(effects) == (code, "")


def test_a_message_may_begin_again_after_one_that_was_complete() -> None:
    gateway = gateway_with(routes={"$default"})
    connection_id = opened(gateway)
    frames = [
        DataFrame(b"", is_final=False),
        DataFrame(b"", is_text=None, is_final=False),
        DataFrame(b"a", is_text=None),
        DataFrame(b"b"),
    ]

    events = [
        invoke.event["body"]
        for frame in frames
        for invoke in invocations(gateway.receive(connection_id, frame, now=1.0))
    ]

    assert events == ["a", "b"]


def test_the_size_of_one_message_does_not_count_for_the_next() -> None:
    gateway = gateway_with(routes={"$default"})
    connection_id = opened(gateway)

    effects = [
        gateway.receive(connection_id, DataFrame(b"x" * 32_768), now=1.0)
        for _ in range(5)
    ]

    assert [[type(each) for each in some] for some in effects] == [[Invoke]] * 5


def test_only_the_subprotocol_is_passed_on_with_the_101() -> None:
    gateway = gateway_with()
    connection_id, [invoke] = gateway.handshake(HANDSHAKE, now=0.0)
    assert isinstance(invoke, Invoke)
    result = {
        "statusCode": 200,
        "headers": {"sec-websocket-PROTOCOL": "v1", "Set-Cookie": "a=1"},
        "body": "ignored",
    }

    effects = gateway.finished(invoke.invocation_id, Returned(result), now=0.0)

    headers = {"Sec-WebSocket-Protocol": "v1"}
    assert effects == [Accept(connection_id=connection_id, headers=headers)]


def test_a_client_that_leaves_before_it_is_accepted_gets_a_disconnect() -> None:
    gateway = gateway_with(network_loss_reason="lost")
    connection_id, [invoke] = gateway.handshake(HANDSHAKE, now=0.0)
    assert isinstance(invoke, Invoke)

    left = gateway.closed(connection_id, 1006, now=1.0)
    again = gateway.closed(connection_id, 1006, now=1.5)
    effects = gateway.finished(invoke.invocation_id, OK, now=2.0)

    assert (left, again) == ([], [])
    assert len(effects) == 1
    assert end_of(effects) == (1006, "lost")
    assert gateway.connection_count == 0


@pytest.mark.parametrize("result", [REFUSED, Raised("ValueError", "x"), None])
def test_a_client_that_leaves_before_it_is_refused_is_forgotten(
    result: Returned | Raised | None,
) -> None:
    gateway = gateway_with()
    connection_id, [invoke] = gateway.handshake(HANDSHAKE, now=0.0)
    assert isinstance(invoke, Invoke)
    gateway.closed(connection_id, 1006, now=1.0)

    effects = (
        gateway.tick(now=29.0)
        if result is None
        else gateway.finished(invoke.invocation_id, result, now=2.0)
    )

    assert effects == []
    assert gateway.next_deadline() is None


def test_a_client_that_leaves_while_it_is_authorized_never_reaches_the_handler() -> (
    None
):
    gateway = gateway_with(has_authorizer=True)
    connection_id, [invoke] = gateway.handshake(HANDSHAKE, now=0.0)
    assert isinstance(invoke, Invoke)
    gateway.closed(connection_id, 1006, now=1.0)

    effects = gateway.finished(invoke.invocation_id, Returned(ALLOW), now=2.0)

    assert invoke.function is Function.AUTHORIZER
    assert effects == []
    assert gateway.next_deadline() is None


def test_the_latency_of_the_authorizer_is_told_in_milliseconds() -> None:
    gateway = gateway_with(has_authorizer=True)
    _, [authorize] = gateway.handshake(HANDSHAKE, now=100.0)
    assert isinstance(authorize, Invoke)

    [connect] = gateway.finished(authorize.invocation_id, Returned(ALLOW), now=100.25)

    assert isinstance(connect, Invoke)
    authorized, connected = (
        each.event["requestContext"] for each in (authorize, connect)
    )
    assert connected["authorizer"]["integrationLatency"] == 250
    assert "authorizer" not in authorized
    assert connected["requestId"] == authorized["requestId"]
    assert connected["connectionId"] == authorized["connectionId"]


def test_pings_keep_a_connection_only_if_the_switch_says_so() -> None:
    gateways = [gateway_with(pings_reset_idle=switch) for switch in (False, True)]
    ids = [opened(gateway) for gateway in gateways]

    for gateway, connection_id in zip(gateways, ids, strict=True):
        gateway.pinged(connection_id, now=500.0)
        gateway.tick(now=700.0)

    assert [
        gateway.is_open(connection_id)
        for gateway, connection_id in zip(gateways, ids, strict=True)
    ] == [False, True]


def test_an_answer_counts_as_activity() -> None:
    gateway = gateway_with(
        routes={"$default"},
        two_way={"$default"},
        idle_timeout_seconds=10,
    )
    silent, answered = opened(gateway), opened(gateway)
    bodies = {silent: "", answered: "y"}
    invokes = [
        invocations(gateway.receive(connection_id, DataFrame(b"x"), now=1.0))[0]
        for connection_id in (silent, answered)
    ]

    for invoke in invokes:
        body = bodies[invoke.connection_id]
        gateway.finished(
            invoke.invocation_id, Returned({"statusCode": 200, "body": body}), now=9.0
        )
    gateway.tick(now=11.0)

    assert not gateway.is_open(silent)
    assert gateway.is_open(answered)


def test_the_next_deadline_follows_the_connection_that_is_idle_longest() -> None:
    gateway = gateway_with(routes={"$default"}, idle_timeout_seconds=10)
    first, second = opened(gateway, now=0.0), opened(gateway, now=1.0)
    invokes = invocations(gateway.receive(first, DataFrame(b"x"), now=5.0))
    gateway.finished(invokes[0].invocation_id, OK, now=5.0)

    deadlines = [gateway.next_deadline()]
    closing_second = gateway.tick(now=11.0)
    deadlines.append(gateway.next_deadline())
    closing_first = gateway.tick(now=15.0)

    assert deadlines == [11.0, 15.0]
    assert closing_second == [Close(second, 1001, "Going away")]
    assert closing_first == [Close(first, 1001, "Going away")]
    assert gateway.next_deadline() is None


def test_a_clock_that_was_set_back_is_followed() -> None:
    gateway = gateway_with(routes=set(), idle_timeout_seconds=10)
    connection_id = opened(gateway, now=100.0)

    gateway.receive(connection_id, DataFrame(b"x"), now=50.0)

    assert gateway.next_deadline() == 60.0
    assert gateway.tick(now=60.0) == [Close(connection_id, 1001, "Going away")]


def test_time_outs_that_are_due_together_fire_in_order() -> None:
    gateway = gateway_with(routes=set(), idle_timeout_seconds=10)
    ids = [opened(gateway, now=now) for now in (3.0, 1.0, 2.0)]

    effects = gateway.tick(now=100.0)

    assert effects == [Close(ids[index], 1001, "Going away") for index in (1, 2, 0)]


def posted(
    gateway: Gateway, connection_id: str, now: float
) -> tuple[int, list[Effect]]:
    request = ManagementRequest(
        method="POST",
        path=f"/dev/@connections/{connection_id}",
        headers={"authorization": "AWS4-HMAC-SHA256"},
        body=b"x",
    )
    response, effects = gateway.manage(request, now=now)
    return response.status, effects


def test_a_network_loss_may_be_noticed_only_by_the_idle_time_out() -> None:
    gateway = gateway_with(
        network_loss_found_when_idle=True,
        network_loss_code=1001,
        network_loss_reason="Going away",
    )
    connection_id = opened(gateway)

    at_once = gateway.closed(connection_id, 1006, now=10.0)
    again = gateway.closed(connection_id, 1000, now=11.0)
    post = posted(gateway, connection_id, now=20.0)
    frame = gateway.receive(connection_id, DataFrame(b"x"), now=30.0)
    when_idle = gateway.tick(now=600.0)
    after = posted(gateway, connection_id, now=601.0)

    assert (at_once, again, post, frame) == ([], [], (200, []), [])
    assert len(when_idle) == 1
    assert end_of(when_idle) == (1001, "Going away")
    assert after == (410, [])


def test_a_lost_connection_can_be_deleted() -> None:
    gateway = gateway_with(network_loss_found_when_idle=True)
    connection_id = opened(gateway)
    gateway.closed(connection_id, 1006, now=10.0)
    request = ManagementRequest(
        method="DELETE",
        path=f"/dev/@connections/{connection_id}",
        headers={"authorization": "AWS4-HMAC-SHA256"},
    )

    response, effects = gateway.manage(request, now=20.0)

    assert response.status == 204
    assert end_of(effects) == (1000, "Connection Closed Normally")


def test_a_post_to_a_pending_connection_is_410() -> None:
    gateway = gateway_with()
    connection_id, _ = gateway.handshake(HANDSHAKE, now=0.0)

    assert posted(gateway, connection_id, now=0.5) == (410, [])


def test_connections_are_counted_from_accept_to_end() -> None:
    gateway = gateway_with()
    gateway.handshake(HANDSHAKE, now=0.0)
    pending = gateway.connection_count
    first, second = opened(gateway), opened(gateway)
    two = gateway.connection_count

    gateway.closed(first, 1000, now=1.0)
    gateway.closed(second, 1006, now=1.0)

    assert (pending, two, gateway.connection_count) == (0, 2, 0)


def test_what_went_wrong_is_told_to_the_developer() -> None:
    gateway = gateway_with(routes={"$default"})
    connection_id = opened(gateway)
    [invoke] = invocations(gateway.receive(connection_id, DataFrame(b"x"), now=1.0))

    [answer] = gateway.finished(
        invoke.invocation_id, Raised("KeyError", "'topic'"), now=2.0
    )

    assert isinstance(answer, Send)
    assert answer.detail == "KeyError: 'topic'"
    assert "topic" not in answer.text
