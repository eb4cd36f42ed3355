"""Which connections are used again, and which are not."""

import random
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from typing import Protocol

import pytest

from tests.support.servers.misbehaving import OK, status
from tests.support.servers.talking import (
    Server,
    answer_ok,
    pool_of,
    run,
    serving,
    statuses,
)
from wspubsub.engine.multiplexer import Multiplexer

MOMENT_SECONDS = 0.001
"""Longer than answers are looked for before another connection is opened."""


class HasFileno(Protocol):
    def fileno(self) -> int: ...


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_requests() -> None:
    was_read = threading.Event()
    came_in = threading.Event()

    def serve(client: socket.socket, number: int, _request: int) -> bool:
        client.sendall(OK)
        if number == 1:
            was_read.wait()
            client.sendall(status(410, "GoneException"))
            came_in.set()
        return True

    def tags() -> Iterator[str]:
        yield "a"
        was_read.set()  # there is room for one request
        came_in.wait()
        yield "b"

    with serving(serve) as server:
        multiplexer = Multiplexer(pool_of(server.port), max_in_flight=1)

        results = run(multiplexer, tags())

        assert statuses(results) == {"a": 200, "b": 200}
        assert server.accepted == 2


def test_a_retry_uses_a_kept_connection_though_one_was_dead_before() -> None:
    def serve(client: socket.socket, number: int, request: int) -> bool:
        if (number, request) == (1, 2):
            return False
        is_good = number == 1 or request == 4
        client.sendall(OK if is_good else status(500))
        return True

    with serving(serve) as server:
        multiplexer = Multiplexer(pool_of(server.port), draw=lambda: 0.0)
        run(multiplexer, ["a"])

        results = run(multiplexer, ["b"])

        assert statuses(results) == {"b": 200}
        assert server.accepted == 2


class JumpingClock:
    """Runs as time does, and jumps when a test lets a server be silent."""

    def __init__(self) -> None:
        self._jumped = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self._jumped

    def jump(self, seconds: float = 6.0) -> None:
        self._jumped += seconds  # longer than a request waits for its answer


def test_no_more_connections_are_kept_in_a_run_than_requests_are_in_flight() -> None:
    clock = JumpingClock()

    def serve(client: socket.socket, number: int, request: int) -> bool:
        if (number, request) == (1, 2):
            clock.jump()
        else:
            client.sendall(OK)
        return True

    with serving(serve) as server:
        pool = pool_of(server.port, clock)
        multiplexer = Multiplexer(pool, max_in_flight=1, clock=clock, draw=lambda: 1.0)

        results = run(multiplexer, ["a", "b", "c"])

        assert statuses(results) == {"a": 200, "b": 200, "c": 200}
        assert server.accepted == 3
        kept = pool.take_idle()
        assert kept is not None
        kept.close()
        assert pool.take_idle() is None


def warm(server: Server, multiplexer: Multiplexer, count: int) -> None:
    """Have a number of idle connections; the server answers when all are there."""
    tags = [f"warm{number}" for number in range(count)]
    assert statuses(run(multiplexer, tags)) == dict.fromkeys(tags, 200)
    assert server.accepted == count


def test_connections_that_died_in_silence_cost_one_timeout() -> None:
    clock = JumpingClock()
    both = threading.Barrier(2)
    silences: list[int] = []

    def serve(client: socket.socket, number: int, request: int) -> bool:
        if number <= 2 and request > 1:
            silences.append(number)
            clock.jump()
            return True
        if number <= 2:
            both.wait()
        client.sendall(OK)
        return True

    with serving(serve) as server:
        pool = pool_of(server.port, clock)
        warm(server, Multiplexer(pool, clock=clock), 2)
        multiplexer = Multiplexer(pool, clock=clock, max_in_flight=1)

        results = run(multiplexer, ["c", "d"], max_attempts=2)

    assert statuses(results) == {"c": 200, "d": 200}
    assert len(silences) == 1


def test_of_connections_that_break_when_they_are_used_again_one_is_tried() -> None:
    all_there = threading.Barrier(3)
    broken: list[int] = []

    def serve(client: socket.socket, number: int, request: int) -> bool:
        if number <= 3 and request > 1:
            broken.append(number)
            return False
        if number <= 3:
            all_there.wait()
        client.sendall(OK)
        return True

    with serving(serve) as server:
        multiplexer = Multiplexer(pool_of(server.port))
        warm(server, multiplexer, 3)

        results = run(multiplexer, ["c"], max_attempts=1)

        assert statuses(results) == {"c": 200}
        assert server.accepted == 4
    assert len(broken) == 1


def test_connections_that_answered_since_then_are_kept() -> None:
    now = [0.0]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pool = pool_of(listener.getsockname()[1], clock=lambda: now[0])
        for instant in (1.0, 2.0, 3.0):
            now[0] = instant
            pool.give_back(pool.open(1.0))

        pool.close_idle_since(2.0)

        kept = pool.take_idle()
        assert kept is not None
        assert kept.idle_since == 3.0
        kept.close()
        assert pool.take_idle() is None


