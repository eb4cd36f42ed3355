"""Which connections are used, and to which address they go."""

import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

import pytest

from tests.servers.misbehaving import OK, status
from wspubsub.aws.http import Multiplexer
from wspubsub.aws.http_channel import Endpoint
from wspubsub.aws.http_exchange import Result, Verdict
from wspubsub.aws.http_pool import ChannelPool
from wspubsub.aws.http_response import Response

REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"

Serve = Callable[[socket.socket, int, int], bool]
"""Is called with a client, its number and the number of its request, both from 1;
whether to keep the connection."""


class HasFileno(Protocol):
    def fileno(self) -> int: ...


class Server:
    """Answers each request as a test says."""

    def __init__(self, serve: Serve) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.accepted = 0
        self._serve = serve
        self._clients: list[socket.socket] = []

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self._clients.append(client)
                self.accepted += 1
                arguments = (client, self.accepted)
                threading.Thread(target=self._talk, args=arguments, daemon=True).start()

    def _talk(self, client: socket.socket, number: int) -> None:
        with suppress(OSError):
            request = 1
            while client.recv(65_536) and self._serve(client, number, request):
                request += 1
            client.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for client in self._clients:
            client.close()


@contextmanager
def serving(serve: Serve) -> Iterator[Server]:
    server = Server(serve)
    thread = threading.Thread(target=server.accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.end()
        thread.join()


def answer_ok(client: socket.socket, _number: int, _request: int) -> bool:
    client.sendall(OK)
    return True


def refused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def pool_of(port: int, clock: Callable[[], float] = time.monotonic) -> ChannelPool:
    return ChannelPool(Endpoint("127.0.0.1", port, None), clock=clock)


def run(
    multiplexer: Multiplexer,
    tags: Iterable[str],
    *,
    max_attempts: int | None = None,
    seconds: float = 10.0,
) -> list[Result]:
    def judge(response: Response) -> Verdict:
        return Verdict.FINAL if response.status == 200 else Verdict.BROKEN

    return list(
        multiplexer.run(
            tags,
            build=lambda _tag: REQUEST,
            judge=judge,
            deadline=multiplexer.clock() + seconds,
            max_attempts=max_attempts,
        )
    )


def statuses(results: Iterable[Result]) -> dict[str, int | None]:
    return {
        each.tag: None if each.response is None else each.response.status
        for each in results
    }


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


def test_no_more_connections_are_kept_in_a_run_than_requests_are_in_flight() -> None:
    def serve(client: socket.socket, number: int, request: int) -> bool:
        # The first is silent when it is used again.
        if (number, request) != (1, 2):
            client.sendall(OK)
        return True

    with serving(serve) as server:
        pool = pool_of(server.port)
        multiplexer = Multiplexer(
            pool, max_in_flight=1, read_seconds=0.1, draw=lambda: 1.0
        )

        results = run(multiplexer, ["a", "b", "c"])

        assert statuses(results) == {"a": 200, "b": 200, "c": 200}
        assert server.accepted == 3
        kept = pool.take_idle()
        assert kept is not None
        kept.close()
        assert pool.take_idle() is None


def test_connections_that_died_in_silence_cost_one_timeout() -> None:
    both = threading.Barrier(2)

    def serve(client: socket.socket, number: int, request: int) -> bool:
        if request == 1:
            if number <= 2:
                both.wait()
            client.sendall(OK)
        return True

    with serving(serve) as server:
        multiplexer = Multiplexer(pool_of(server.port), read_seconds=0.1)
        run(multiplexer, ["a", "b"])

        results = run(multiplexer, ["c"], max_attempts=2)

        assert statuses(results) == {"c": 200}
        assert server.accepted == 3


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
            if len(patience) > 5:
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
    assert 0.0 not in patience


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What every name is resolved to."""
    found: list[tuple[object, ...]] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: list(found))
    return found


def ipv4(port: int) -> tuple[object, ...]:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))


def unreachable(port: int) -> tuple[object, ...]:
    # A link-local address says nothing without the link.
    return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", port, 0, 0))


def test_every_address_is_tried_in_one_attempt(
    addresses: list[tuple[object, ...]],
) -> None:
    with serving(answer_ok) as server:
        refused = refused_port()
        addresses += [unreachable(refused), ipv4(refused), ipv4(server.port)]
        multiplexer = Multiplexer(pool_of(refused))

        results = run(multiplexer, ["a", "b"], max_attempts=1)

    assert statuses(results) == {"a": 200, "b": 200}


def test_an_attempt_ends_when_no_address_is_left(
    addresses: list[tuple[object, ...]],
) -> None:
    addresses += [ipv4(refused_port()), ipv4(refused_port())]
    multiplexer = Multiplexer(pool_of(1), draw=lambda: 0.0)

    [result] = run(multiplexer, ["a"], max_attempts=2)

    assert result.response is None
    assert "ECONNREFUSED" in result.error


def test_if_no_address_can_be_reached_the_error_is_the_last_ones(
    addresses: list[tuple[object, ...]],
) -> None:
    addresses += [unreachable(1), unreachable(2)]

    with pytest.raises(OSError, match="cannot connect"):
        pool_of(1).open(1.0)


def test_the_address_that_failed_longest_ago_is_tried_first(
    addresses: list[tuple[object, ...]],
) -> None:
    now = [0.0]
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        addresses += [ipv4(each.getsockname()[1]) for each in (one, two)]
        pool = pool_of(1, clock=lambda: now[0])

        def opened(*, fails: bool) -> object:
            now[0] += 1.0
            channel = pool.open(1.0)
            if fails:
                assert pool.connecting_failed(channel) == 2
                channel.close()
            else:
                pool.give_back(channel)
            return channel.address

        first, second = addresses
        assert opened(fails=True) == first
        assert opened(fails=True) == second
        assert opened(fails=False) == first
        assert opened(fails=True) == first
        assert opened(fails=True) == second
        while (kept := pool.take_idle()) is not None:
            kept.close()


def test_the_time_of_a_lookup_is_not_taken_from_connecting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jumped = [0.0]
    real = socket.getaddrinfo

    def slow(*arguments: object, **options: object) -> object:
        jumped[0] += 3.0
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with serving(answer_ok) as server:
        pool = pool_of(server.port)
        multiplexer = Multiplexer(
            pool, connect_seconds=2.0, clock=lambda: time.monotonic() + jumped[0]
        )

        results = run(multiplexer, ["a"], max_attempts=1)

        assert statuses(results) == {"a": 200}
        assert server.accepted == 1


def test_too_many_open_files_are_a_result_and_not_an_exception(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> object:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(selectors, "DefaultSelector", fail)

    [result] = run(Multiplexer(pool_of(1)), ["a"])

    assert (result.tag, result.response, result.was_tried) == ("a", None, True)
    assert "Too many open files" in result.error


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
