"""A wire that a test can cut: a TCP proxy on loopback."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CHUNK_BYTES = 65_536


class Wire:
    """Passes bytes on, both ways, until it is cut.

    Args:
        port: Where to, on loopback.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._is_cut = False
        self._ends: set[socket.socket] = set()
        self._silent: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def reroute(self, url: str) -> str:
        """Return a URL of the target's as it leads through the wire."""
        return url.replace(f":{self._target}", f":{self.port}")

    def cut(self) -> None:
        """End all connections without a word, and take no more."""
        with self._lock:
            self._is_cut = True
            for end in self._ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Take connections again."""
        with self._lock:
            self._is_cut = False

    def silence(self) -> None:
        """Pass nothing on for the connections that there are, and end none."""
        with self._lock:
            self._silent |= self._ends

    def close(self) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._join(client)

    def _join(self, client: socket.socket) -> None:
        with self._lock:
            if self._is_cut:
                client.close()
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:  # nobody is there yet, or any more
                client.close()
                return
            self._ends |= {client, server}
        for ends in ((client, server), (server, client)):
            threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(_CHUNK_BYTES):
                if source not in self._silent:
                    target.sendall(chunk)
        with self._lock:
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._ends.discard(source)
            self._silent.discard(source)
        source.close()


@contextmanager
def wire_to(port: int) -> Iterator[Wire]:
    """Run a wire to a port on loopback."""
    wire = Wire(port)
    try:
        yield wire
    finally:
        wire.close()
