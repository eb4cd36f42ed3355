"""One port for everybody: both address families, TLS and plain text.

The first byte that a client sends says whether it speaks TLS (RFC 8446 §5.1: a
handshake record begins with 22), so browsers use `ws://`, and code that was written
for AWS uses `https://`, without a setting.
"""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import NamedTuple

from wspubsub.local.apigateway.hosts import url_host
from wspubsub.local.apigateway.tls import Tls
from wspubsub.local.tasks import Tasks

HANDSHAKE_SECONDS = 10.0
"""How long a client has to say its first byte, and then for the handshake of TLS."""

_BACKLOG = 512
_TLS_HANDSHAKE = b"\x16"
_ATTEMPTS = 20
_PAUSE_SECONDS = 1.0
# A machine may name an address that it does not have, such as ::1 without IPv6.
_ABSENT = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Peer(NamedTuple):
    """A client that has connected.

    Attributes:
        reader: What it sends.
        writer: Where it receives.
        host: Its address, which a socket forgets when the client leaves at once.
        port: Its port.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    host: str
    port: int

    @property
    def address(self) -> str:
        """Host and port as they are written."""
        return f"{url_host(self.host)}:{self.port}"

    @property
    def is_tls(self) -> bool:
        """Whether it came over TLS."""
        return self.writer.get_extra_info("ssl_object") is not None


Serve = Callable[[Peer], Coroutine[object, object, None]]
Report = Callable[[str, str], None]
"""Called with a client's address, and why it cannot be served."""


class Listener:
    """Accepts clients on a port.

    Args:
        serve: Called with each client.
        report: Hears of clients that cannot be served.
        tls: How to speak TLS; None if this gateway cannot.
    """

    def __init__(self, serve: Serve, report: Report, tls: Tls | None) -> None:
        self._serve = serve
        self._report = report
        self._tls = tls
        self._sockets: list[socket.socket] = []
        self._accepting = Tasks()
        self._clients = Tasks()

    async def bind(self, host: str, port: int) -> int:
        """Bind every address of a host to one port and return it.

        Args:
            host: A name or an address; `::` includes all IPv4 addresses.
            port: The port; 0 takes a free one.

        Raises:
            OSError: The port is in use, or the host is not this machine's.
        """
        addresses = await _resolve(host)
        for attempt in range(_ATTEMPTS):
            try:
                self._sockets = _bind_all(addresses, port)
                break
            except OSError as error:
                # A port that is free in one family may be in use in the other.
                is_taken = error.errno == errno.EADDRINUSE
                if port or not is_taken or attempt == _ATTEMPTS - 1:
                    raise
        return int(self._sockets[0].getsockname()[1])

    def start(self) -> None:
        """Accept everybody who connects."""
        for each in self._sockets:
            each.listen(_BACKLOG)
            self._accepting.spawn(self._accept(each))

    async def stop(self) -> None:
        """Accept nobody any more."""
        await self._accepting.close()
        for each in self._sockets:
            each.close()

    async def drop(self) -> None:
        """End the connections of everybody who is still there."""
        await self._clients.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listening)
            except OSError as error:  # such as too many open files
                self._report("a client", f"{error.strerror}: {_TOO_MANY}")
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            self._clients.spawn(self._welcome(connection, address))
            await asyncio.sleep(0)  # others' turn, however many come

    async def _welcome(
        self, connection: socket.socket, address: tuple[str, int]
    ) -> None:
        host, port = address[:2]
        try:
            streams = await self._begin(connection, f"{url_host(host)}:{port}")
        except asyncio.CancelledError:
            connection.close()
            raise
        if streams is None:
            connection.close()
        else:
            await self._serve(Peer(*streams, host, port))

    async def _begin(self, connection: socket.socket, address: str) -> Streams | None:
        first = b""
        try:
            first = await _peek(connection)
            if not first:
                return None
            if first != _TLS_HANDSHAKE:
                return await _open_streams(connection)
            if self._tls is not None:
                return await _open_streams(connection, self._tls)
            self._report(address, _NO_TLS)
        except OSError as error:
            if self._tls is not None and first == _TLS_HANDSHAKE:
                self._report(address, self._tls.explain(error))
        return None


_TOO_MANY = "it waits; allow more open files (ulimit -n), or connect fewer clients"
_NO_TLS = (
    "it speaks TLS, which needs the package cryptography; run: pip install "
    "'wspubsub[local]', or use ws:// and http://"
)


def explain_bind(host: str, port: int, error: OSError) -> str:
    """Return why a port cannot be bound, and what to do."""
    where = f"port {port} of {host}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"{where} is in use; choose another port with --port, or use --port 0 "
            "for a free one"
        )
    return (
        f"cannot listen on {where}: {error.strerror or error}; choose another "
        "--host or --port"
    )


async def _resolve(host: str) -> list[tuple[socket.AddressFamily, str]]:
    if host == str(ipaddress.IPv6Address(0)):
        return [
            (socket.AF_INET6, host),
            (socket.AF_INET, str(ipaddress.IPv4Address(0))),
        ]
    found = await asyncio.get_running_loop().getaddrinfo(
        host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return list(dict.fromkeys((each[0], str(each[4][0])) for each in found))


def _bind_all(
    addresses: Iterable[tuple[socket.AddressFamily, str]], port: int
) -> list[socket.socket]:
    bound: list[socket.socket] = []
    absent: OSError | None = None
    for family, address in addresses:
        try:
            bound.append(_bind(family, address, port))
        except OSError as error:
            if error.errno not in _ABSENT:
                for each in bound:
                    each.close()
                raise
            absent = absent or error
        else:
            port = bound[0].getsockname()[1]
    if absent is not None and not bound:
        raise absent
    return bound


def _bind(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    new = socket.socket(family, socket.SOCK_STREAM)
    try:
        new.settimeout(0)
        new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # IPv4 has a socket of its own, so that addresses look as they should.
            new.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        new.bind((address, port))
    except OSError:
        new.close()
        raise
    return new


async def _peek(connection: socket.socket) -> bytes:
    """Return the first byte that comes, without reading it; empty if none does."""
    connection.settimeout(0)
    with suppress(BlockingIOError):  # mostly it is there already
        return connection.recv(1, socket.MSG_PEEK)
    loop = asyncio.get_running_loop()
    arrived: asyncio.Future[None] = loop.create_future()

    def notice() -> None:
        loop.remove_reader(connection)
        arrived.set_result(None)

    loop.add_reader(connection, notice)
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            await arrived
    except TimeoutError:
        return b""
    finally:
        loop.remove_reader(connection)
    return connection.recv(1, socket.MSG_PEEK)


async def _open_streams(connection: socket.socket, tls: Tls | None = None) -> Streams:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    with suppress(OSError):  # as asyncio does for servers
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport, _ = await loop.connect_accepted_socket(
        lambda: protocol,
        connection,
        ssl=tls.context if tls else None,
        ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None,
        ssl_shutdown_timeout=_PAUSE_SECONDS if tls else None,
    )
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
