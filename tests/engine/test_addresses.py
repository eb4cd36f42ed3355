"""Which of a name's addresses connections go to, and what if none can be made."""

import selectors
import socket
import threading
import time

import pytest

from tests.support.servers.misbehaving import OK
from tests.support.servers.talking import (
    REQUEST,
    answer_ok,
    pool_of,
    run,
    serving,
    statuses,
)
from wspubsub.engine.exchange import Verdict
from wspubsub.engine.multiplexer import Multiplexer


def refused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


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


def test_each_attempt_tries_every_address(
    addresses: list[tuple[object, ...]],
) -> None:
    port = refused_port()
    addresses += [ipv4(refused_port()), ipv4(port)]
    listeners: list[socket.socket] = []
    sent = 0

    def build(_tag: str) -> bytes:
        nonlocal sent
        sent += 1
        if sent == 3:  # the second attempt begins
            listeners.append(socket.create_server(("127.0.0.1", port)))
            threading.Thread(target=answer, daemon=True).start()
        return REQUEST

    def answer() -> None:
        client, _ = listeners[0].accept()
        with client:
            client.recv(65_536)
            client.sendall(OK)

    [result] = Multiplexer(pool_of(1), draw=lambda: 0.0).run(
        ["a"],
        build=build,
        judge=lambda _response: Verdict.FINAL,
        deadline=time.monotonic() + 10,
        max_attempts=2,
    )

    listeners[0].close()
    assert result.response is not None
    assert sent == 4


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
        return real(*arguments, **options)  # type: ignore[arg-type] # as they were given

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
