"""Every error that wspubsub raises on purpose, sorted by whose mistake it is.

::

    WspubsubError
    ├── EventError                  what Lambda was invoked with
    ├── MessageError                what the client sent
    │   ├── KeyConflictError
    │   ├── MessageTooLargeError
    │   ├── NoRouteError
    │   ├── TooManyTopicsError
    │   └── TopicError
    ├── UsageError                  what the developer wrote
    │   └── CredentialsError        what AWS requests cannot be signed with
    ├── Reject                      a handshake refused on purpose
    │   ├── Unauthorized
    │   └── Forbidden
    ├── ManagementError             what the Management API answered
    │   ├── AccessDeniedError
    │   ├── ConnectionGoneError
    │   ├── ConnectionNotReadyError
    │   └── ThrottledError
    ├── PublishError                a fan-out that stopped halfway
    └── StoreError                  what DynamoDB answered
        └── StoreTimeoutError
"""

import reprlib

_MIN_STATUS, _MAX_STATUS = 300, 599

_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxstring, _REPR.maxother = 1, 80, 80


class WspubsubError(Exception):
    """Base of every error of this library."""


class EventError(WspubsubError):
    """Lambda was invoked with something that is not a WebSocket event."""


class MessageError(WspubsubError):
    """The client sent a message that cannot be used."""


class KeyConflictError(MessageError):
    """A message was published with the key of a message that has other data.

    Attributes:
        topic: Topic that both were published to.
        key: The key.
    """

    def __init__(self, topic: str, key: str) -> None:
        super().__init__(
            f"key {shorten(key)} of topic {shorten(topic)} belongs to a message "
            "with other data; give each message a key of its own"
        )
        self.topic = topic
        self.key = key


class MessageTooLargeError(MessageError):
    """A message is larger than can be sent: API Gateway carries 128 KB (131,072 bytes).

    Attributes:
        size: Size of the encoded message in bytes.
        max_bytes: The limit in bytes.
    """

    def __init__(self, size: int, max_bytes: int) -> None:
        super().__init__(
            f"the message has {size:,} bytes, but at most {max_bytes:,} can be sent; "
            "split it, or publish a link to the data"
        )
        self.size = size
        self.max_bytes = max_bytes


class NoRouteError(MessageError):
    """A message selected no route and the router has no default handler.

    Attributes:
        route_key: The key that was looked for; `$default` if none was found.
    """

    def __init__(self, route_key: str) -> None:
        super().__init__(f"no handler for route key {shorten(route_key)}")
        self.route_key = route_key


class TopicError(MessageError):
    """A topic name is not allowed.

    Attributes:
        topic: What was given as a topic name.
    """

    def __init__(self, topic: object, reason: str) -> None:
        super().__init__(f"{reason}: {shorten(topic)}")
        self.topic = topic


class TooManyTopicsError(MessageError):
    """A connection is subscribed to as many topics as the store allows.

    Attributes:
        max_topics: How many that are.
    """

    def __init__(self, max_topics: int) -> None:
        super().__init__(
            f"a connection may be subscribed to at most {max_topics} topics; "
            "unsubscribe from others first"
        )
        self.max_topics = max_topics


class UsageError(WspubsubError):
    """The library was called in a way that cannot work; the text says what to do."""


class CredentialsError(UsageError):
    """There are no AWS credentials to sign a request with, so nothing was sent.

    None are configured, the login has expired, the profile does not exist, or the
    program that should give some has failed.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"no AWS credentials: {reason}; set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY (any values work for local services), set "
            "AWS_PROFILE to an existing profile, or log in with `aws sso login`"
        )


class Reject(WspubsubError):  # noqa: N818 - reads as what it does: `raise Reject(503)`
    """Raise this in a `connect` handler to refuse the handshake.

    API Gateway answers the handshake with the handler's own status ("$connect"
    integration result other than 2xx).

    Attributes:
        status: HTTP status from 300 to 599.
        reason: Text for the response body; API Gateway may drop it.

    Raises:
        UsageError: The status is not from 300 to 599.
    """

    def __init__(self, status: int, reason: str = "") -> None:
        if not _MIN_STATUS <= status <= _MAX_STATUS:
            raise UsageError(
                f"a handshake must be refused with a status from {_MIN_STATUS} to "
                f"{_MAX_STATUS}, not {status}"
            )
        super().__init__(reason or f"refused with status {status}")
        self.status = status
        self.reason = reason


class Unauthorized(Reject):
    """Raise this in a `connect` handler to refuse the handshake with status 401."""

    def __init__(self, reason: str = "Unauthorized") -> None:
        super().__init__(401, reason)


class Forbidden(Reject):
    """Raise this in a `connect` handler to refuse the handshake with status 403."""

    def __init__(self, reason: str = "Forbidden") -> None:
        super().__init__(403, reason)


class ManagementError(WspubsubError):
    """A call to the API Gateway Management API failed.

    Attributes:
        status: HTTP status of the answer, None if there was none.
        code: AWS error code such as `GoneException`, None if there was none.
    """

    def __init__(
        self, text: str, *, status: int | None = None, code: str | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class AccessDeniedError(ManagementError):
    """The Management API denied access; the text says what to do about it.

    The credentials, the clock, the Region, the endpoint or the permission is wrong.
    """


class ConnectionGoneError(ManagementError):
    """The connection is closed or never existed (status 410).

    Attributes:
        connection_id: The connection that is gone.
    """

    def __init__(self, connection_id: str) -> None:
        super().__init__(
            f"connection {connection_id} is gone", status=410, code="GoneException"
        )
        self.connection_id = connection_id


class ConnectionNotReadyError(ManagementError):
    """A post went to a connection whose `$connect` is still being handled.

    There is no connection until the `$connect` integration has returned, so API
    Gateway answers 410 to such a post.

    Attributes:
        connection_id: The connection that is being connected.
    """

    def __init__(self, connection_id: str) -> None:
        super().__init__(
            f"connection {connection_id} does not exist until its connect handler "
            "has returned; post after the client's first message, or when the "
            "table's stream has brought the connection (StreamHandler's on_ready)"
        )
        self.connection_id = connection_id


class ThrottledError(ManagementError):
    """The Management API answered 429 until the time was up.

    Either the account's request rate is exceeded or the client reads too slowly.
    """


class StoreError(WspubsubError):
    """DynamoDB did not do what the store or the log requested.

    Attributes:
        operation: DynamoDB operation, such as `Query`.
        code: AWS error code, such as `ResourceNotFoundException`.
    """

    def __init__(self, text: str, *, operation: str, code: str) -> None:
        super().__init__(text)
        self.operation = operation
        self.code = code


class StoreTimeoutError(StoreError):
    """The store did not answer within the time allowed for a call."""

    def __init__(self, operation: str, seconds: float) -> None:
        super().__init__(
            f"DynamoDB {operation}: no answer within {seconds:.1f} s",
            operation=operation,
            code="Timeout",
        )


def shorten(value: object) -> str:
    """Return a value in a form that fits into an error, whoever sent it."""
    # What a client sent may be nested more deeply than `repr` can follow.
    return _REPR.repr(value)
