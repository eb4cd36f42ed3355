"""What publishers write about members that they do not post to, side by side."""

from collections.abc import Callable, Collection

from wspubsub.delivery import Budget
from wspubsub.errors import WspubsubError
from wspubsub.sidebyside import run_each
from wspubsub.subscriptions.members import MemberStore
from wspubsub.subscriptions.sessions import Member

MAX_THREADS = 16
FEW = 3
"""For this many, one after the other, no threads are started."""


class Marks:
    """Marks members that a frame did not reach, or leaves those that enter a trace.

    Args:
        members: Where it is written.
        topic: The topic.
        offset: Offset of the first publication in the frame.
        budget: The time that it may take.

    Attributes:
        written: Members that are marked now; not those that have left.
        failed: Why it could not be written about others.
    """

    def __init__(
        self, members: MemberStore, topic: str, offset: int, budget: Budget
    ) -> None:
        self.written: list[Member] = []
        self.failed: dict[str, str] = {}
        self._members = members
        self._topic = topic
        self._offset = offset
        self._budget = budget

    def write(self, members: Collection[Member]) -> None:
        """Mark members as behind."""
        self._write(members, self._mark)

    def trace(self, members: Collection[Member]) -> list[Member]:
        """Leave a trace on members that are being let in.

        Returns:
            What has become of them: a trace was left on those that are still held.
        """
        found: list[Member] = []

        def trace(member: Member, seconds: float) -> None:
            now = self._members.trace(
                self._topic, member.connection_id, timeout_seconds=seconds
            )
            if now is not None:
                found.append(now)

        self._write(members, trace)
        return found

    def _write(
        self, members: Collection[Member], write: Callable[[Member, float], None]
    ) -> None:
        def write_one(member: Member) -> None:
            if self._budget.is_spent():
                self.failed[member.connection_id] = "the time ran out"
                return
            try:
                write(member, self._budget.seconds_left())
            except WspubsubError as error:
                self.failed[member.connection_id] = f"{error}"

        # Where all are reached, nobody pays for threads.
        run_each(write_one, members, most=MAX_THREADS, few=FEW)

    def _mark(self, member: Member, seconds: float) -> None:
        if self._members.mark_lost(
            self._topic, member.connection_id, self._offset, timeout_seconds=seconds
        ):
            self.written.append(member)
