"""The handlers of what invokes an application's function besides API Gateway."""

from typing import TYPE_CHECKING, Any

from wspubsub.errors import MessageError, WspubsubError
from wspubsub.eventsources import EventSources, StreamHandler
from wspubsub.eventsources.invocations import handle_messages, seconds_left
from wspubsub.messages import read_json

if TYPE_CHECKING:
    from wspubsub.pubsub.broadcaster import Broadcaster
    from wspubsub.pubsub.stays import Absence
    from wspubsub.router import Router


class AbsenceError(WspubsubError):
    """A queue message is not about the absence of a user."""


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


def read_absence(body: object) -> "Absence":
    """Return what a queue message is about.

    Raises:
        AbsenceError: It is not one of these.
    """
    # A function that only the stream invokes does without it.
    from wspubsub.pubsub.stays import VERSION, Absence

    try:
        fields: Any = read_json(body) if isinstance(body, str) else None
        if fields["wspubsub"] != VERSION:
            raise AbsenceError(
                f"the queue message has the unknown version {fields['wspubsub']!r:.80};"
                " deploy the version of wspubsub that sent it"
            )
        topic, user, number = fields["absent"]
        return Absence(str(topic), str(user), int(number))
    except (MessageError, ValueError, TypeError, KeyError) as error:
        raise AbsenceError(
            f"the queue message is not from a PubSub ({type(error).__name__}: "
            f"{error}); let no other producer send to this queue"
        ) from None
