"""What rules say about a client: who it is, and for how long."""

from collections.abc import Iterable

from wspubsub.errors import UsageError
from wspubsub.records import Record
from wspubsub.subscriptions.sessions import check_time, check_user


class User(Record):
    """Who a client is; the connect rule returns it.

    Args:
        id: The user's ID, at most 256 bytes of UTF-8; empty for an anonymous user.
        info: What others see of the user in presence, join and leave, and with what
            the client publishes: JSON data.
        expires_at: When the client must bring a new token, in seconds since the
            epoch; None for never.
        subscribe: Topics that the connection is subscribed to from the start, without
            their rules being asked.
        data: JSON data for the reply to the client's `connect`.

    Raises:
        UsageError: A value is not what it must be.
    """

    id: str
    info: object = None
    expires_at: float | None = None
    subscribe: tuple[str, ...] = ()
    data: object = None

    def __init__(
        self,
        id: str,  # noqa: A002 - what it is called everywhere else
        *,
        info: object = None,
        expires_at: float | None = None,
        subscribe: Iterable[str] = (),
        data: object = None,
    ) -> None:
        if isinstance(subscribe, str):
            raise UsageError(
                f"subscribe must be a collection of topics, such as [{subscribe!r:.80}]"
            )
        super().__init__(
            id=check_user(id),
            info=info,
            expires_at=check_time("expires_at", expires_at),
            # Each once, in the order in which they were named.
            subscribe=tuple(dict.fromkeys(subscribe)),
            data=data,
        )


class Subscribed(Record):
    """That a client may subscribe, for a time; a subscribe rule may return it.

    Args:
        data: JSON data for the reply, such as the topic's state.
        info: What others see of the client in this topic, besides what the connect
            rule says about the user: JSON data. Clients know it as `chanInfo` or
            `chan_info`.
        expires_at: When the client must bring a new subscription token, in seconds
            since the epoch; None for never.

    Raises:
        UsageError: The time is not a number.
    """

    data: object = None
    info: object = None
    expires_at: float | None = None

    def __init__(
        self,
        data: object = None,
        *,
        info: object = None,
        expires_at: float | None = None,
    ) -> None:
        expires_at = check_time("expires_at", expires_at)
        super().__init__(data=data, info=info, expires_at=expires_at)
