"""What every implementation of `Connections` does."""

import time
from collections.abc import Iterator

import pytest

from tests.contracts.senders import SENDERS, Sender
from wspubsub import (
    AccessDeniedError,
    ConnectionGoneError,
    ManagementError,
    Outcome,
    PostOutcome,
    ThrottledError,
)

STRANGE_IDS = ["L0SM9cOFvHcCIhw=", "a/b", "a b", "a\r\nX-Evil: 1", "é%2F", "a?b#c"]


@pytest.fixture(params=SENDERS)
def sender(request: pytest.FixtureRequest) -> Iterator[Sender]:
    with SENDERS[request.param]() as made:
        yield made


def soon(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


def outcomes(results: Iterator[PostOutcome]) -> dict[str, Outcome]:
    found = list(results)
    by_id = {result.connection_id: result.outcome for result in found}
    assert len(by_id) == len(found), "an ID came out twice"
    return by_id


def test_a_message_reaches_its_connection_as_it_was(sender: Sender) -> None:
    sender.connect("a=")

    sender.connections.post("a=", "grüße\n".encode())

    assert sender.messages("a=") == ["grüße\n".encode()]


@pytest.mark.parametrize("connection_id", STRANGE_IDS)
def test_any_connection_id_reaches_that_connection_only(
    sender: Sender, connection_id: str
) -> None:
    sender.connect(connection_id)
    sender.connect("a")

    sender.connections.post(connection_id, b"x")

    assert sender.messages(connection_id) == [b"x"]
    assert sender.messages("a") == []


def test_a_connection_that_does_not_exist_is_gone(sender: Sender) -> None:
    for call in (
        lambda: sender.connections.post("a=", b"x"),
        lambda: sender.connections.get("a="),
        lambda: sender.connections.close("a="),
    ):
        with pytest.raises(ConnectionGoneError) as caught:
            call()
        assert caught.value.connection_id == "a="
        assert caught.value.status == 410


def test_a_closed_connection_is_gone(sender: Sender) -> None:
    sender.connect("a=")

    sender.connections.close("a=")

    with pytest.raises(ConnectionGoneError):
        sender.connections.post("a=", b"x")


def test_a_connection_is_described(sender: Sender) -> None:
    sender.connect("a=")

    info = sender.connections.get("a=")

    assert info.connected_at > 1_500_000_000
    assert info.last_active_at >= info.connected_at
    assert info.source_ip
    assert info.user_agent is None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(sender: Sender, status: int) -> None:
    sender.connect("a=")
    sender.fail("a=", status, times=2)

    sender.connections.post("a=", b"x", deadline=soon())

    assert sender.messages("a=") == [b"x"]


@pytest.mark.parametrize("status", [400, 404, 413, 501, 505])
def test_what_would_fail_again_is_tried_once(sender: Sender, status: int) -> None:
    sender.connect("a=")
    sender.fail("a=", status, times=1)

    with pytest.raises(ManagementError) as caught:
        sender.connections.post("a=", b"hi", deadline=soon())

    assert caught.value.status == status
    assert not sender.messages("a=")


def test_throttling_until_the_deadline_is_an_error(sender: Sender) -> None:
    sender.connect("a=")
    sender.fail("a=", 429, times=10_000)

    with pytest.raises(ThrottledError) as caught:
        sender.connections.post("a=", b"x", deadline=soon(0.2))

    assert caught.value.status == 429
    assert sender.messages("a=") == []


def test_a_failure_until_the_deadline_is_an_error(sender: Sender) -> None:
    sender.connect("a=")
    sender.fail("a=", 500, times=10_000)

    with pytest.raises(ManagementError) as caught:
        sender.connections.post("a=", b"x", deadline=soon(0.2))

    assert caught.value.status == 500


def test_a_refused_permission_is_an_error_at_once(sender: Sender) -> None:
    sender.connect("a=")
    sender.fail("a=", 403, times=10_000)

    with pytest.raises(AccessDeniedError):
        sender.connections.post("a=", b"x", deadline=soon())
    with pytest.raises(AccessDeniedError):
        list(sender.connections.post_many(["a="], b"x", deadline=soon()))


def test_each_of_many_has_exactly_one_outcome(sender: Sender) -> None:
    ids = [f"c{number}" for number in range(120)]
    for number, connection_id in enumerate(ids):
        if number % 3:
            sender.connect(connection_id)
        if number % 5 == 0:
            sender.fail(connection_id, 429, times=1)
        if number % 7 == 0:
            sender.fail(connection_id, 413, times=1)

    found = outcomes(sender.connections.post_many(ids, b"x", deadline=soon()))

    expected = {}
    for number, connection_id in enumerate(ids):
        connected = Outcome.DELIVERED if number % 3 else Outcome.GONE
        expected[connection_id] = Outcome.FAILED if number % 7 == 0 else connected
    assert found == expected
    delivered = [key for key in ids if found[key] is Outcome.DELIVERED]
    assert [key for key in ids if sender.messages(key)] == delivered
    assert all(len(sender.messages(key)) == 1 for key in delivered)


def test_what_stays_throttled_or_broken_is_never_called_gone(sender: Sender) -> None:
    for connection_id in ("throttled", "broken", "well"):
        sender.connect(connection_id)
    sender.fail("throttled", 429, times=10_000)
    sender.fail("broken", 503, times=10_000)

    results = list(
        sender.connections.post_many(
            ["throttled", "broken", "well"], b"x", deadline=soon(0.3)
        )
    )

    assert {each.connection_id: each.outcome for each in results} == {
        "throttled": Outcome.THROTTLED,
        "broken": Outcome.FAILED,
        "well": Outcome.DELIVERED,
    }
    assert all(each.reason for each in results if each.connection_id == "broken")


@pytest.mark.slow
def test_who_fails_alone_does_not_use_up_the_time_of_the_call(sender: Sender) -> None:
    ids = [f"c{number}" for number in range(50)]
    for connection_id in ids:
        sender.connect(connection_id)
    sender.fail("c7", 429, times=10_000)
    sender.fail("c8", 503, times=10_000)
    begun = time.monotonic()

    found = outcomes(sender.connections.post_many(ids, b"x", deadline=soon(25)))

    assert time.monotonic() - begun < 10
    assert found.pop("c7") is Outcome.THROTTLED
    assert found.pop("c8") is Outcome.FAILED
    assert set(found.values()) == {Outcome.DELIVERED}


def test_a_call_that_fails_alone_does_not_use_up_its_time(sender: Sender) -> None:
    sender.connect("a")
    sender.connect("b")
    sender.fail("a", 503, times=10_000)
    sender.connections.post("b", b"x")
    begun = time.monotonic()

    with pytest.raises(ManagementError):
        sender.connections.post("a", b"x", deadline=soon(25))

    assert time.monotonic() - begun < 10


def test_those_that_fail_get_the_patience_that_is_asked_for(sender: Sender) -> None:
    sender.connect("a")
    sender.fail("a", 429, times=10_000)
    begun = time.monotonic()

    found = outcomes(
        sender.connections.post_many(
            ["a"], b"x", deadline=soon(25), patience_seconds=0.1
        )
    )

    assert time.monotonic() - begun < 10
    assert found == {"a": Outcome.THROTTLED}


def test_after_the_deadline_what_is_left_is_deferred(sender: Sender) -> None:
    ids = [f"c{number}" for number in range(50)]
    for connection_id in ids:
        sender.connect(connection_id)

    found = outcomes(sender.connections.post_many(ids, b"x", deadline=soon(-1)))

    assert found == dict.fromkeys(ids, Outcome.DEFERRED)
    assert not any(sender.messages(connection_id) for connection_id in ids)


def test_ids_are_taken_as_there_is_room(sender: Sender) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield f"c{taken}"

    results = sender.connections.post_many(endless(), b"x", deadline=soon())
    first = [next(results) for _ in range(10)]
    assert isinstance(results, Iterator)
    del results

    assert len(first) == 10
    assert taken < 5_000


def test_nobody_to_post_to_is_no_outcome(sender: Sender) -> None:
    assert list(sender.connections.post_many([], b"x", deadline=soon())) == []
