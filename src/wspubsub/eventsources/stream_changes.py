"""What a record of the table's stream asks for."""

from typing import Any

from wspubsub.dynamodb.images import new_connection, read_logged_messages
from wspubsub.events import Connection
from wspubsub.log.rules import LoggedMessage
from wspubsub.records import Record


class Change(Record):
    """What a stream record requires; a log entry may have several messages.

    Attributes:
        number: The record's sequence number, by which Lambda knows it.
        created_at: When it was written, in seconds since the epoch.
        item: A message to deliver, or a connection to greet.
    """

    number: str
    created_at: float
    item: LoggedMessage | Connection

    @property
    def id(self) -> str:
        """Text that identifies it within the table."""
        return f"{type(self.item).__name__} {self.item.id}"


def read_changes(record: dict[str, Any], *, now: float) -> list[Change]:
    """Return what a record asks for, in order: one thing, several messages, or nothing.

    Args:
        record: The record, as Lambda has it.
        now: When it was written, if it does not say.

    Raises:
        ImageError: It cannot be read.
    """
    if record.get("eventName") != "INSERT":
        return []
    change = record["dynamodb"]
    image = change.get("NewImage")
    items: list[LoggedMessage | Connection] = [*read_logged_messages(image)]
    connection = new_connection(image)
    if connection is not None:
        items.append(connection)
    return [
        Change(
            number=change["SequenceNumber"],
            created_at=float(change.get("ApproximateCreationDateTime", now)),
            item=item,
        )
        for item in items
    ]
