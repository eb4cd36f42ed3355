"""The runtime's end of HTTP, against servers that answer in other ways than ours."""

import socket
import threading
from collections.abc import Callable

import pytest

from wspubsub.local.functions.exchange import Answer, Exchange

SHORT = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nX-Name:  a b \r\n\r\nok"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n"
)
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def with_server(
    answers: list[list[bytes]], use: Callable[[Exchange], None]
) -> list[bytes]:
    """Serve some connections with some answers each; return what was asked."""
    asked: list[bytes] = []

    def serve() -> None:
        for connection_answers in answers:
            connection, _ = listening.accept()
            with connection:
                for answer in connection_answers:
                    asked.append(connection.recv(65_536))
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        host, port = listening.getsockname()
        server = threading.Thread(target=serve)
        server.start()
        exchange = Exchange(f"{host}:{port}")
        use(exchange)
        exchange.close()
        server.join()
    return asked


def test_a_connection_is_kept_until_the_server_ends_it() -> None:
    got: list[Answer] = []

    def use(exchange: Exchange) -> None:
        got.extend(
            exchange.ask("POST", "/a", {"X-Is": "this"}, b"body") for _ in "1234"
        )

    asked = with_server([[SHORT, CHUNKED, LAST], [SHORT]], use)

    assert [each.body for each in got] == [b"ok", b"abcde", b"", b"ok"]
    assert got[0].headers["x-name"] == "a b"
    assert all(each.startswith(b"POST /a HTTP/1.1\r\nHost: 127.") for each in asked)
    assert all(each.endswith(b"Content-Length: 4\r\n\r\nbody") for each in asked)


@pytest.mark.parametrize("answer", [b"", b"who is there?\r\n\r\n", SHORT[:-1]])
def test_what_is_not_a_whole_answer_is_an_error(answer: bytes) -> None:
    def use(exchange: Exchange) -> None:
        with pytest.raises(OSError, match="the Runtime API"):
            exchange.ask("GET", "/", {})

    with_server([[answer]], use)
