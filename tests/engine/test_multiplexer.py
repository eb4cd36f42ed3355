"""The multiplexer on bare sockets: what only shows below HTTP."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.servers.misbehaving import OK
from wspubsub.engine.channel import Endpoint
from wspubsub.engine.exchange import Result, Verdict
from wspubsub.engine.multiplexer import Multiplexer
from wspubsub.engine.pool import IDLE_SECONDS, ChannelPool
from wspubsub.engine.response import HttpResponse
from wspubsub.engine.tls import Trust
from wspubsub.local.apigateway.certificate import Certificate

REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"


def final(_response: HttpResponse) -> Verdict:
    return Verdict.FINAL


def run(
    multiplexer: Multiplexer, tags: list[str], request: bytes = REQUEST
) -> list[Result]:
    return list(
        multiplexer.run(
            tags,
            build=lambda _tag: request,
            judge=final,
            deadline=time.monotonic() + 10,
        )
    )


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def pool_for(listener: socket.socket, max_idle: int = 10) -> ChannelPool:
    port = listener.getsockname()[1]
    return ChannelPool(Endpoint("127.0.0.1", port, None), max_idle=max_idle)


def answer_once(client: socket.socket, size: int = len(REQUEST)) -> None:
    received = 0
    while received < size:
        received += len(client.recv(1_000_000))
    client.sendall(OK)


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def test_a_request_larger_than_the_socket_takes_is_sent_bit_by_bit() -> None:
    request = REQUEST + b"x" * 16_000_000
    with listening() as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                answer_once(client, len(request))

        thread = threading.Thread(target=serve)
        thread.start()

        [result] = run(Multiplexer(pool_for(listener)), ["a"], request)

        thread.join()
    assert result.response is not None
    assert result.response.status == 200


def test_a_connection_that_breaks_just_before_it_is_used_again_is_replaced() -> None:
    broken = threading.Event()
    wanted = threading.Event()
    with listening() as listener:

        def serve() -> None:
            first, _ = listener.accept()
            answer_once(first)
            wanted.wait()
            reset(first)
            broken.set()
            second, _ = listener.accept()
            with second:
                answer_once(second)

        def build(tag: str) -> bytes:
            if tag == "b":
                wanted.set()
                broken.wait()
            return REQUEST

        thread = threading.Thread(target=serve)
        thread.start()
        multiplexer = Multiplexer(pool_for(listener), max_in_flight=1)

        results = list(
            multiplexer.run(
                ["a", "b"],
                build=build,
                judge=final,
                deadline=time.monotonic() + 10,
                max_attempts=1,
            )
        )

        thread.join()
    assert [(each.tag, each.error) for each in results] == [("a", ""), ("b", "")]


def test_a_connection_that_was_reset_while_idle_is_not_used() -> None:
    with listening() as listener:

        def serve() -> None:
            client, _ = listener.accept()
            answer_once(client)
            reset(client)

        thread = threading.Thread(target=serve)
        thread.start()
        pool = pool_for(listener)

        run(Multiplexer(pool), ["a"])
        thread.join()

        assert pool.take_idle() is None


def test_a_connection_that_was_idle_for_long_is_not_used() -> None:
    now = [0.0]
    with listening() as listener:
        pool = ChannelPool(
            Endpoint("127.0.0.1", listener.getsockname()[1], None), clock=lambda: now[0]
        )
        pool.give_back(pool.open(1.0))
        pool.give_back(pool.open(1.0))

        now[0] += IDLE_SECONDS
        kept = pool.take_idle()
        now[0] += 1

        assert kept is not None
        assert kept.is_reused
        assert pool.take_idle() is None
        kept.close()


def test_no_more_idle_connections_are_kept_than_allowed() -> None:
    with listening() as listener:
        pool = pool_for(listener, max_idle=1)
        for channel in [pool.open(1.0), pool.open(1.0)]:
            pool.give_back(channel)

        kept = pool.take_idle()

        assert kept is not None
        kept.close()
        assert pool.take_idle() is None


def test_attempts_can_be_limited() -> None:
    with listening() as listener:
        port = listener.getsockname()[1]
    multiplexer = Multiplexer(ChannelPool(Endpoint("127.0.0.1", port, None)))

    [result] = multiplexer.run(
        ["a"],
        build=lambda _tag: REQUEST,
        judge=final,
        deadline=time.monotonic() + 10,
        max_attempts=2,
    )

    assert result.response is None
    assert "cannot connect" in result.error


def test_an_address_that_cannot_be_connected_to_is_an_error_at_once() -> None:
    # A link-local address says nothing without the link.
    pool = ChannelPool(Endpoint("fe80::1", 80, None))

    with pytest.raises(OSError, match="cannot connect"):
        pool.open(1.0)


def test_a_server_that_says_nothing_is_given_up_after_the_read_time_out() -> None:
    with listening() as listener:
        multiplexer = Multiplexer(pool_for(listener), read_seconds=0.05)

        [result] = multiplexer.run(
            ["a"],
            build=lambda _tag: REQUEST,
            judge=final,
            deadline=time.monotonic() + 10,
            max_attempts=1,
        )

    assert result.error == "TimeoutError: no answer in time"


def test_what_waits_for_its_next_attempt_at_the_deadline_has_its_last_answer() -> None:
    # The clock jumps past the deadline between an answer and the next attempt, as
    # when Lambda freezes the process.
    now = [0.0]

    def clock() -> float:
        return now.pop(0) if len(now) > 1 else now[0]

    def broken(_response: HttpResponse) -> Verdict:
        now[:] = [1.0, 100.0]
        return Verdict.BROKEN

    with listening() as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                answer_once(client)

        thread = threading.Thread(target=serve)
        thread.start()
        multiplexer = Multiplexer(pool_for(listener), clock=clock, draw=lambda: 0.0)

        results = list(
            multiplexer.run(
                ["a"], build=lambda _tag: REQUEST, judge=broken, deadline=50.0
            )
        )

        thread.join()
    [result] = results
    assert result.response is not None
    assert result.was_tried


def test_an_answer_that_came_while_the_next_tag_was_waited_for_is_read() -> None:
    now = [0.0]
    answered, ended = threading.Event(), threading.Event()

    def tags() -> Iterator[str]:
        yield "a"
        answered.wait(20)
        now[0] = 100.0
        yield "b"

    with listening() as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                answer_once(client)
                answer_once(client)
                answered.set()
                ended.wait(20)

        thread = threading.Thread(target=serve)
        thread.start()
        multiplexer = Multiplexer(pool_for(listener), clock=lambda: now[0])
        list(
            multiplexer.run(
                ["first"], build=lambda _tag: REQUEST, judge=final, deadline=50.0
            )
        )

        results = list(
            multiplexer.run(
                tags(), build=lambda _tag: REQUEST, judge=final, deadline=50.0
            )
        )

        ended.set()
        thread.join()
    assert [(each.tag, each.was_tried) for each in results] == [
        ("a", True),
        ("b", False),
    ]
    assert results[0].response is not None


def test_over_tls_a_large_request_is_sent_bit_by_bit(tmp_path: Path) -> None:
    certificate = Certificate.make(tmp_path, ["localhost"])
    trust = Trust(str(certificate.path))
    request = REQUEST + b"x" * 16_000_000
    with listening() as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with certificate.server_context().wrap_socket(
                client, server_side=True
            ) as wrapped:
                answer_once(wrapped, len(request))

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        pool = ChannelPool(Endpoint("localhost", port, trust))

        [result] = run(Multiplexer(pool), ["a"], request)

        thread.join()
    assert result.response is not None
    assert result.response.status == 200
