"""What members get instead of a publication: a request to resubscribe or disconnect."""

import logging
import time
from collections.abc import Callable, Collection

from wspubsub.connections import Connections, Outcome
from wspubsub.errors import ConnectionGoneError, WspubsubError
from wspubsub.pubsub.codes import INSUFFICIENT_STATE, Code
from wspubsub.pubsub.frames import make_disconnect, make_unsubscribe

log = logging.getLogger("wspubsub")

NOTICE_SECONDS = 1.0
"""How long the notices of one publish may take; each is tried once."""

MAX_DISCONNECTED = 20
"""How many members one publish disconnects, since connections are closed one by one.
The next publish finds those that are left; none of them gets a publication."""


class Notices:
    """Posts notices, in one attempt each; a member that misses one is found again.

    Args:
        connections: How a message reaches a connection.
        clock: Monotonic clock in seconds.
    """

    def __init__(
        self, connections: Connections, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connections = connections
        self._clock = clock

    def ask_to_resubscribe(
        self, topic: str, connection_ids: Collection[str], until: float
    ) -> list[str]:
        """Make clients resubscribe to a topic, and so recover what they missed.

        Args:
            topic: The topic.
            connection_ids: The clients.
            until: Instant of the clock at which there is no more time.

        Returns:
            Those that are gone.
        """
        frame = make_unsubscribe(topic, INSUFFICIENT_STATE)
        return self._post(connection_ids, frame, until)

    def disconnect(
        self, connection_ids: Collection[str], code: Code, until: float
    ) -> list[str]:
        """Make clients disconnect, and close the connections.

        API Gateway chooses the close code (1000), and after that one every SDK
        reconnects; so the code that counts is in a push before it.

        Returns:
            Those that were gone already.
        """
        chosen = list(connection_ids)[:MAX_DISCONNECTED]
        gone = self._post(chosen, make_disconnect(code), until)
        for connection_id in chosen:
            if self._clock() >= until:
                break
            self._close(connection_id)
        return gone

    def _post(
        self, connection_ids: Collection[str], frame: str, until: float
    ) -> list[str]:
        gone: list[str] = []
        if not connection_ids:
            return gone
        deadline = min(until, self._clock() + NOTICE_SECONDS)
        try:
            for outcome in self._connections.post_many(
                connection_ids, frame.encode(), deadline=deadline, patience_seconds=0.0
            ):
                if outcome.outcome is Outcome.GONE:
                    gone.append(outcome.connection_id)
                log.debug(
                    "notice to %s: %s", outcome.connection_id, outcome.outcome.value
                )
        except WspubsubError:
            log.warning("could not post the notice %s", frame, exc_info=True)
        return gone

    def _close(self, connection_id: str) -> None:
        try:
            self._connections.close(connection_id)
        except ConnectionGoneError:
            log.debug("connection %s was already closed", connection_id)
        except WspubsubError:
            log.warning("could not close connection %s", connection_id, exc_info=True)
