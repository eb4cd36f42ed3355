"""Which of a name's addresses connections go to."""

import socket
import time

import pytest

from tests.servers.talking import answer_ok, pool_of, run, serving, statuses
from wspubsub.aws.http import Multiplexer


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
