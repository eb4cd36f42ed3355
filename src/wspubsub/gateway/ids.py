"""The identifiers that API Gateway gives connections, requests and messages.

Recorded ones are 11 bytes in URL-safe base64: 15 characters of `A-Za-z0-9-_` and one
`=`, so they must be percent-encoded in a path. They are opaque.
"""

import base64
import re
import uuid
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote

_FORM = re.compile(r"[A-Za-z0-9_-]{15}=")
_SHARED = 8

decode_segment = lru_cache(maxsize=64)(unquote)
"""Return a segment of a path as it was before it was percent-encoded.

What answers a post asks for the same one several times.
"""


def is_well_formed(connection_id: str) -> bool:
    """Return whether this could be a connection ID."""
    return bool(_FORM.fullmatch(connection_id))


class Ids:
    """Makes identifiers from random bytes.

    Args:
        draw: Returns a number of random bytes.
    """

    __slots__ = ("_draw",)

    def __init__(self, draw: Callable[[int], bytes]) -> None:
        self._draw = draw

    def opaque(self) -> str:
        """Return an ID for a connection or a request."""
        return base64.urlsafe_b64encode(self._draw(11)).decode()

    def message(self, connection_id: str) -> str:
        """Return a message ID: its last 8 characters are those of its connection."""
        return self.opaque()[:-_SHARED] + connection_id[-_SHARED:]

    def uuid(self) -> str:
        """Return a version 4 UUID (RFC 9562 §5.4), as Lambda names an invocation."""
        return str(uuid.UUID(bytes=self._draw(16), version=4))

    def trace(self, at: float) -> str:
        """Return an `X-Amzn-Trace-Id` of an instant."""
        return f"Root=1-{int(at):08x}-{self._draw(12).hex()}"
