"""The engine's posts against a server that misbehaves."""

import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings, strategies as st

from tests.contracts.senders import LAMBDA_ENVIRONMENT
from tests.support.servers.misbehaving import (
    ANSWERS,
    DELIVERING,
    FINAL,
    MisbehavingServer,
    misbehaving_server,
)
from wspubsub import ManagementError, Outcome, PostOutcome
from wspubsub.aws.engine_connections import EngineConnections

BROKEN = [name for name in ANSWERS if name not in FINAL]


@pytest.fixture(scope="module", autouse=True)
def _lambda_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LAMBDA_ENVIRONMENT.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def server() -> Iterator[MisbehavingServer]:
    with misbehaving_server() as running:
        yield running


def engine(server: MisbehavingServer, read_seconds: float = 5.0) -> EngineConnections:
    return EngineConnections(server.url, "us-east-1", read_seconds=read_seconds)


def soon(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


def only(results: Iterator[PostOutcome]) -> PostOutcome:
    [result] = results
    return result


@pytest.mark.parametrize("answer", sorted(DELIVERING))
def test_every_form_of_success_is_a_delivery(
    server: MisbehavingServer, answer: str
) -> None:
    server.plans = {"a": [answer, answer]}
    connections = engine(server)

    for _ in range(3):
        result = only(connections.post_many(["a"], b"x", deadline=soon()))
        assert result.outcome is Outcome.DELIVERED, result

    assert server.received["a"] == 3


@pytest.mark.parametrize("answer", sorted(DELIVERING | {"410", "500"}))
def test_an_answer_may_come_byte_by_byte(
    server: MisbehavingServer, answer: str
) -> None:
    server.byte_by_byte = True
    server.plans = {"a": [answer]}

    result = only(engine(server).post_many(["a"], b"x", deadline=soon()))

    expected = Outcome.GONE if answer == "410" else Outcome.DELIVERED
    assert result.outcome is expected


@pytest.mark.parametrize("answer", BROKEN)
def test_what_is_no_answer_is_tried_again(
    server: MisbehavingServer, answer: str
) -> None:
    server.plans = {"a": [answer, answer]}

    result = only(
        engine(server, read_seconds=0.1).post_many(["a"], b"x", deadline=soon())
    )

    assert result.outcome is Outcome.DELIVERED
    assert server.received["a"] == 1


@pytest.mark.parametrize("answer", BROKEN)
def test_what_is_no_answer_to_the_end_is_never_called_gone(
    server: MisbehavingServer, answer: str
) -> None:
    server.plans = {"a": [answer] * 10_000}

    result = only(
        engine(server, read_seconds=0.05).post_many(["a"], b"x", deadline=soon(0.2))
    )

    throttled = answer == "429"
    assert result.outcome is (Outcome.THROTTLED if throttled else Outcome.FAILED)
    assert result.reason


def test_the_reason_tells_what_the_server_said(server: MisbehavingServer) -> None:
    server.plans = {"a": ["500"] * 10_000}

    with pytest.raises(ManagementError, match="oops") as caught:
        engine(server).post("a", b"x", deadline=soon(0.1))

    assert caught.value.status == 500


def test_connections_are_used_again(server: MisbehavingServer) -> None:
    connections = engine(server)
    ids = [f"c{number}" for number in range(200)]

    for _ in range(2):
        results = connections.post_many(ids, b"x", deadline=soon())
        assert all(each.outcome is Outcome.DELIVERED for each in results)

    assert server.accepted <= 128


def test_a_connection_that_died_while_frozen_is_found_before_use(
    server: MisbehavingServer,
) -> None:
    connections = engine(server)
    server.plans = {"a": ["ok, then closed without a word"]}
    connections.post("a", b"x")

    # Whichever comes first, the end of the old connection or the new request, the
    # message arrives, and without a back-off.
    connections.post("b", b"x", deadline=soon(0))

    assert server.received == {"a": 1, "b": 1}


def test_leaving_half_way_leaves_the_pool_usable(server: MisbehavingServer) -> None:
    connections = engine(server)
    results = connections.post_many(
        (f"c{number}" for number in range(1000)), b"x", deadline=soon()
    )
    for _ in range(20):
        next(results)
    assert hasattr(results, "close")
    results.close()

    after = connections.post_many(["d", "e"], b"y", deadline=soon())

    assert {each.outcome for each in after} == {Outcome.DELIVERED}


def test_a_large_message_is_sent_whole(server: MisbehavingServer) -> None:
    connections = engine(server)

    results = connections.post_many(
        [f"c{number}" for number in range(20)], b"x" * 131_072, deadline=soon()
    )

    assert {each.outcome for each in results} == {Outcome.DELIVERED}


def test_the_deadline_ends_a_batch_that_gets_no_answer(
    server: MisbehavingServer,
) -> None:
    ids = [f"c{number}" for number in range(300)]
    server.plans = {name: ["never"] * 100 for name in ids[::2]}

    results = list(engine(server).post_many(ids, b"x", deadline=soon(0.4)))

    assert sorted(each.connection_id for each in results) == sorted(ids)
    silent = {each.outcome for each in results if each.connection_id in server.plans}
    assert silent <= {Outcome.FAILED, Outcome.DEFERRED}


def test_a_throttled_account_is_not_hammered(server: MisbehavingServer) -> None:
    ids = [f"c{number}" for number in range(60)]
    server.plans = {name: ["429"] for name in ids}

    results = list(engine(server).post_many(ids, b"x", deadline=soon()))

    assert {each.outcome for each in results} == {Outcome.DELIVERED}
    assert len(server.heads) == 120


def test_an_id_cannot_break_out_of_the_request_line(server: MisbehavingServer) -> None:
    evil = "a HTTP/1.1\r\nHost: evil\r\n\r\nPOST /x"

    only(engine(server).post_many([evil], b"x", deadline=soon()))

    [head] = server.heads
    assert b"evil" not in head.split(b"\r\n", 1)[1]
    assert head.split(b"\r\n")[0].count(b" ") == 2


def test_an_id_that_cannot_be_sent_fails_and_the_others_are_delivered(
    server: MisbehavingServer,
) -> None:
    results = list(
        engine(server).post_many(["a", "\ud800", "b"], b"x", deadline=soon())
    )

    outcomes = {each.connection_id: each.outcome for each in results}
    assert outcomes["\ud800"] is Outcome.FAILED
    assert outcomes["a"] is outcomes["b"] is Outcome.DELIVERED
    with pytest.raises(ManagementError, match="surrogates"):
        engine(server).post("\ud800", b"x", deadline=soon())


def test_new_credentials_are_used_at_once(
    server: MisbehavingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = engine(server)
    connections.post("a", b"x")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ROTATED")
    monkeypatch.delenv("AWS_SESSION_TOKEN")

    connections.post("a", b"x")

    first, second = server.heads
    assert b"Credential=testing/" in first
    assert b"x-amz-security-token: token" in first
    assert b"Credential=ROTATED/" in second
    assert b"x-amz-security-token" not in second


def test_an_endpoint_that_refuses_is_a_failure_that_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    connections = EngineConnections(f"http://127.0.0.1:{port}/prod", "us-east-1")

    with pytest.raises(ManagementError, match="ECONNREFUSED") as caught:
        connections.post("a", b"x", deadline=soon(0.2))

    assert caught.value.status is None


def test_a_name_without_an_address_is_a_failure_that_says_so() -> None:
    connections = EngineConnections("http://no-such-host.invalid/prod", "us-east-1")

    result = only(connections.post_many(["a"], b"x", deadline=soon(0.3)))

    assert result.outcome is Outcome.FAILED
    assert "no-such-host.invalid" in result.reason


schedules = st.dictionaries(
    st.integers(0, 40).map(lambda number: f"c{number}"),
    st.lists(st.sampled_from(sorted(ANSWERS)), max_size=3),
    max_size=30,
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, derandomize=True)
@given(schedules)
def test_every_id_has_exactly_one_true_outcome(schedule: dict[str, list[str]]) -> None:
    with misbehaving_server() as server:
        server.plans = {name: list(plan) for name, plan in schedule.items()}

        results = list(
            engine(server, read_seconds=0.1).post_many(schedule, b"x", deadline=soon())
        )

    assert sorted(each.connection_id for each in results) == sorted(schedule)
    for result in results:
        plan = [*schedule[result.connection_id], "ok"]
        end = next(answer for answer in plan if answer in FINAL)
        expected = {"410": Outcome.GONE, "413": Outcome.FAILED}
        assert result.outcome is expected.get(end, Outcome.DELIVERED), plan
    delivered = {r.connection_id for r in results if r.outcome is Outcome.DELIVERED}
    assert delivered <= set(server.received)
