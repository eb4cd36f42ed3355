"""What is posted, and to whom."""

import base64
import json

MESSAGE = {
    "type": "message",
    "topic": "general",
    "message": {"text": "The quick brown fox jumps over the lazy dog. " * 3},
    "from": "L0SM9cOFvHcCIhw=",
}
DATA = json.dumps(MESSAGE).encode()

_ID_BYTES = 11


def connection_ids(count: int) -> list[str]:
    """Return connection IDs of the form that API Gateway's have, `=` and all."""
    return [
        base64.urlsafe_b64encode(
            (number * _SPREAD % _MODULUS).to_bytes(_ID_BYTES)
        ).decode()
        for number in range(1, count + 1)
    ]


_MODULUS = 1 << (8 * _ID_BYTES)
_SPREAD = 0x9E3779B97F4A7C15F39CC1
