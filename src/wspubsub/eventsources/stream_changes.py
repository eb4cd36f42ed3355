"""What a record of the table's stream asks for."""

from typing import Any

from wspubsub.dynamodb.images import new_connection, read_logged_message
from wspubsub.events import Connection
from wspubsub.log.rules import LoggedMessage
from wspubsub.records import Record


class Change(Record):
    """A stream record that requires action.

    Attributes:
        number: Its sequence number, by which Lambda knows it.
        created_at: When it was written, in seconds since the epoch.
        item: A log entry to deliver, or a connection to greet.
    """

    number: str
    created_at: float
    item: LoggedMessage | Connection

    @property
    def id(self) -> str:
        """Text that identifies the record within the table."""
        return f"{type(self.item).__name__} {self.item.id}"


def read_change(record: dict[str, Any], *, now: float) -> Change | None:
    """Return what a record asks for, or None if it asks for nothing.

    Args:
        record: The record, as Lambda has it.
        now: When it was written, if it does not say.

    Raises:
        ImageError: It cannot be read.
    """
    if record.get("eventName") != "INSERT":
        return None
    change = record["dynamodb"]
    image = change.get("NewImage")
    item = read_logged_message(image) or new_connection(image)
    if item is None:
        return None
    return Change(
        number=change["SequenceNumber"],
        created_at=float(change.get("ApproximateCreationDateTime", now)),
        item=item,
    )