def test_what_is_due_again_waits_for_room_and_not_in_a_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patience: list[float | None] = []
    released = threading.Event()

    class Recording(selectors.SelectSelector):
        def select(
            self, timeout: float | None = None
        ) -> list[tuple[selectors.SelectorKey, int]]:
            patience.append(timeout)
            if len(patience) > 20:
                released.set()
            return super().select(timeout)

    def serve(client: socket.socket, _number: int, request: int) -> bool:
        if request == 2:
            released.wait()
        client.sendall(status(500) if request == 1 else OK)
        return True

    monkeypatch.setattr(selectors, "DefaultSelector", Recording)
    with serving(serve) as server:
        multiplexer = Multiplexer(
            pool_of(server.port), max_in_flight=1, draw=lambda: 0.02
        )

        results = run(multiplexer, ["a", "b"])

    assert statuses(results) == {"a": 200, "b": 200}
    # At once, if something has become due between two looks at the clock.
    assert patience.count(0.0) <= 3


def test_a_socket_that_cannot_be_watched_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusals = [OSError(28, "No space left on device")]

    class Full(selectors.SelectSelector):
        def register(
            self, fileobj: int | HasFileno, events: int, data: object = None
        ) -> selectors.SelectorKey:
            if refusals:
                raise refusals.pop()
            return super().register(fileobj, events, data)

    monkeypatch.setattr(selectors, "DefaultSelector", Full)
    with serving(answer_ok) as server:
        multiplexer = Multiplexer(pool_of(server.port), draw=lambda: 0.0)

        results = run(multiplexer, ["a"])

    assert statuses(results) == {"a": 200}


def test_a_server_that_gave_up_an_idle_connection_is_asked_over_a_new_one() -> None:
    timed_out = status(408)

    def serve(client: socket.socket, number: int, request: int) -> bool:
        client.sendall(timed_out if (number, request) == (1, 2) else OK)
        return (number, request) != (1, 2)

    with serving(serve) as server:
        multiplexer = Multiplexer(pool_of(server.port))
        run(multiplexer, ["a"])

        results = run(multiplexer, ["b"], max_attempts=1)

        assert statuses(results) == {"b": 200}
        assert server.accepted == 2


def test_a_timeout_of_the_server_on_a_new_connection_is_an_answer() -> None:
    def serve(client: socket.socket, _number: int, _request: int) -> bool:
        client.sendall(status(408))
        return True

    with serving(serve) as server:
        results = run(Multiplexer(pool_of(server.port)), ["a"], max_attempts=1)

    assert statuses(results) == {"a": 408}


def test_no_connection_is_opened_while_answers_come_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Patient(selectors.SelectSelector):
        """Lets each answer come in before it says that there is none."""

        def select(
            self, timeout: float | None = None
        ) -> list[tuple[selectors.SelectorKey, int]]:
            is_look = timeout is not None and timeout < MOMENT_SECONDS
            return super().select(10.0 if is_look else timeout)

    monkeypatch.setattr(selectors, "DefaultSelector", Patient)
    tags = [f"tag{number}" for number in range(300)]
    with serving(answer_ok) as server:
        results = run(Multiplexer(pool_of(server.port)), tags)

        assert statuses(results) == dict.fromkeys(tags, 200)
        assert server.accepted == 16


def test_opening_connections_takes_no_more_time_than_was_spent_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Hasty(selectors.SelectSelector):
        """Often sees no answer at once, so that there is nothing else to do."""

        def select(
            self, timeout: float | None = None
        ) -> list[tuple[selectors.SelectorKey, int]]:
            is_look = timeout is not None and timeout < MOMENT_SECONDS
            return [] if is_look and choices.random() < 0.5 else super().select(timeout)

    choices = random.Random(1)
    monkeypatch.setattr(selectors, "DefaultSelector", Hasty)
    tags = [f"tag{number}" for number in range(300)]
    with serving(answer_ok) as server:
        # On this clock no wait takes any time.
        results = run(Multiplexer(pool_of(server.port), clock=lambda: 0.0), tags)

        assert statuses(results) == dict.fromkeys(tags, 200)
        assert server.accepted == 16


def test_connections_are_opened_while_no_answer_comes_in() -> None:
    all_there = threading.Event()

    def serve(client: socket.socket, number: int, request: int) -> bool:
        # Only the first answer comes by itself; then there is room for 17.
        if number == 17:
            all_there.set()
        if (number, request) != (1, 1):
            all_there.wait()
        client.sendall(OK)
        return True

    tags = [f"tag{number}" for number in range(18)]
    with serving(serve) as server:
        multiplexer = Multiplexer(pool_of(server.port))

        results = run(multiplexer, tags)

        assert statuses(results) == dict.fromkeys(tags, 200)
        assert server.accepted == 17

        again = run(multiplexer, tags[:17])

        assert statuses(again) == dict.fromkeys(tags[:17], 200)
        assert server.accepted == 17


def test_what_waits_for_a_connection_at_the_deadline_has_not_been_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jumped = [0.0]

    class Jumping(selectors.SelectSelector):
        """Lets the deadline pass while answers are looked for once more."""

        def select(
            self, timeout: float | None = None
        ) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is not None and timeout < MOMENT_SECONDS:
                jumped[0] = 100.0
                return []
            return super().select(timeout)

    def serve(client: socket.socket, number: int, request: int) -> bool:
        if (number, request) == (1, 1):
            client.sendall(OK)
        return True

    monkeypatch.setattr(selectors, "DefaultSelector", Jumping)
    tags = [f"tag{number}" for number in range(18)]
    with serving(serve) as server:
        multiplexer = Multiplexer(
            pool_of(server.port), clock=lambda: time.monotonic() + jumped[0]
        )

        results = run(multiplexer, tags, seconds=50.0)

    assert sorted(each.tag for each in results) == sorted(tags)
    assert [each.tag for each in results if not each.was_tried] == ["tag17"]
    assert sum(each.response is not None for each in results) == 1
