"""One connection to a server, non-blocking: connect, TLS, one request at a time."""

import errno
import os
import select
import selectors
import socket
import ssl
from collections.abc import Callable
from typing import Any

from wspubsub.engine.response import HttpResponse, PlainSuccess, ResponseReader
from wspubsub.engine.tls import Trust

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_CHUNK = 65_536
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


Address = tuple[int, int, int, str, tuple[Any, ...]]
"""What `socket.getaddrinfo` returns for a name."""

Resumable = tuple[ssl.SSLContext, ssl.SSLSession]
"""A TLS session, and the settings it was made with and belongs to."""


class Endpoint:
    """Where requests go.

    Attributes:
        host: Name or address.
        port: TCP port.
        trust: How TLS certificates are verified, None for plain HTTP.
        plain_success: What its answers look like.
    """

    __slots__ = ("host", "plain_success", "port", "trust")

    def __init__(self, host: str, port: int, trust: Trust | None) -> None:
        self.host = host
        self.port = port
        self.trust = trust
        self.plain_success = PlainSuccess()


class Channel:
    """A connection that carries one request after another.

    Args:
        endpoint: Where it goes to.
        address: What the host's name stands for, as `socket.getaddrinfo` has it.
        resumable: A TLS session to resume if the settings are still the same.

    Attributes:
        address: As given.
        is_connected: Whether the connection, with TLS if there is any, is made.
        is_reused: Whether it has carried a request before this one.
        idle_since: When its last request ended.
        interest: The event that it waits for next.
        watched_for: The event that a selector has been told to look for, 0 for none.
        context: The TLS settings that its handshake was begun with, None before.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        address: Address,
        resumable: Resumable | None,
    ) -> None:
        raw = _connecting(address)
        self.address = address
        self.is_reused = False
        self.idle_since = 0.0
        self.interest = _WRITE
        self.watched_for = 0
        self.context: ssl.SSLContext | None = None
        self._socket: socket.socket = raw
        # Of the socket itself, so below TLS.
        self._arrivals = select.poll()
        self._arrivals.register(raw, select.POLLIN)
        self._endpoint = endpoint
        self._resumable = resumable
        self._process = os.getpid()
        self._send: Callable[[bytes | memoryview], int]
        self._receive: Callable[[int], bytes]
        self.is_connected = False
        self._reader = ResponseReader(endpoint.plain_success)
        self._unsent: bytes | memoryview = b""
        self._step: Callable[[], HttpResponse | None] = self._finish_connecting

    def fileno(self) -> int:
        """Return the socket's file descriptor, for a selector."""
        return self._socket.fileno()

    @property
    def answer_has_begun(self) -> bool:
        """Whether part of the answer has arrived."""
        return self._reader.has_begun

    @property
    def is_inherited(self) -> bool:
        """Whether it was opened by another process, from which this one was forked.

        Both have the socket then, and would read each other's answers.
        """
        return self._process != os.getpid()

    @property
    def resumable(self) -> Resumable | None:
        """The TLS session, for the next connection to resume."""
        session = getattr(self._socket, "session", None)
        return (self.context, session) if self.context and session else None

    def send(self, request: bytes) -> None:
        """Begin a request, at once if the connection is already made.

        Raises:
            OSError: The connection is broken.
        """
        self._unsent = request
        if self.is_connected:
            self._step = self._write
            self._write()

    def proceed(self) -> HttpResponse | None:
        """Continue after the awaited event; return the answer if it is complete.

        Raises:
            OSError: The connection could not be made or is broken.
            ResponseError: The answer is not an HTTP response.
        """
        return self._step()

    def is_dead(self) -> bool:
        """Return whether a connection without a request cannot carry another one.

        After a freeze the server has closed it, and that lies unread in the socket. Or
        there lies an answer that nobody asked for, which the next request would take
        for its own.
        """
        return bool(self._arrivals.poll(0))

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _finish_connecting(self) -> HttpResponse | None:
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, _cannot_connect(code))
        trust = self._endpoint.trust
        if trust is None:
            return self._begin_sending()
        self._socket = self._wrap(trust.context)
        self._step = self._shake_hands
        return self._shake_hands()

    def _wrap(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        self.context = context
        settings, session = self._resumable or (None, None)
        try:
            return context.wrap_socket(
                self._socket,
                # Certificates name hosts without the dot of an absolute name.
                server_hostname=self._endpoint.host.rstrip(".").encode("ascii"),
                do_handshake_on_connect=False,
                session=session if settings is context else None,
            )
        except ValueError as error:
            raise OSError(f"cannot start TLS: {error}") from error

    def _shake_hands(self) -> HttpResponse | None:
        assert isinstance(self._socket, ssl.SSLSocket)  # noqa: S101 - wrapped just before
        try:
            self._socket.do_handshake()
        except _WOULD_BLOCK as error:
            self.interest = _choose_interest(error, _READ)
            return None
        return self._begin_sending()

    def _begin_sending(self) -> HttpResponse | None:
        self.is_connected = True
        if isinstance(self._socket, ssl.SSLSocket):
            # What `send` and `recv` of one call in turn.
            self._send, self._receive = self._socket.write, self._socket.read
        else:
            self._send, self._receive = self._socket.send, self._socket.recv
        self._step = self._write
        return self._write()

    def _write(self) -> HttpResponse | None:
        unsent = self._unsent
        try:
            while (sent := self._send(unsent)) < len(unsent):
                # A view: what is left of a large request is not copied.
                unsent = memoryview(unsent)[sent:]
        except _WOULD_BLOCK as error:
            self._unsent = unsent
            self.interest = _choose_interest(error, _WRITE)
            return None
        self._unsent = b""
        self.interest = _READ
        self._step = self._read
        return None

    def _read(self) -> HttpResponse | None:
        while True:
            try:
                data = self._receive(_CHUNK)
            except _WOULD_BLOCK as error:
                self.interest = _choose_interest(error, _READ)
                return None
            if not data:
                response = self._reader.finish()
                response.keeps_alive = False
                return response
            response_or_none = self._reader.feed(data)
            if response_or_none is not None:
                return response_or_none


def _connecting(address: Address) -> socket.socket:
    family, kind, protocol, _, target = address
    raw = socket.socket(family, kind, protocol)
    raw.settimeout(0)  # it does not block
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    code = raw.connect_ex(target)
    if code not in {0, errno.EINPROGRESS, errno.EWOULDBLOCK}:
        raw.close()
        raise OSError(code, _cannot_connect(code))
    return raw


def _choose_interest(error: OSError, otherwise: int) -> int:
    # TLS may have to write before it can read, and the other way round.
    if isinstance(error, ssl.SSLWantReadError):
        return _READ
    return _WRITE if isinstance(error, ssl.SSLWantWriteError) else otherwise


def _cannot_connect(code: int) -> str:
    return f"cannot connect: {errno.errorcode.get(code, code)}"
