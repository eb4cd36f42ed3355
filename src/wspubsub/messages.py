"""What goes over the wire to a client: one text message of at most 128 KB.

API Gateway sends every posted payload as one text message and replaces bytes that
are not UTF-8, so anything else is refused here, before a single post is made.

What a client sent is held to the same: whatever `decode_json` returns, `encode` takes.
"""

import json
import math
from collections.abc import Iterable
from typing import Any, TypeAlias

from wspubsub.errors import MessageError, MessageTooLargeError, UsageError

Json: TypeAlias = Any
"""What a JSON text may be read as; the code that reads it looks at its type."""

MAX_MESSAGE_BYTES = 131_072
"""Message payload quota of API Gateway WebSocket APIs, in bytes ("Quotas for
configuring and running a WebSocket API")."""

METERED_BYTES = 32_768
"""API Gateway meters messages in increments of 32 KB ("Amazon API Gateway pricing")."""

SEPARATOR = b"\n"
"""Between several texts in one message, where clients read them separately."""

MAX_JSON_LEVELS = 128
"""How deeply a client may nest arrays and objects (RFC 8259 §9 allows such a limit).

Python reads more levels than it writes, and how many depends on who calls: without a
limit of our own a message could be read and then not be published.
"""

# So many digits always fit into a double, which is what most clients read numbers as.
_MAX_DIGITS = 308


def encode(data: object) -> bytes:
    """Return the bytes of a message: text and UTF-8 bytes as they are, else JSON.

    Args:
        data: `str`, `bytes` of valid UTF-8, or anything that `json` can write.

    Raises:
        MessageError: The text holds half of a surrogate pair, as only what comes from
            outside does.
        UsageError: The data cannot be written as text or JSON.
        MessageTooLargeError: The result has more than 131,072 bytes.
    """
    if isinstance(data, bytes | bytearray | memoryview):
        encoded = _check_utf8(bytes(data))
    elif isinstance(data, str):
        encoded = _encode_text(data)
    else:
        encoded = _encode_json(data)
    if len(encoded) > MAX_MESSAGE_BYTES:
        raise MessageTooLargeError(len(encoded), MAX_MESSAGE_BYTES)
    return encoded


def decode_json(text: str, *, allow_half_pairs: bool = False) -> Json:
    """Return the value of a JSON text from a client.

    Args:
        text: The text.
        allow_half_pairs: Whether the value may hold half of a surrogate pair, for
            those that can carry it: it has no UTF-8 form.

    Raises:
        MessageError: It is not JSON (RFC 8259); or it is, and has a number that is too
            large, half of a surrogate pair, or more than 128 levels.
    """
    value = _read(_STRICT, text)
    if text.count("[") + text.count("{") > MAX_JSON_LEVELS:
        _check_levels(value)
    if not allow_half_pairs:
        _check_unicode(text, value)
    return value


def read_json(text: str) -> Json:
    """Return the value of a JSON text, even if it cannot be sent on unchanged.

    Raises:
        MessageError: It is not JSON (RFC 8259), or cannot be read.
    """
    return _read(_LENIENT, text)


def _read(decoder: json.JSONDecoder, text: str) -> Json:
    try:
        return decoder.decode(text)
    except ValueError as error:
        raise MessageError(f"the message is not JSON: {error}") from None
    except RecursionError:
        raise _too_deep() from None


def _whole_number(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise _too_large(digits)
    return int(digits)


def _finite_number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _too_large(digits)
    return number


def _no_constant(name: str) -> float:
    # RFC 8259 §6: NaN and the infinities are not JSON, though `json` reads them.
    raise ValueError(f"{name} is not a JSON value")


_LENIENT = json.JSONDecoder(parse_constant=_no_constant)
_STRICT = json.JSONDecoder(
    parse_float=_finite_number, parse_int=_whole_number, parse_constant=_no_constant
)


def _check_levels(value: object) -> None:
    level = [value]
    for _ in range(MAX_JSON_LEVELS):
        level = [
            inner
            for outer in level
            for inner in _members(outer)
            if isinstance(inner, dict | list)
        ]
    if level:
        raise _too_deep()


def _members(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _check_unicode(text: str, value: object) -> None:
    # "\ud800" is valid JSON and not text: it has no UTF-8 form (RFC 8259 §8.2).
    try:
        text.encode()
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _half_a_pair("the message") from None


def _too_large(digits: str) -> MessageError:
    return MessageError(f"the message has a number that is too large: {digits:.20}")


def _too_deep() -> MessageError:
    return MessageError(
        "the message is nested too deeply: JSON may have at most "
        f"{MAX_JSON_LEVELS} levels"
    )


def _half_a_pair(what: str) -> MessageError:
    return MessageError(f"{what} has an unpaired surrogate, which is not Unicode text")


def _check_utf8(data: bytes) -> bytes:
    try:
        data.decode()
    except UnicodeDecodeError:
        raise UsageError(
            "a WebSocket API sends only text and would corrupt bytes that are not "
            "UTF-8; base64-encode them first"
        ) from None
    return data


def _encode_text(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _half_a_pair("the text") from None


def _encode_json(data: object) -> bytes:
    try:
        text = json.dumps(
            data, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the data cannot be encoded as JSON: {error}") from None
    try:
        return text.encode()
    except UnicodeEncodeError:
        # A client may send "\ud800" as a JSON escape; escaped it stays valid JSON.
        return json.dumps(data, separators=(",", ":")).encode()
