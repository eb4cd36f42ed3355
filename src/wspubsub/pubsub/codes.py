"""The numbers with which the protocol says what went wrong, and for whom.

They are Centrifugo's (its page "Client protocol codes"), because its SDKs act on them:
they ask for a new token after 109, resubscribe after an unsubscribe code of 2500 or
more, and reconnect after a disconnect code from 3000 to 3499.
"""

from typing import NamedTuple


class Code(NamedTuple):
    """A code, and the text that goes with it.

    Attributes:
        number: The code.
        text: The error's message, or the reason of a push.
        is_temporary: Whether the SDK may try the same command again.
    """

    number: int
    text: str
    is_temporary: bool = False


INTERNAL = Code(100, "internal server error", is_temporary=True)
UNAUTHORIZED = Code(101, "unauthorized")
UNKNOWN_CHANNEL = Code(102, "unknown channel")
PERMISSION_DENIED = Code(103, "permission denied")
METHOD_NOT_FOUND = Code(104, "method not found")
LIMIT_EXCEEDED = Code(106, "limit exceeded")
BAD_REQUEST = Code(107, "bad request")
NOT_AVAILABLE = Code(108, "not available")
TOKEN_EXPIRED = Code(109, "token expired")
TOO_MANY_REQUESTS = Code(111, "too many requests", is_temporary=True)
UNRECOVERABLE_POSITION = Code(112, "unrecoverable position")

SERVER_UNSUBSCRIBE = Code(2000, "server unsubscribe")
INSUFFICIENT_STATE = Code(2500, "insufficient state")

CONNECTION_EXPIRED = Code(3005, "connection expired")
STATE_LOST = Code(3010, "insufficient state")
INVALID_TOKEN = Code(3500, "invalid token")
MALFORMED_FRAME = Code(3501, "bad request")
FORCED_DISCONNECT = Code(3503, "force disconnect")
SEND_NOT_AVAILABLE = Code(3508, "not available")

MIN_APPLICATION_CODE, MAX_APPLICATION_CODE = 400, 1999
"""Which error codes are an application's own."""
