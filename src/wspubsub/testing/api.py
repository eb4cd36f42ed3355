"""An API of the gateway's model in this process: its clients, its time, its work."""

from collections.abc import Callable
from threading import RLock
from urllib.parse import unquote

from wspubsub.faults import Faults
from wspubsub.faults.answers import answer_management
from wspubsub.faults.occasions import see_post
from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.effects import (
    Accept,
    Close,
    Effect,
    Invoke,
    ManagementResponse,
    Refuse,
    SendText,
    Withdraw,
)
from wspubsub.gateway.inputs import (
    DataFrame,
    Handshake,
    InvocationResult,
    ManagementRequest,
)
from wspubsub.gateway.model import Gateway
from wspubsub.testing.clients import TestClient
from wspubsub.testing.errors import HandshakeRefused
from wspubsub.testing.faults import SILENT, suffer
from wspubsub.testing.seeds import make_random
from wspubsub.testing.sources import Due
from wspubsub.testing.work import Work


class Api:
    """The model, and what follows from what goes in: messages, and work to be run.

    Args:
        config: The API and its stage.
        start_time: The time at the beginning, in seconds since the epoch.
        seed: Makes other IDs than those of another one of the same API ID.
        run: Invokes a function; returns what is to be raised in the test.
        last_failure: Returns the last error of a handler, or an empty text.
        faults: What fails on request.
        wait: Lets time pass where something is slow.

    Attributes:
        model: The rules.
        time: Its time, in seconds since the epoch.
        work: The invocations that are to be run.
        last_failure: See `Wire.last_failure`.
    """

    def __init__(
        self,
        config: GatewayConfig,
        *,
        start_time: float,
        seed: int,
        run: Callable[[Invoke | Due], Exception | None],
        last_failure: Callable[[], str],
        faults: Faults,
        wait: Callable[[float], object],
    ) -> None:
        self._wait = wait
        self.draw = make_random(f"{config.api_id}/{seed}").randbytes
        self.model = Gateway(config, draw=self.draw)
        self.time = start_time
        self.work: Work[Invoke | Due] = Work(run)
        self._faults = faults
        self.last_failure = last_failure
        self._clients: dict[str, TestClient] = {}
        self._outcomes: dict[str, Accept | Refuse] = {}
        # A handler's pool may call boto3 from its threads.
        self._lock = RLock()

    def connect(self, request: Handshake) -> TestClient:
        """Return the client of a handshake, once its handlers have run.

        Raises:
            HandshakeRefused: It was answered with another status than 101.
        """
        with self.work.turn():
            with self._lock:
                id_, effects = self.model.handshake(request, now=self.time)
                client = self._clients[id_] = TestClient(id_, self)
                self._apply(effects)
            self.work.drain()
        outcome = self._outcomes.pop(id_)
        if isinstance(outcome, Refuse):
            del self._clients[id_]
            raise HandshakeRefused(outcome.status, outcome.body, outcome.detail)
        return client

    def take_frame(self, connection_id: str, frame: DataFrame) -> None:
        """See `Wire.take_frame`."""
        with self.work.turn():
            with self._lock:
                self._apply(self.model.receive(connection_id, frame, now=self.time))
            self.work.drain()

    def take_ping(self, connection_id: str) -> None:
        """See `Wire.take_ping`."""
        with self._lock:
            self._apply(self.model.receive_ping(connection_id, now=self.time))

    def take_close(self, connection_id: str, code: int | None, reason: str) -> None:
        """See `Wire.take_close`."""
        with self.work.turn():
            with self._lock:
                effects = self.model.receive_close(
                    connection_id, code, reason, now=self.time
                )
                self._apply(effects)
            self.work.drain()

    def manage(self, request: ManagementRequest) -> ManagementResponse:
        """Answer a request to the Management API."""
        connection_id = unquote(request.path.rpartition("/")[2])
        occasion = see_post(request.method, connection_id, request.body)
        fault = self._faults.find(occasion)
        if fault is None:
            return self._manage(request)
        return suffer(
            fault,
            lambda: self._manage(request),
            wait=self._wait,
            answer=answer_management,
            silence=lambda: ManagementResponse(status=SILENT),
        )

    def _manage(self, request: ManagementRequest) -> ManagementResponse:
        with self._lock:
            response, effects = self.model.manage(request, now=self.time)
            self._apply(effects)
        self.work.drain()
        return response

    def finish(self, invocation_id: str, outcome: InvocationResult) -> None:
        """Take the result of an invocation."""
        with self._lock:
            self._apply(
                self.model.finish_invocation(invocation_id, outcome, now=self.time)
            )

    def tick(self, at: float) -> None:
        """Go on to an instant, and run what falls due."""
        with self._lock:
            self.time = max(self.time, at)
            self._apply(self.model.tick(now=self.time))
        self.work.drain()

    def _apply(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Invoke():
                    self.work.add(effect)
                case Withdraw():
                    pass  # on AWS it would have begun: it waits for this thread only
                case Accept(connection_id=connection_id, headers=headers):
                    self._outcomes[connection_id] = effect
                    self._clients[connection_id].take_accept(headers)
                case Refuse(connection_id=connection_id):
                    self._outcomes[connection_id] = effect
                case SendText(connection_id=connection_id, text=text):
                    self._clients[connection_id].take_message(text)
                case Close(connection_id=connection_id, code=code, reason=reason):
                    self._clients[connection_id].take_close(code, reason)
