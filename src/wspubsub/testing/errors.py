"""The errors of the test tools."""

from wspubsub.errors import WspubsubError


class HandshakeRefused(WspubsubError):  # noqa: N818 - what happened, like `Reject`
    """The gateway answered a handshake with an ordinary HTTP response.

    Attributes:
        status: HTTP status.
        body: Body of the answer.
        detail: Why, in words that a client on AWS does not get.
    """

    def __init__(self, status: int, body: str, detail: str = "") -> None:
        because = f": {detail}" if detail else ""
        super().__init__(f"the handshake was refused with status {status}{because}")
        self.status = status
        self.body = body
        self.detail = detail


class CommandRefusedError(WspubsubError):
    """A `PubSub` answered a client's command with an error.

    Attributes:
        command: Name of the command.
        code: Number of the error, see "Codes on the wire".
        message: Its text.
        is_temporary: Whether SDKs try again.
    """

    def __init__(
        self, command: str, code: int, message: str, *, is_temporary: bool = False
    ) -> None:
        super().__init__(f"{command} was refused: {code} {message}")
        self.command = command
        self.code = code
        self.message = message
        self.is_temporary = is_temporary


class NoMessageError(WspubsubError, AssertionError):
    """A client should have received a message, but has not."""


class UnexpectedMessageError(WspubsubError, AssertionError):
    """A client received a message other than the expected one, or any at all."""


class NoErrorError(WspubsubError, AssertionError):
    """A handler should have failed, but none has."""


class FunctionFailedError(WspubsubError):
    """A function failed because a rule of faults says so.

    Attributes:
        error_type: What Lambda calls it, such as `Sandbox.Timedout`.
    """

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


class ClientClosedError(WspubsubError):
    """A client tried to send after its connection had ended.

    Attributes:
        code: Close code (RFC 6455 §7.4), 1006 if there was no close frame.
    """

    def __init__(self, code: int) -> None:
        super().__init__(
            f"the client cannot send: its connection ended with close code {code}"
        )
        self.code = code
