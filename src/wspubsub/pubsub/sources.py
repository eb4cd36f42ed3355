"""The handlers of what invokes an application's function besides API Gateway."""

from typing import TYPE_CHECKING, Any

from wspubsub.eventsources import EventSources, StreamHandler
from wspubsub.eventsources.invocations import handle_messages, seconds_left
from wspubsub.pubsub.stays import read_absence

if TYPE_CHECKING:
    from wspubsub.pubsub.broadcaster import Broadcaster
    from wspubsub.router import Router


class AbsenceHandler:
    """Handles the queue's messages about users whose connections have ended.

    A message that fails is reported (partial batch response), so that the queue brings
    it again.

    Args:
        broadcaster: Looks whether they are back.
    """

    def __init__(self, broadcaster: "Broadcaster") -> None:
        self._broadcaster = broadcaster

    def __call__(self, event: object, context: object = None) -> dict[str, Any]:
        """Handle one Lambda invocation.

        Raises:
            EventError: It is not an event of SQS.
        """

        def handle(record: dict[str, Any]) -> None:
            absence = read_absence(record.get("body"))
            seconds = seconds_left(context)
            self._broadcaster.end_stay(absence, timeout_seconds=seconds)

        return handle_messages(event, handle)


def make_sources(router: "Router", broadcaster: "Broadcaster") -> EventSources:
    """Return a handler for events of the WebSocket API, the stream and the queue."""
    stream = None
    if broadcaster.joiner is not None:
        stream = StreamHandler(broadcaster.publisher, joiner=broadcaster.joiner)
    queue = AbsenceHandler(broadcaster) if broadcaster.has_stays else None
    return EventSources(router, stream=stream, queue=queue)
