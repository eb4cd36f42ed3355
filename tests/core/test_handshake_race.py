"""A connection that others publish to before its handshake is done stays connected."""

import pytest

from wspubsub import ConnectEvent, MemorySubscriptionStore, Publisher, Router
from wspubsub.testing import InProcessGateway


class Lobby:
    """Subscribes who connects, while another environment publishes or posts."""

    def __init__(self) -> None:
        self.gateway = InProcessGateway()
        self.store = MemorySubscriptionStore(now=self.gateway.now)
        self.elsewhere = Publisher(self.store, self.gateway.connections)
        self.router = Router()
        self.router.connect(self.connect)
        self.gateway.handler = self.router
        self.is_busy = False
        self.does = "publish"

    def connect(self, event: ConnectEvent) -> None:
        self.store.connect(event.connection)
        self.store.subscribe(event.connection_id, "lobby")
        if not self.is_busy:
            return
        if self.does == "publish":
            report = self.elsewhere.publish("lobby", "noise")
            assert report.delivered == 1
        else:
            report = self.elsewhere.post(str(event.connection_id), "welcome")
        assert report.not_ready == {event.connection_id}
        assert report.gone == frozenset()


@pytest.mark.parametrize("does", ["publish", "post"])
def test_who_is_published_to_during_the_handshake_stays_subscribed(does: str) -> None:
    lobby = Lobby()
    lobby.does = does
    first = lobby.gateway.connect()
    lobby.is_busy = True

    second = lobby.gateway.connect()

    id_ = second.connection_id
    assert lobby.gateway.is_open(id_)
    assert lobby.store.connection(id_) is not None
    assert lobby.elsewhere.publish("lobby", "all").delivered == 2
    second.expect("all")
    assert first.receive() == ("noise" if does == "publish" else "all")
