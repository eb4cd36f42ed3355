"""The runtime's end of HTTP/1.1: one kept connection, and one request after another.

Python's `http.client` takes longer to be imported than many handlers, and longer for a
request than many events take to be handled. The bootstrap loads this file by its path,
so it needs nothing but the standard library.
"""

import socket
from collections.abc import Callable
from typing import NamedTuple


class Answer(NamedTuple):
    """What a server answered.

    Attributes:
        headers: Its headers, their names in lower case.
        body: Its body.
    """

    headers: dict[str, str]
    body: bytes


class Exchange:
    """A connection to a server, opened when it is needed.

    Args:
        address: Host and port.

    Attributes:
        wait: Waits until a descriptor can be read, before it is read.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self.wait: Callable[[int], None] = lambda _descriptor: None

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> Answer:
        """Send a request, and wait for its answer as long as that takes.

        Raises:
            OSError: The connection is lost, or what comes is not an answer.
        """
        connection = self._socket or self._connect()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._address}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        connection.sendall("\r\n".join(lines).encode("latin-1") + body)
        self.wait(connection.fileno())
        answer = self._read()
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._socket is not None:
            self._file.close()
            self._socket.close()
        self._socket = None

    def _connect(self) -> socket.socket:
        host, _, port = self._address.rpartition(":")
        connection = socket.create_connection((host, int(port)))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket, self._file = connection, connection.makefile("rb")
        return connection

    def _read(self) -> Answer:
        if not self._file.readline().startswith(b"HTTP/1."):
            raise ConnectionResetError("the Runtime API does not answer")
        headers: dict[str, str] = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return Answer(headers, self._read_chunks())
        return Answer(
            headers, self._read_exactly(int(headers.get("content-length", 0)))
        )

    def _read_chunks(self) -> bytes:
        chunks = []
        while size := int(self._file.readline().partition(b";")[0] or b"0", 16):
            chunks.append(self._read_exactly(size))
            self._file.readline()
        while self._file.readline().strip():
            pass
        return b"".join(chunks)

    def _read_exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise ConnectionResetError("the Runtime API has broken off its answer")
        return data
