"""The one port: clients' WebSocket handshakes, and the Management API.

What a stranger may send is bounded by `http11` and `websocket`, and who may send at
all by `hosts`. Everything else a request can be is answered by the model.
"""

import asyncio
import contextlib
import json
import ssl
import traceback

import h11

from wspubsub.gateway import DataFrame, Handshake, Refuse
from wspubsub.local.apigateway.hosts import AllowedHosts, name_of
from wspubsub.local.apigateway.shell import GatewayShell
from wspubsub.local.apigateway.websocket import (
    LOST,
    ConnectionEnd,
    Pinged,
    WebSocketConnection,
)
from wspubsub.local.http11 import HttpConnection
from wspubsub.local.journal import Journal
from wspubsub.local.requests import BadRequestError, HttpRequest
from wspubsub.local.tasks import Tasks
from wspubsub.messages import MAX_MESSAGE_BYTES

HANDSHAKE_SECONDS = 10.0
CLOSE_SECONDS = 1.0
"""How long clients have to answer the close frames when the gateway ends."""

_BACKLOG = 512
_MAX_NAME = 100
_JSON = {"content-type": "application/json"}
# RFC 6455 §4.4 and RFC 9110 §15.5.22: what would have been understood.
_OFFER = {
    "content-type": "text/plain; charset=utf-8",
    "sec-websocket-version": "13",
    "upgrade": "websocket",
}


class GatewayServer:
    """Listens for clients and for the Management API's callers.

    Args:
        shell: The gateway that they reach.
        journal: Hears who is refused.
        hosts: Which `Host` headers are taken.
        tls: How to speak TLS, None for plain text.
        max_buffer_bytes: While more than this waits to be sent to a client, nothing is
            read from it.
    """

    def __init__(
        self,
        shell: GatewayShell,
        journal: Journal,
        *,
        hosts: AllowedHosts,
        tls: ssl.SSLContext | None,
        max_buffer_bytes: int,
    ) -> None:
        self._shell = shell
        self._journal = journal
        self._hosts = hosts
        self._tls = tls
        self._max_buffer_bytes = max_buffer_bytes
        self._port = 0
        self._listener: asyncio.Server | None = None
        self._connections = Tasks()
        self._clients = 0
        self._no_clients = asyncio.Event()
        self._no_clients.set()

    async def bind(self, host: str, port: int) -> int:
        """Bind a port and return it; nobody is accepted before `serve`.

        Args:
            host: Where to listen.
            port: Where to listen; 0 takes a free one.

        Raises:
            OSError: The port is in use, or the host is not this machine's.
        """
        self._listener = await asyncio.start_server(
            lambda *streams: self._connections.spawn(self._serve_client(*streams)),
            host,
            port,
            ssl=self._tls,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if self._tls else None,
            backlog=_BACKLOG,
            start_serving=False,
        )
        self._port = self._listener.sockets[0].getsockname()[1]
        return self._port

    async def serve(self) -> None:
        """Accept everybody who connects to the bound port."""
        if self._listener is not None:
            await self._listener.start_serving()

    async def close(self) -> None:
        """Accept nobody, give connected clients time to leave, then drop them."""
        if self._listener is not None:
            self._listener.close()
        await self._shell.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._no_clients.wait()
        await self._connections.close()

    async def _serve_client(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        http = HttpConnection(reader, writer, max_body_bytes=MAX_MESSAGE_BYTES + 1)
        try:
            await self._converse(http, reader, writer)
        except BadRequestError as error:
            self._journal.log_rejected(_address(writer), error.status, str(error))
            await _complain(http, error)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()  # the peer has gone, or the gateway goes
        except Exception as error:  # noqa: BLE001 - one client must not end the gateway, nor go without an answer
            self._journal.log_rejected(_address(writer), 500, _describe(error))
            await _complain(http, BadRequestError(500, "Internal server error"))
        finally:
            writer.close()

    async def _converse(
        self,
        http: HttpConnection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        while (request := await http.next_request()) is not None:
            self._check_host(request)
            if request.wants_websocket:
                socket = WebSocketConnection(
                    reader,
                    writer,
                    request,
                    http.unread,
                    max_buffer_bytes=self._max_buffer_bytes,
                )
                await self._websocket(http, request, socket, writer)
                return
            response = self._shell.manage(request)
            if not await http.respond(response.status, response.headers, response.body):
                return

    def _check_host(self, request: HttpRequest) -> None:
        host = request.header("host")
        if host is None and request.version == "1.0":
            return  # need not name one, and no web page sends it
        if not self._hosts.allow(host):
            name = (host or "")[:_MAX_NAME]
            raise BadRequestError(
                403,
                f"the gateway does not accept requests for the host {name!r}; to "
                f"allow it, start the gateway with --allow-host {name_of(name)}",
            )

    async def _websocket(
        self,
        http: HttpConnection,
        request: HttpRequest,
        socket: WebSocketConnection,
        writer: asyncio.StreamWriter,
    ) -> None:
        if socket.fault is not None:
            self._journal.log_rejected(
                _address(writer), socket.fault.status_code, socket.fault_reason
            )
            await http.respond(
                socket.fault.status_code, _OFFER, bytes(socket.fault.body), close=True
            )
            return
        connection_id = self._shell.take_handshake(
            self._handshake(request, writer), socket
        )
        self._count(1)
        end = LOST
        try:
            verdict = await socket.verdict()
            if isinstance(verdict, Refuse):
                await _refuse(http, verdict)
            elif verdict is None:
                async for item in socket.inputs():
                    match item:
                        case DataFrame():
                            await self._shell.receive(connection_id, item)
                        case Pinged():
                            self._shell.receive_ping(connection_id)
                        case ConnectionEnd():
                            end = item
        finally:
            self._shell.receive_close(connection_id, end)
            self._count(-1)

    def _count(self, change: int) -> None:
        self._clients += change
        if self._clients:
            self._no_clients.clear()
        else:
            self._no_clients.set()

    def _handshake(
        self, request: HttpRequest, writer: asyncio.StreamWriter
    ) -> Handshake:
        return Handshake(
            path=request.path,
            query=request.query,
            headers=request.headers,
            source_ip=writer.get_extra_info("peername")[0],
            port=self._port,
            is_tls=self._tls is not None,
        )


async def _refuse(http: HttpConnection, refusal: Refuse) -> None:
    await http.respond(
        refusal.status, refusal.headers, refusal.body.encode(), close=True
    )
    await http.linger()


async def _complain(http: HttpConnection, error: BadRequestError) -> None:
    body = json.dumps({"message": str(error)}).encode()
    # What is not HTTP may not be answerable either.
    with contextlib.suppress(OSError, h11.LocalProtocolError):
        await http.respond(error.status, _JSON, body, close=True)
        await http.linger()


def _address(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return f"{peer[0]}:{peer[1]}" if peer else "a client"


def _describe(error: Exception) -> str:
    *_, last = traceback.extract_tb(error.__traceback__)
    return (
        f"the gateway failed: {type(error).__name__}: {error}, in {last.name} "
        f"({last.filename}:{last.lineno}); please report it"
    )
