"""What goes over the wire to a client: one text message of at most 128 KB.

API Gateway sends every posted payload as one text message and replaces bytes that
are not UTF-8, so anything else is refused here, before a single post is made.
"""

import json
from typing import Any

from wspubsub.errors import MessageError, MessageTooLargeError, UsageError

MAX_MESSAGE_BYTES = 131_072
"""Message payload quota of API Gateway WebSocket APIs, in bytes ("Quotas for
configuring and running a WebSocket API")."""


def encode(data: object) -> bytes:
    """Return the bytes of a message: text and UTF-8 bytes as they are, else JSON.

    Args:
        data: `str`, `bytes` of valid UTF-8, or anything that `json` can write.

    Raises:
        UsageError: The data cannot be written as text or JSON.
        MessageTooLargeError: The result has more than 131,072 bytes.
    """
    if isinstance(data, bytes | bytearray | memoryview):
        encoded = _checked_utf8(bytes(data))
    elif isinstance(data, str):
        encoded = _encoded_text(data)
    else:
        encoded = _encoded_json(data)
    if len(encoded) > MAX_MESSAGE_BYTES:
        raise MessageTooLargeError(len(encoded), MAX_MESSAGE_BYTES)
    return encoded


def decode_json(text: str) -> Any:  # noqa: ANN401 - parsed JSON
    """Return the value of a JSON text from a client.

    Raises:
        MessageError: It is not JSON (RFC 8259), or nested too deeply to be read.
    """
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        raise MessageError(f"the message is not JSON: {error}") from None
    except RecursionError:
        raise MessageError("the message is JSON nested too deeply") from None


def _no_constant(name: str) -> float:
    # RFC 8259 §6: NaN and the infinities are not JSON, though `json` reads them.
    raise ValueError(f"{name} is not a JSON value")


def _checked_utf8(data: bytes) -> bytes:
    try:
        data.decode()
    except UnicodeDecodeError:
        raise UsageError(
            "a WebSocket API sends text only and would damage bytes that are not "
            "UTF-8; base64-encode them first"
        ) from None
    return data


def _encoded_text(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise UsageError(
            "the text holds half of a surrogate pair and has no UTF-8 form"
        ) from None


def _encoded_json(data: object) -> bytes:
    try:
        text = json.dumps(
            data, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the data cannot be written as JSON: {error}") from None
    try:
        return text.encode()
    except UnicodeEncodeError:
        # A client may send "\ud800" as a JSON escape; escaped it stays valid JSON.
        return json.dumps(data, allow_nan=False, separators=(",", ":")).encode()
