"""The one port: clients' WebSocket handshakes, and the Management API.

What a stranger may send is bounded by `http11` and `websocket`, and who may send at
all by `hosts`. Everything else a request can be is answered by the model.
"""

import asyncio
import contextlib
import json
import traceback

from wspubsub.faults import Faults
from wspubsub.gateway import DataFrame, Handshake, ManagementResponse, Refuse
from wspubsub.local.apigateway.hosts import AllowedHosts, name_of
from wspubsub.local.apigateway.listener import Listener, Peer
from wspubsub.local.apigateway.shell import GatewayShell
from wspubsub.local.apigateway.tls import Tls, is_distrust
from wspubsub.local.apigateway.websocket import (
    LOST,
    ConnectionEnd,
    Pinged,
    WebSocketConnection,
)
from wspubsub.local.faults.management import manage
from wspubsub.local.http11 import HttpConnection
from wspubsub.local.inspector.recorder import Recorder, measure_headers
from wspubsub.local.inspector.site import Answer, InspectorSite
from wspubsub.local.journal import Journal
from wspubsub.local.requests import BadRequestError, HttpRequest
from wspubsub.messages import MAX_MESSAGE_BYTES

CLOSE_SECONDS = 1.0
"""How long clients have to answer the close frames when the gateway ends."""

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
        recorder: Hears it too.
        hosts: Which `Host` headers are taken.
        tls: How to speak TLS; None if the gateway cannot.
        is_tls_only: Whether plain text is refused.
        max_buffer_bytes: While more than this waits to be sent to a client, nothing is
            read from it.
        faults: What fails on request.
        inspector: What else the port serves, if anything.
    """

    def __init__(
        self,
        shell: GatewayShell,
        journal: Journal,
        recorder: Recorder,
        *,
        hosts: AllowedHosts,
        tls: Tls | None,
        is_tls_only: bool = False,
        max_buffer_bytes: int,
        faults: Faults | None = None,
        inspector: InspectorSite | None = None,
    ) -> None:
        self._shell = shell
        self._faults = faults or Faults()
        self._journal = journal
        self._recorder = recorder
        self._hosts = hosts
        self._tls = tls
        self._is_tls_only = is_tls_only
        self._max_buffer_bytes = max_buffer_bytes
        self._inspector = inspector
        self._port = 0
        self._listener = Listener(
            self._serve_client,
            lambda client, detail: self._log_rejected(client, 0, detail),
            tls,
        )
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
        self._port = await self._listener.bind(host, port)
        return self._port

    def serve(self) -> None:
        """Accept everybody who connects to the bound port."""
        self._listener.start()

    async def close(self) -> None:
        """Accept nobody, give connected clients time to leave, then drop them."""
        await self._listener.stop()
        await self._shell.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._no_clients.wait()
        await self._listener.drop()

    async def _serve_client(self, peer: Peer) -> None:
        http = HttpConnection(
            peer.reader, peer.writer, max_body_bytes=MAX_MESSAGE_BYTES + 1
        )
        try:
            await self._converse(peer, http)
        except BadRequestError as error:
            await self._reject(peer, http, error)
        except (OSError, asyncio.CancelledError) as error:
            if self._tls and isinstance(error, OSError) and is_distrust(error):
                self._log_rejected(peer.address, 0, self._tls.explain(error))
            peer.writer.transport.abort()  # the peer has gone, or the gateway goes
        except Exception as error:  # noqa: BLE001 - one client must not end the gateway, nor go without an answer
            self._log_rejected(peer.address, 500, _describe(error))
            await _complain(http, BadRequestError(500, "Internal server error"))
        finally:
            peer.writer.close()

    async def _converse(self, peer: Peer, http: HttpConnection) -> None:
        while (request := await http.next_request()) is not None:
            problem = self._find_problem(request, peer)
            if problem is not None:
                await self._reject(peer, http, problem, request)
                return
            if request.wants_websocket:
                socket = WebSocketConnection(
                    peer.reader,
                    peer.writer,
                    request,
                    http.unread,
                    max_buffer_bytes=self._max_buffer_bytes,
                )
                await self._websocket(peer, http, request, socket)
                return
            response = await self._answer(request, peer)
            if response is None:
                peer.writer.transport.abort()
                return
            if not await http.respond(response.status, response.headers, response.body):
                return

    async def _answer(
        self, request: HttpRequest, peer: Peer
    ) -> ManagementResponse | Answer | None:
        if self._inspector is not None and self._inspector.is_for(request):
            return await self._inspector.answer(request, is_tls=peer.is_tls)
        return await manage(request, self._faults, self._shell)

    def _find_problem(self, request: HttpRequest, peer: Peer) -> BadRequestError | None:
        if self._is_tls_only and not peer.is_tls:
            return BadRequestError(
                400,
                "the gateway was started with --tls and takes no plain text; use "
                "wss:// and https://, or start it without --tls",
            )
        host = request.header("host")
        if host is None and request.version == "1.0":
            return None  # need not name one, and no web page sends it
        if not self._hosts.allow(host):
            name = name_of(host or "")[:_MAX_NAME]
            advice = (
                f"to allow it, start the gateway with --allow-host {name}"
                if name
                else "send its name in the Host header"
            )
            return BadRequestError(
                403,
                f"the gateway does not accept requests for the host {name!r}; {advice}",
            )
        return None

    async def _reject(
        self,
        peer: Peer,
        http: HttpConnection,
        error: BadRequestError,
        request: HttpRequest | None = None,
    ) -> None:
        asked = () if request is None else self._identify(request, peer)
        self._log_rejected(peer.address, error.status, str(error), *asked)
        await _complain(http, error)

    def _log_rejected(
        self,
        address: str,
        status: int,
        detail: str,
        method: str | None = None,
        handshake: Handshake | None = None,
    ) -> None:
        self._journal.log_rejected(address, status, detail)
        size = 0 if handshake is None else measure_headers(handshake)
        values = None, status, detail, method, handshake, address
        self._recorder.add("refused", 0, size, *values)

    def _identify(self, request: HttpRequest, peer: Peer) -> tuple[str, Handshake]:
        return request.method, self._handshake(request, peer)

    async def _websocket(
        self,
        peer: Peer,
        http: HttpConnection,
        request: HttpRequest,
        socket: WebSocketConnection,
    ) -> None:
        if socket.fault is not None:
            self._log_rejected(
                peer.address,
                socket.fault.status_code,
                socket.fault_reason,
                *self._identify(request, peer),
            )
            await http.respond(
                socket.fault.status_code, _OFFER, bytes(socket.fault.body), close=True
            )
            await http.linger()
            return
        connection_id = self._shell.take_handshake(
            self._handshake(request, peer), socket
        )
        self._count(1)
        end = LOST
        try:
            verdict = await socket.verdict()
            if isinstance(verdict, Refuse):
                await _refuse(http, verdict)
            elif verdict is None:
                http.leave()
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

    def _handshake(self, request: HttpRequest, peer: Peer) -> Handshake:
        return Handshake(
            path=request.path,
            query=request.query,
            headers=request.headers,
            source_ip=peer.host,
            port=self._port,
            is_tls=peer.is_tls,
        )


async def _refuse(http: HttpConnection, refusal: Refuse) -> None:
    await http.respond(
        refusal.status, refusal.headers, refusal.body.encode(), close=True
    )
    await http.linger()


async def _complain(http: HttpConnection, error: BadRequestError) -> None:
    if http.has_left:
        return
    body = json.dumps({"message": str(error)}).encode()
    # What is not HTTP may not be answerable either.
    with contextlib.suppress(OSError, ValueError):
        await http.respond(error.status, _JSON, body, close=True)
        await http.linger()


def _describe(error: Exception) -> str:
    *_, last = traceback.extract_tb(error.__traceback__)
    return (
        f"the gateway failed: {type(error).__name__}: {error}, in {last.name} "
        f"({last.filename}:{last.lineno}); please report it"
    )
