"""Looking up names while the resolver hangs, fails, or is slow."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from wspubsub.engine.channel import Endpoint
from wspubsub.engine.exchange import Verdict
from wspubsub.engine.multiplexer import Multiplexer
from wspubsub.engine.pool import ChannelPool
from wspubsub.engine.resolver import FRESH_SECONDS, Resolver

ONE = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))
TWO = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", 1))


class Names:
    """A resolver of the system that does as a test says."""

    def __init__(self) -> None:
        self.answer: Callable[[], object] = lambda: [ONE]
        self.calls = 0
        self.hang = threading.Event()

    def getaddrinfo(self, *_: object, **__: object) -> object:
        self.calls += 1
        return self.answer()

    def hang_then(self, answer: Callable[[], object]) -> None:
        def hang() -> object:
            self.hang.wait()
            return answer()

        self.answer = hang


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    found = Names()
    monkeypatch.setattr(socket, "getaddrinfo", found.getaddrinfo)
    yield found
    found.hang.set()


def unknown() -> object:
    raise socket.gaierror(-2, "Name or service not known")


def test_addresses_are_kept_for_a_while(names: Names) -> None:
    now = [0.0]
    resolver = Resolver("a.test", 1, clock=lambda: now[0])

    assert resolver.addresses(1.0) == [ONE]
    names.answer = lambda: [TWO]
    now[0] += FRESH_SECONDS - 1
    assert resolver.addresses(1.0) == [ONE]
    now[0] += 1
    assert resolver.addresses(1.0) == [TWO]
    assert (names.calls, resolver.count) == (2, 1)


def test_a_name_without_an_address_is_an_error_that_says_so(names: Names) -> None:
    names.answer = unknown

    with pytest.raises(OSError, match=r"cannot resolve a\.test: .*not known"):
        Resolver("a.test", 1).addresses(1.0)


def test_a_name_that_cannot_be_one_is_an_error_of_the_same_kind(names: Names) -> None:
    def fail() -> object:
        raise UnicodeError("label too long")

    names.answer = fail

    with pytest.raises(OSError, match="label too long"):
        Resolver("a.test", 1).addresses(1.0)


def test_known_addresses_stay_in_use_while_the_name_cannot_be_looked_up(
    names: Names,
) -> None:
    now = [0.0]
    resolver = Resolver("a.test", 1, clock=lambda: now[0])
    resolver.addresses(1.0)
    names.answer = unknown
    now[0] += FRESH_SECONDS

    assert resolver.addresses(1.0) == [ONE]
    assert resolver.addresses(1.0) == [ONE]
    assert names.calls == 2


def test_no_lookup_is_waited_for_longer_than_the_caller_has(names: Names) -> None:
    names.hang_then(lambda: [ONE])
    resolver = Resolver("a.test", 1, seconds=600.0)

    with pytest.raises(OSError, match="no answer in time"):
        resolver.addresses(0.01)
    with pytest.raises(OSError, match="no answer in time"):
        resolver.addresses(-1.0)
    assert names.calls == 1


def test_a_lookup_that_ends_late_is_welcome(names: Names) -> None:
    names.hang_then(lambda: [ONE])
    resolver = Resolver("a.test", 1, seconds=0.0)
    with pytest.raises(OSError, match="no answer"):
        resolver.addresses(1.0)
    names.hang.set()
    for thread in threading.enumerate():
        if thread.name == "wspubsub-dns":
            thread.join()
    names.answer = unknown

    found = resolver.addresses(1.0)

    assert found == [ONE]


def test_lookups_without_an_answer_do_not_pile_up(names: Names) -> None:
    names.hang_then(lambda: [ONE])
    resolver = Resolver("a.test", 1, seconds=0.0)

    for _ in range(10):
        with pytest.raises(OSError, match="no answer"):
            resolver.addresses(1.0)

    assert names.calls == 4


def test_a_child_process_does_not_wait_for_a_thread_of_its_parent(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.hang_then(lambda: [ONE])
    resolver = Resolver("a.test", 1, seconds=600.0)
    with pytest.raises(OSError, match="no answer"):
        resolver.addresses(0.0)
    names.answer = lambda: [TWO]
    monkeypatch.setattr(os, "getpid", lambda: 1)

    assert resolver.addresses(10.0) == [TWO]


def test_where_no_thread_can_be_started_the_name_is_not_resolved(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)

    with pytest.raises(OSError, match="can't start new thread"):
        Resolver("a.test", 1).addresses(1.0)
    assert names.calls == 0


def test_a_run_ends_in_its_time_though_the_resolver_hangs(names: Names) -> None:
    names.hang_then(lambda: [ONE])
    pool = ChannelPool(Endpoint("a.test", 1, None))
    tags = [f"tag{number}" for number in range(40)]
    started = time.monotonic()

    results = list(
        Multiplexer(pool).run(
            tags,
            build=lambda _tag: b"",
            judge=lambda _response: Verdict.FINAL,
            deadline=started + 0.2,
        )
    )

    assert sorted(each.tag for each in results) == sorted(tags)
    assert all(each.response is None for each in results)
    # Two seconds for each of the sixteen that are sent at first were 32.
    assert time.monotonic() - started < 10
