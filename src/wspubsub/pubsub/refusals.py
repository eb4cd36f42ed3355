"""What rules raise, and the code that an error becomes on the wire.

A client learns the code and the text of what was raised on purpose, and nothing at all
of what went wrong.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

from wspubsub.errors import (
    MessageError,
    MessageTooLargeError,
    Reject,
    TooManyTopicsError,
    Unauthorized,
    UsageError,
    WspubsubError,
)
from wspubsub.pubsub.codes import (
    BAD_REQUEST,
    INTERNAL,
    LIMIT_EXCEEDED,
    MAX_APPLICATION_CODE,
    MIN_APPLICATION_CODE,
    PERMISSION_DENIED,
    TOKEN_EXPIRED,
    UNAUTHORIZED,
    Code,
)

log = logging.getLogger("wspubsub")

ValueT = TypeVar("ValueT")


class TokenExpired(WspubsubError):  # noqa: N818 - reads as what it does: `raise TokenExpired`
    """Raise this in a rule when a token has expired: the client gets a new one."""


class CommandError(WspubsubError):
    """Raise this in a rule to answer a command with an error of your own.

    Args:
        code: The application's number for it, from 400 to 1999.
        text: What the client is told.
        is_temporary: Whether the client may try the same again.

    Attributes:
        code: What is sent.

    Raises:
        UsageError: The number is not an application's.
    """

    def __init__(self, code: int, text: str, *, is_temporary: bool = False) -> None:
        if not MIN_APPLICATION_CODE <= code <= MAX_APPLICATION_CODE:
            raise UsageError(
                f"an application's error codes must be from {MIN_APPLICATION_CODE} "
                f"to {MAX_APPLICATION_CODE}, not {code}"
            )
        super().__init__(text)
        self.code = Code(code, text, is_temporary)


class RefusalError(Exception):
    """A command is answered with an error of the protocol; internal to this package.

    Attributes:
        code: What is sent.
    """

    def __init__(self, code: Code) -> None:
        super().__init__(code.text)
        self.code = code


class DisconnectError(Exception):
    """A client is disconnected; internal to this package.

    Attributes:
        code: What is sent.
    """

    def __init__(self, code: Code) -> None:
        super().__init__(code.text)
        self.code = code


_CODES: tuple[tuple[type[Exception], Code], ...] = (
    (Unauthorized, UNAUTHORIZED),
    (Reject, PERMISSION_DENIED),
    (TokenExpired, TOKEN_EXPIRED),
    (MessageTooLargeError, LIMIT_EXCEEDED),
    (TooManyTopicsError, LIMIT_EXCEEDED),
    (MessageError, BAD_REQUEST),
)


def code_of(error: Exception) -> Code:
    """Return what a client is told about an error; a fault is only logged."""
    if isinstance(error, CommandError | RefusalError):
        return error.code
    for kind, code in _CODES:
        if isinstance(error, kind):
            log.debug("a command was refused: %s", error)
            return code
    log.error("a command failed", exc_info=error)
    return INTERNAL


def catch(function: Callable[[], ValueT]) -> ValueT | Exception:
    """Return what a function returns, or what it raises: rules may raise anything."""
    try:
        return function()
    except Exception as error:  # noqa: BLE001 - as said above
        return error
