"""What this process knows of the newest entries of logs; it saves a read each."""

import threading

from wspubsub.dynamodb.log_items import Tail

MAX_TOPICS = 1000


class Tails:
    """The newest entry known of each of the topics used last.

    It may be out of date: who writes after it finds its place taken then. It is safe
    to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tails: dict[str, Tail] = {}

    def get(self, topic: str) -> Tail | None:
        """Return what is known of a topic."""
        with self._lock:
            return self._tails.get(topic)

    def keep(self, topic: str, tail: Tail) -> None:
        """Remember the newest entry of a topic, unless a newer one is known."""
        with self._lock:
            known = self._tails.pop(topic, tail)
            is_older = (
                known.position.epoch == tail.position.epoch
                and known.position.offset > tail.position.offset
            )
            # Anew, so that it stands last among those that may have to go.
            self._tails[topic] = known if is_older else tail
            if len(self._tails) > MAX_TOPICS:
                del self._tails[next(iter(self._tails))]
