"""What a record of the table's stream is about, depending on its item."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

from wspubsub.dynamodb.items import is_connection, read_connection
from wspubsub.dynamodb.log_items import is_genesis, log_partition, read_messages
from wspubsub.dynamodb.log_offers import is_offer
from wspubsub.errors import EventError
from wspubsub.events import Connection
from wspubsub.log.rules import LoggedMessage


class ImageError(EventError):
    """An item that the stream brought is not what its key says."""


def read_logged_messages(image: object) -> Sequence[LoggedMessage]:
    """Return the messages in a log entry, in order; none for other items.

    An entry that begins an epoch has no message, and an offer is not in the log yet.

    Args:
        image: The item as Lambda has it: JSON, with binary values in base64.

    Raises:
        ImageError: It has the key of a log entry, but not its attributes.
    """
    if not _partition(image).startswith(log_partition("")):
        return ()
    try:
        if is_genesis(image) or is_offer(image):  # type: ignore[arg-type] # it has a partition key
            return ()
        return _read(image)  # type: ignore[arg-type] # as above
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ImageError(
            f"this is not a log entry ({type(error).__name__}: {error}): {image!r}"
        ) from None


def new_connection(image: object) -> Connection | None:
    """Return the connection that an item records; None for other items.

    Raises:
        ImageError: It has the key of a connection, but not its attributes.
    """
    try:
        if not is_connection(image):  # type: ignore[arg-type] # as below
            return None
        return read_connection(image)  # type: ignore[arg-type] # an item it is
    except (KeyError, TypeError, ValueError) as error:
        raise ImageError(
            f"this is not a connection ({type(error).__name__}: {error}): {image!r}"
        ) from None


def _partition(image: object) -> str:
    try:
        return str(image["pk"]["S"])  # type: ignore[index] # that is the question
    except (KeyError, TypeError) as error:
        raise ImageError(
            f"an item has no key pk ({error!r}); use the stream of this library's "
            f"table, with new images: {image!r}"
        ) from None


def _read(image: Mapping[str, Any]) -> list[LoggedMessage]:
    item = _decode(image)
    if "carried" in image:
        carried = [{"M": _decode(each["M"])} for each in image["carried"]["L"]]
        item["carried"] = {"L": carried}
    return read_messages(item)


def _decode(content: Mapping[str, Any]) -> dict[str, Any]:
    binary = {
        name: {"B": b64decode(content[name]["B"], validate=True)}
        for name in ("data", "info")
        if name in content
    }
    return {**content, **binary}
