"""The gateway model: what is accepted, who is told, and when it all ends."""

import pytest

from tests.support.gateway_steps import (
    ALLOW,
    HANDSHAKE,
    OK,
    REFUSED,
    end_of,
    gateway_with,
    invocations,
    opened,
)
from wspubsub.gateway import (
    Accept,
    Close,
    DataFrame,
    Effect,
    Function,
    Gateway,
    Invoke,
    ManagementRequest,
    Raised,
    Returned,
    SendText,
    Withdraw,
)


def test_only_the_subprotocol_is_passed_on_with_the_101() -> None:
    gateway = gateway_with()
    connection_id, [invoke] = gateway.handshake(HANDSHAKE, now=0.0)
    assert isinstance(invoke, Invoke)
    result = {
        "statusCode": 200,
        "headers": {"sec-websocket-PROTOCOL": "v1", "Set-Cookie": "a=1"},
        "body": "ignored",
    }

    effects = gateway.finish_invocation(invoke.invocation_id, Returned(result), now=0.0)

    headers = {"Sec-WebSocket-Protocol": "v1"}
    assert effects == [Accept(connection_id=connection_id, headers=headers)]


def test_a_client_that_leaves_before_it_is_accepted_gets_a_disconnect() -> None:
    gateway = gateway_with(network_loss_reason="lost")
    connection_id, [invoke] = gateway.handshake(HANDSHAKE, now=0.0)
    assert isinstance(invoke, Invoke)

    left = gateway.receive_close(connection_id, 1006, now=1.0)
    again = gateway.receive_close(connection_id, 1006, now=1.5)
    effects = gateway.finish_invocation(invoke.invocation_id, OK, now=2.0)

    assert (left, again) == ([Withdraw(invoke.invocation_id)], [])
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
    gateway.receive_close(connection_id, 1006, now=1.0)

    effects = (
        gateway.tick(now=29.0)
        if result is None
        else gateway.finish_invocation(invoke.invocation_id, result, now=2.0)
    )

    assert [each for each in effects if not isinstance(each, Withdraw)] == []
    assert gateway.next_deadline() is None


@pytest.mark.parametrize("function", [Function.AUTHORIZER, Function.HANDLER])
def test_a_handshake_that_is_withdrawn_leaves_nothing_behind(
    function: Function,
) -> None:
    gateway = gateway_with(has_authorizer=function is Function.AUTHORIZER)
    connection_id, [invoke] = gateway.handshake(HANDSHAKE, now=0.0)
    assert isinstance(invoke, Invoke)
    assert invoke.function is function
    withdrawn = gateway.receive_close(connection_id, 1006, now=1.0)

    failed = Raised("Withdrawn", "it never began")
    effects = gateway.finish_invocation(invoke.invocation_id, failed, now=1.0)

    assert withdrawn == [Withdraw(invoke.invocation_id)]
    assert effects == []
    assert gateway.next_deadline() is None


def test_what_a_handler_does_when_a_client_has_left_is_done_however_late() -> None:
    gateway = gateway_with()
    connection_id = opened(gateway)
    [left] = invocations(gateway.receive_close(connection_id, None, now=1.0))

    assert gateway.tick(now=1000.0) == []
    assert gateway.finish_invocation(left.invocation_id, OK, now=1001.0) == []


def test_a_client_that_leaves_while_it_is_authorized_never_reaches_the_handler() -> (
    None
):
    gateway = gateway_with(has_authorizer=True)
    connection_id, [invoke] = gateway.handshake(HANDSHAKE, now=0.0)
    assert isinstance(invoke, Invoke)
    gateway.receive_close(connection_id, 1006, now=1.0)

    effects = gateway.finish_invocation(invoke.invocation_id, Returned(ALLOW), now=2.0)

    assert invoke.function is Function.AUTHORIZER
    assert effects == []
    assert gateway.next_deadline() is None


def test_the_latency_of_the_authorizer_is_told_in_milliseconds() -> None:
    gateway = gateway_with(has_authorizer=True)
    _, [authorize] = gateway.handshake(HANDSHAKE, now=100.0)
    assert isinstance(authorize, Invoke)

    [connect] = gateway.finish_invocation(
        authorize.invocation_id, Returned(ALLOW), now=100.25
    )

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
        gateway.receive_ping(connection_id, now=500.0)
        gateway.tick(now=700.0)

    assert [
        gateway.is_open(connection_id)
        for gateway, connection_id in zip(gateways, ids, strict=True)
    ] == [False, True]


def test_an_answer_counts_as_activity() -> None:
    gateway = gateway_with(
        routes={"$default"},
        two_way={"$default"},
        absent_body_is_sent=False,
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
        gateway.finish_invocation(
            invoke.invocation_id, Returned({"statusCode": 200, "body": body}), now=9.0
        )
    gateway.tick(now=11.0)

    assert not gateway.is_open(silent)
    assert gateway.is_open(answered)


def test_the_next_deadline_follows_the_connection_that_is_idle_longest() -> None:
    gateway = gateway_with(routes={"$default"}, idle_timeout_seconds=10)
    first, second = opened(gateway, now=0.0), opened(gateway, now=1.0)
    invokes = invocations(gateway.receive(first, DataFrame(b"x"), now=5.0))
    gateway.finish_invocation(invokes[0].invocation_id, OK, now=5.0)

    deadlines = [gateway.next_deadline()]
    closing_second = gateway.tick(now=11.0)
    deadlines.append(gateway.next_deadline())
    closing_first = gateway.tick(now=15.0)

    assert deadlines == [11.0, 15.0]
    assert closing_second == [Close(second, 1001, "Going away")]
    assert closing_first == [Close(first, 1001, "Going away")]
    assert gateway.next_deadline() is None


def test_a_connection_that_is_closed_in_time_says_which_time_is_up() -> None:
    gateway = gateway_with(routes=set(), max_duration_seconds=900)
    idle, busy = opened(gateway, now=0.0), opened(gateway, now=0.0)
    gateway.receive(busy, DataFrame(b"x"), now=500.0)

    closing = [*gateway.tick(now=600.0), *gateway.tick(now=900.0)]

    assert [each.connection_id for each in closing if isinstance(each, Close)] == [
        idle,
        busy,
    ]
    assert [each.detail for each in closing if isinstance(each, Close)] == [
        "no message for 600 s",
        "open for 900 s, the longest that a connection may last",
    ]


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

    at_once = gateway.receive_close(connection_id, 1006, now=10.0)
    again = gateway.receive_close(connection_id, 1000, now=11.0)
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
    gateway.receive_close(connection_id, 1006, now=10.0)
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

    gateway.receive_close(first, 1000, now=1.0)
    gateway.receive_close(second, 1006, now=1.0)

    assert (pending, two, gateway.connection_count) == (0, 2, 0)


def test_what_went_wrong_is_told_to_the_developer() -> None:
    gateway = gateway_with(routes={"$default"})
    connection_id = opened(gateway)
    [invoke] = invocations(gateway.receive(connection_id, DataFrame(b"x"), now=1.0))

    [answer] = gateway.finish_invocation(
        invoke.invocation_id, Raised("KeyError", "'topic'"), now=2.0
    )

    assert isinstance(answer, SendText)
    assert answer.detail == "KeyError: 'topic'"
    assert "topic" not in answer.text
