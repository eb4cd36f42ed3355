"""The handlers of what invokes an application's function besides API Gateway."""

from typing import TYPE_CHECKING

from wspubsub.eventsources import EventSources, StreamHandler

if TYPE_CHECKING:
    from wspubsub.pubsub.broadcaster import Broadcaster
    from wspubsub.router import Router


def make_sources(router: "Router", broadcaster: "Broadcaster") -> EventSources:
    """Return a handler for events of the WebSocket API and of the table's stream."""
    stream = StreamHandler(broadcaster.publisher, joiner=broadcaster.joiner)
    return EventSources(router, stream=stream)
