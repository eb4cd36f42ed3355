"""A server on bare sockets that answers each request as a test says, and runs to it."""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from tests.support.servers.misbehaving import OK
from wspubsub.engine.channel import Endpoint
from wspubsub.engine.exchange import Result, Verdict
from wspubsub.engine.multiplexer import Multiplexer
from wspubsub.engine.pool import ChannelPool
from wspubsub.engine.response import HttpResponse

REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"

Serve = Callable[[socket.socket, int, int], bool]
"""Is called with a client, its number and the number of its request, both from 1;
whether to keep the connection."""


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


def pool_of(port: int, clock: Callable[[], float] = time.monotonic) -> ChannelPool:
    return ChannelPool(Endpoint("127.0.0.1", port, None), clock=clock)


def run(
    multiplexer: Multiplexer,
    tags: Iterable[str],
    *,
    max_attempts: int | None = None,
    seconds: float = 10.0,
) -> list[Result]:
    def judge(response: HttpResponse) -> Verdict:
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
