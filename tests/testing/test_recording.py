"""The double of the Management API."""

import time
from collections.abc import Iterator

import pytest

from wspubsub import (
    AccessDeniedError,
    ConnectionGoneError,
    ManagementError,
    Outcome,
    PostOutcome,
    ThrottledError,
)
from wspubsub.testing import RecordingConnections


def soon(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


def test_posts_are_kept_in_order() -> None:
    connections = RecordingConnections({"a", "b"})

    connections.post("a", b"1")
    connections.post("b", b"2")
    connections.post("a", b"3")

    assert connections.messages("a") == [b"1", b"3"]
    assert connections.posted == [("a", b"1"), ("b", b"2"), ("a", b"3")]
    assert connections.messages("nobody") == []


def test_an_unknown_connection_is_gone() -> None:
    connections = RecordingConnections({"a"})

    with pytest.raises(ConnectionGoneError) as gone:
        connections.post("b", b"x")
    with pytest.raises(ConnectionGoneError):
        connections.get("b")
    with pytest.raises(ConnectionGoneError):
        connections.close("b")

    assert gone.value.connection_id == "b"
    assert connections.posted == []


def test_connections_come_and_go() -> None:
    connections = RecordingConnections()
    connections.connect("a")
    was_connected = connections.is_connected("a")

    connections.disconnect("a")
    connections.disconnect("a")

    assert was_connected
    assert not connections.is_connected("a")


def test_closing_a_connection_makes_it_gone() -> None:
    connections = RecordingConnections({"a"})

    connections.close("a")

    assert connections.closed == ["a"]
    assert not connections.is_connected("a")


def test_getting_a_connection_tells_what_it_was_connected_with() -> None:
    connections = RecordingConnections()
    connections.connect(
        "a", source_ip="192.0.2.1", user_agent="UA", connected_at=1_700_000_000.25
    )

    info = connections.get("a")

    assert info.connected_at == info.last_active_at == 1_700_000_000.25
    assert (info.source_ip, info.user_agent) == ("192.0.2.1", "UA")


def test_a_message_over_128_kb_is_refused_as_by_aws() -> None:
    connections = RecordingConnections({"a"})

    connections.post("a", b"x" * 131_072)
    with pytest.raises(ManagementError) as error:
        connections.post("a", b"x" * 131_073)

    assert (error.value.status, error.value.code) == (413, "PayloadTooLargeException")
    assert connections.attempts("a") == 2


def test_each_of_many_connections_has_one_outcome() -> None:
    connections = RecordingConnections({"a", "b", "c", "d"})
    connections.throttle("b", times=None)
    connections.fail("c", times=None)
    connections.fail("d", status=400)

    outcomes = set(
        connections.post_many(["a", "b", "c", "d", "e"], b"x", deadline=soon())
    )

    assert outcomes == {
        PostOutcome("a", Outcome.DELIVERED),
        PostOutcome("b", Outcome.THROTTLED, "429 LimitExceededException"),
        PostOutcome("c", Outcome.FAILED, "500"),
        PostOutcome("d", Outcome.FAILED, "400"),
        PostOutcome("e", Outcome.GONE, "410 GoneException"),
    }
    assert connections.attempts("a") == connections.attempts("d") == 1
    assert connections.attempts("b") == connections.attempts("c") == 3


def test_a_connection_that_recovers_in_time_is_delivered_to() -> None:
    connections = RecordingConnections({"a", "b"})
    connections.throttle("a")
    connections.fail("a", status=503)
    connections.fail("b", status=500)

    outcomes = list(connections.post_many(["a", "b"], b"x", deadline=soon()))

    assert {outcome for _, outcome, _ in outcomes} == {Outcome.DELIVERED}
    assert connections.attempts("a") == 3
    assert connections.waited_seconds == pytest.approx(0.2 + 1.0, abs=0.01)


def test_retries_take_no_real_time_and_end_with_the_deadline() -> None:
    connections = RecordingConnections({"a"})
    connections.throttle("a", times=None)
    began = time.monotonic()

    [outcome] = connections.post_many(["a"], b"x", deadline=soon(1000.0))

    assert outcome.outcome is Outcome.THROTTLED
    assert time.monotonic() - began < 10
    assert 990 < connections.waited_seconds < 1000


def test_who_never_reads_costs_the_others_nothing_and_the_call_two_seconds() -> None:
    ids = [f"c{number}" for number in range(500)]
    connections = RecordingConnections(ids)
    for slow in ids[::100]:
        connections.throttle(slow, times=None)

    outcomes = list(connections.post_many(ids, b"x", deadline=soon(25.0)))

    throttled = {each.connection_id for each in outcomes[-5:]}
    assert throttled == set(ids[::100])
    assert len(connections.posted) == 495
    assert {connections.attempts(slow) for slow in ids[::100]} == {3}
    assert connections.waited_seconds < 2.1


def test_a_silent_connection_fails_and_costs_two_seconds() -> None:
    connections = RecordingConnections({"a", "b"})
    connections.silence("a", times=None)

    outcomes = list(connections.post_many(["a", "b"], b"x", deadline=soon(25.0)))

    assert outcomes == [
        PostOutcome("b", Outcome.DELIVERED),
        PostOutcome("a", Outcome.FAILED, "no answer in time"),
    ]
    assert connections.waited_seconds == pytest.approx(2.0, abs=0.1)


def test_a_lone_silent_connection_is_tried_again_after_each_timeout() -> None:
    connections = RecordingConnections({"a"})
    connections.silence("a", times=2)

    connections.post("a", b"x", deadline=soon(25.0))
    connections.silence("a", times=None)
    with pytest.raises(ManagementError, match="no answer in time") as silent:
        connections.post("a", b"x", deadline=soon(1.0))

    assert connections.messages("a") == [b"x"]
    assert silent.value.status is None


def test_a_silent_request_that_times_out_at_the_end_is_not_sent_again() -> None:
    connections = RecordingConnections({"a"})
    connections.silence("a", times=None)

    [outcome] = connections.post_many(["a"], b"x", deadline=soon(5.15))

    assert outcome == PostOutcome("a", Outcome.FAILED, "no answer in time")
    assert connections.attempts("a") == 1
    assert connections.waited_seconds == pytest.approx(5.0, abs=0.1)


def test_a_time_of_the_test_s_own_passes_while_it_waits() -> None:
    now = [1_000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    connections = RecordingConnections({"a"}, clock=lambda: now[0], sleep=sleep)
    connections.throttle("a", times=None)

    [outcome] = connections.post_many(["a"], b"x", deadline=1_025.0)

    assert outcome.outcome is Outcome.THROTTLED
    assert 1_020 < now[0] <= 1_025


def test_those_that_fail_get_the_patience_that_is_asked_for() -> None:
    connections = RecordingConnections({"a"})
    connections.throttle("a", times=None)

    [outcome] = connections.post_many(
        ["a"], b"x", deadline=soon(25.0), patience_seconds=0.25
    )

    assert outcome.outcome is Outcome.THROTTLED
    assert connections.attempts("a") == 2


def test_after_the_deadline_nothing_is_tried() -> None:
    connections = RecordingConnections({"a", "b"})

    outcomes = list(connections.post_many(["a", "b"], b"x", deadline=soon(-1.0)))

    assert outcomes == [
        PostOutcome("a", Outcome.DEFERRED),
        PostOutcome("b", Outcome.DEFERRED),
    ]
    assert connections.attempts("a") == 0


def test_connection_ids_are_taken_one_at_a_time() -> None:
    connections = RecordingConnections({"a", "b"})
    taken = []

    def ids() -> Iterator[str]:
        for connection_id in ("a", "b"):
            taken.append(connection_id)
            yield connection_id

    outcomes = connections.post_many(ids(), b"x", deadline=soon())
    first = next(outcomes)

    assert first.connection_id == "a"
    assert taken == ["a"]


def test_a_forbidden_post_ends_the_whole_call() -> None:
    connections = RecordingConnections({"a", "b"})
    connections.fail("a", status=403)

    with pytest.raises(AccessDeniedError) as denied:
        list(connections.post_many(["a", "b"], b"x", deadline=soon()))

    assert denied.value.code == "ForbiddenException"
    assert connections.posted == []


def test_a_post_that_stays_throttled_raises_after_its_deadline() -> None:
    connections = RecordingConnections({"a"})
    connections.throttle("a", times=None)

    with pytest.raises(ThrottledError) as throttled:
        connections.post("a", b"x", deadline=soon(5.0))
    waited = connections.waited_seconds
    with pytest.raises(ThrottledError):
        connections.post("a", b"x")

    assert throttled.value.status == 429
    assert 2.5 < waited < 5
    assert connections.waited_seconds > waited


def test_a_call_that_fails_once_is_tried_again() -> None:
    connections = RecordingConnections({"a"})
    connections.fail("a", status=500, times=2)

    connections.post("a", b"x")

    assert connections.messages("a") == [b"x"]
    assert connections.attempts("a") == 3


def test_scripted_faults_follow_one_another() -> None:
    connections = RecordingConnections({"a"})
    connections.fail("a", status=410)
    connections.fail("a", status=413)

    with pytest.raises(ConnectionGoneError):
        connections.post("a", b"x")
    with pytest.raises(ManagementError, match="413"):
        connections.post("a", b"x")
    connections.post("a", b"x")

    assert connections.messages("a") == [b"x"]
