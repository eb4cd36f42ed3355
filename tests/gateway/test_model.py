"""The gateway model, driven as its shells drive it."""

from dataclasses import replace

import pytest

from tests.support.gateway_steps import (
    HANDSHAKE,
    OK,
    end_of,
    gateway_with,
    invocations,
    opened,
)
from tests.support.growth import bytes_kept
from wspubsub.gateway import (
    Accept,
    Close,
    DataFrame,
    Handshake,
    Invoke,
    Raised,
    Refuse,
    Returned,
    SendText,
    Withdraw,
)


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
    [withdrawal, refusal] = gateway.tick(now=29.0)
    late = gateway.finish_invocation(invoke.invocation_id, OK, now=30.0)

    assert early == []
    assert withdrawal == Withdraw(invoke.invocation_id)
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
    [withdrawal, answer] = gateway.tick(now=4.0)
    late = gateway.finish_invocation(
        invoke.invocation_id, Returned({"statusCode": 200, "body": "y"}), now=5.0
    )

    assert deadline == 4.0
    assert withdrawal == Withdraw(invoke.invocation_id)
    request_id = invoke.event["requestContext"]["requestId"]
    assert isinstance(answer, SendText)
    assert answer.text == (
        f'{{"message": "Endpoint request timed out", "connectionId":"{connection_id}"'
        f', "requestId":"{request_id}"}}'
    )
    assert late == []
    assert gateway.is_open(connection_id)


def test_a_disconnect_handler_that_takes_too_long_is_forgotten() -> None:
    gateway = gateway_with()
    connection_id = opened(gateway)
    gateway.receive_close(connection_id, 1000, now=1.0)

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

    effects = gateway.receive_close(connection_id, code, reason, now=1.0)

    assert end_of(effects) == expected
    assert gateway.connection_count == 0


def test_only_the_first_end_of_a_connection_counts() -> None:
    gateway = gateway_with()
    connection_id = opened(gateway)
    gateway.receive_close(connection_id, 1000, now=1.0)

    again = gateway.receive_close(connection_id, 1006, now=2.0)
    unknown = gateway.receive_close("nobody", 1000, now=2.0)

    assert again == []
    assert unknown == []


def test_nothing_is_taken_from_a_client_after_the_gateway_has_closed() -> None:
    gateway = gateway_with()
    connection_id = opened(gateway)
    effects = gateway.receive(connection_id, DataFrame(b"", is_text=False), now=1.0)

    frame = gateway.receive(connection_id, DataFrame(b"x"), now=2.0)
    ping = gateway.receive_ping(connection_id, now=2.0)
    close = gateway.receive_close(connection_id, 1003, now=2.0)

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
    gateway.receive_close(connection_id, 1000, now=2.0)

    answers = [
        gateway.finish_invocation(
            first.invocation_id, Returned({"statusCode": 200, "body": "y"}), now=3.0
        ),
        gateway.finish_invocation(
            second.invocation_id, Raised("ValueError", "x"), now=3.0
        ),
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


def test_frames_without_data_are_not_kept() -> None:
    gateway = gateway_with(routes={"$default"})
    connection_id = opened(gateway)
    empty = DataFrame(b"", is_text=None, is_final=False)
    gateway.receive(connection_id, DataFrame(b"a", is_final=False), now=1.0)

    kept = bytes_kept(
        lambda _: gateway.receive(connection_id, empty, now=1.0), times=5000
    )

    assert kept < 5000


def test_the_size_of_one_message_does_not_count_for_the_next() -> None:
    gateway = gateway_with(routes={"$default"})
    connection_id = opened(gateway)

    effects = [
        gateway.receive(connection_id, DataFrame(b"x" * 32_768), now=1.0)
        for _ in range(5)
    ]

    assert [[type(each) for each in some] for some in effects] == [[Invoke]] * 5


def test_an_api_that_is_deployed_again_has_other_routes_for_open_connections() -> None:
    gateway = gateway_with(routes={"$default"})
    connection_id = opened(gateway)
    text = DataFrame(b'{"action": "echo"}')
    before = invocations(gateway.receive(connection_id, text, now=1.0))

    gateway.deploy(
        replace(gateway.config, routes={"$default", "echo"}, two_way={"echo"})
    )
    after = invocations(gateway.receive(connection_id, text, now=2.0))
    effects = gateway.finish_invocation(
        after[0].invocation_id, Returned({"statusCode": 200, "body": "x"}), now=3.0
    )

    keys = [each.event["requestContext"]["routeKey"] for each in (*before, *after)]
    assert keys == ["$default", "echo"]
    assert effects == [SendText(connection_id, "x")]
