"""Messages of a topic's log, or on their way into it, as publications."""

from typing import TYPE_CHECKING

from wspubsub.errors import MessageError, MessageTooLargeError
from wspubsub.messages import MAX_MESSAGE_BYTES, read_json
from wspubsub.pubsub.frames import (
    ClientInfo,
    EncodedJson,
    Publication,
    encode_json,
    make_publication,
)

if TYPE_CHECKING:
    from wspubsub.log.rules import LoggedMessage

REPLY_BYTES = MAX_MESSAGE_BYTES - 2048
"""The room for publications in a reply: a message, less everything else in it."""

LONGEST_OFFSET = 2**53 - 1
"""No offset has more digits."""


def read_publication(message: "LoggedMessage") -> Publication:
    """Return a message of the log as clients receive it.

    A program that is not ours may have appended it. Text that is not JSON becomes a
    JSON string, and JSON with line breaks, which separate messages in a frame, is
    written without them.
    """
    info = None if message.info is None else EncodedJson(message.info.decode())
    return Publication(_read_data(message.data), message.position.offset, info)


def _read_data(data: bytes) -> EncodedJson:
    # As API Gateway does with what is not UTF-8.
    text = data.decode(errors="replace")
    try:
        value = read_json(text)
    except MessageError:
        return encode_json(text)
    return encode_json(value) if "\n" in text else EncodedJson(text)


def encode_info(info: ClientInfo | None) -> bytes | None:
    """Return what the log keeps about a message's publisher; None for the server."""
    return None if info is None else encode_json(info.fields()).encode()


def encode_logged(message: "LoggedMessage") -> bytes:
    """Return the frame that carries a message of the log."""
    return make_publication(message.topic, read_publication(message)).encode()


def encode_publication(
    topic: str, publication: Publication, max_bytes: int = MAX_MESSAGE_BYTES
) -> bytes:
    """Return the frame that carries a publication.

    Args:
        topic: The topic.
        publication: The publication.
        max_bytes: How long the frame may be: what API Gateway takes ("Quotas for
            configuring and running a WebSocket API"), or less.

    Raises:
        MessageTooLargeError: It is longer.
    """
    frame = make_publication(topic, publication).encode()
    if len(frame) > max_bytes:
        raise MessageTooLargeError(len(frame), max_bytes)
    return frame


def size_of(publication: Publication) -> int:
    """Return how many bytes a publication takes in a reply."""
    return len(encode_json(publication.fields()).encode()) + len(",")
