"""How long users are in a topic, whatever becomes of their connections.

A user whose connection has ended may be back in a moment. A *stay* begins with the
first connection of a user in a topic and goes on until somebody ends it, which only
succeeds if nothing has happened to it since the last connection left.
"""

from typing import Protocol

from wspubsub.subscriptions.sessions import Presence


class Stays(Protocol):
    """The stays of users in topics, as of a `MemberStore`.

    Each change of a stay gives it a higher number.
    """

    def begin(self, topic: str, who: Presence) -> bool:
        """Note that a user is in a topic by one more connection, which is present.

        Returns:
            Whether this has begun the stay.
        """
        ...

    def pause(self, topic: str, who: Presence) -> int:
        """Note that a connection of a user has left a topic, and is not present.

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
