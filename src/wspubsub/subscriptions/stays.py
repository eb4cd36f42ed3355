"""How long users are in a topic, whatever becomes of their connections.

A user whose connection has ended may be back in a moment. A *stay* begins with the
first connection of a user in a topic and goes on until somebody ends it, which only
succeeds if nothing has happened to it since the last connection left.

Whoever should end it may be stopped before. So a stay also says for how long a user is
awaited: after that it shows nobody who is not present, and the next connection begins
another.
"""

from typing import Protocol

from wspubsub.subscriptions.sessions import Presence

END_MARGIN_SECONDS = 60.0
"""How much later than the period of grace a stay may be ended.

A queue message may come a little late, and again if the function failed.
"""


class Stays(Protocol):
    """The stays of users in topics, as of a `MemberStore`.

    Each change of a stay gives it a higher number.
    """

    def begin(self, topic: str, who: Presence, *, grace_seconds: float) -> bool:
        """Note that a user is in a topic by one more connection, which is present.

        Args:
            topic: The topic.
            who: As whom, and by which connection.
            grace_seconds: How long the user may be absent.

        Returns:
            Whether this has begun a stay: there was none, or nobody was present in it
            though nothing had happened to it for a minute more than may be.
        """
        ...

    def pause(self, topic: str, who: Presence, *, grace_seconds: float) -> int:
        """Note that a connection of a user has left a topic, and is not present.

        Args:
            topic: The topic.
            who: As whom, and by which connection.
            grace_seconds: How long the user may be absent.

        Returns:
            The number of the stay.
        """
        ...

    def find_absent(self, topic: str, user: str, number: int) -> Presence | None:
        """Return as whom a user was last in a topic, if absent since a pause.

        Args:
            topic: The topic.
            user: The user.
            number: What `pause` returned.

        Returns:
            None if a connection of the user is present at this moment, or if the stay
            has ended or changed since then.
        """
        ...

    def end(self, topic: str, user: str, number: int) -> bool:
        """End a stay, unless it has another number by now.

        Returns:
            Whether it was ended by this.
        """
        ...
