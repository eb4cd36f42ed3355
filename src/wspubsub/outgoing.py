"""A message on its way to a topic's subscribers, and the port for how it gets there."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol

from wspubsub.delivery import Budget, Delivery
from wspubsub.errors import UsageError
from wspubsub.messages import encode
from wspubsub.records import Record
from wspubsub.reports import PublishReport
from wspubsub.subscriptions.port import check_connection_id

if TYPE_CHECKING:
    from wspubsub.log.rules import LoggedMessage, Position

Envelope = Callable[["LoggedMessage"], object]
"""Makes what clients receive of a logged message, such as JSON with its offset."""


class Outgoing(Record):
    """A message on its way to a topic's subscribers.

    Attributes:
        topic: The topic.
        data: What each subscriber gets, at most 131,072 bytes.
        exclude: Connections that are not to get it.
        position: Where it stands in the topic's log, if there is one.
    """

    topic: str
    data: bytes
    exclude: frozenset[str] = frozenset()
    position: "Position | None" = None

    @property
    def is_logged(self) -> bool:
        """Whether it is in a log.

        Then its subscribers must be read with strong consistency: who subscribes writes
        the subscription and then reads the log, so either the replay has the message or
        this read has the subscription. A stale read would lose it.
        """
        return self.position is not None


class Fanout(Protocol):
    """How a message gets to a topic's subscribers.

    Attributes:
        needs_log: Whether it carries only what a log keeps, so that a message has been
            handed over as soon as it is logged.
    """

    @property
    def needs_log(self) -> bool:
        """Whether a message counts as handed over once it is in the log."""
        ...

    def publish(
        self, message: Outgoing, delivery: Delivery, budget: Budget
    ) -> PublishReport:
        """Deliver, or pass on, a message that is being published.

        Raises:
            WspubsubError: It could not be carried on.
        """
        ...

    def deliver_logged(
        self, message: Outgoing, delivery: Delivery, budget: Budget
    ) -> PublishReport:
        """Deliver, or pass on, a message that the log's stream has brought.

        Raises:
            WspubsubError: It could not be carried on.
        """
        ...


class InlineFanout:
    """Posts to all subscribers at once, within the call that publishes."""

    needs_log = False

    def publish(
        self, message: Outgoing, delivery: Delivery, budget: Budget
    ) -> PublishReport:
        """See `Fanout.publish`."""
        return delivery.deliver(
            delivery.store.subscribers(
                message.topic,
                consistent=message.is_logged,
                timeout_seconds=budget.posting_seconds_left(),
            ),
            message.data,
            topic=message.topic,
            exclude=message.exclude,
            budget=budget,
        )

    deliver_logged = publish


def as_published(message: "LoggedMessage") -> bytes:
    """Return the data of a logged message, without an envelope."""
    return message.data


def check_exclude(exclude: object) -> frozenset[str]:
    """Return the connections to exclude from a message.

    Raises:
        MessageError: No connection has such an ID.
        UsageError: It is not a collection of texts.
    """
    if isinstance(exclude, str) or not isinstance(exclude, Collection):
        raise UsageError(
            "exclude must be a collection of connection IDs, such as "
            "{event.connection_id}, not a single ID"
        )
    return frozenset(map(check_connection_id, exclude))


def check_size(envelope: Envelope, topic: str, data: bytes, info: bytes | None) -> None:
    """Check a message, with all that an envelope adds, before it is logged.

    Raises:
        MessageTooLargeError: It has over 131,072 bytes.
        UsageError: The envelope makes something that cannot be encoded, or the data
            cannot be logged.
    """
    from wspubsub.log.drafts import make_longest  # noqa: PLC0415 - if there is a log

    encode(envelope(make_longest(topic, data, info)))
