"""A topic's members, sorted into those that get a batch and those that do not."""

from collections.abc import Iterator

from wspubsub.delivery import Budget
from wspubsub.pubsub.batches import Batch
from wspubsub.pubsub.marks import MAX_THREADS, Marks
from wspubsub.subscriptions.members import (
    EXPIRY_GRACE_SECONDS,
    HOLD_SECONDS,
    MemberStore,
)
from wspubsub.subscriptions.sessions import Member


class Audience:
    """The members of a topic, at the time of a publication.

    One that is held is being let in: its reply may not be there yet, and its SDK would
    drop what comes before. It is left a trace instead, and whoever lets it in reads
    the log until no trace is left. If the hold is over by then, the batch is posted,
    without what the member was told before its release.

    Args:
        members: Who they are.
        topic: The topic.
        batch: What they are to get. If its publications have positions, members are
            read with strong consistency.
        exclude: Members that are not to get it.
        budget: The time that reading and tracing may take.
        now: Seconds since the epoch.

    Attributes:
        expired: Those whose token has expired.
        marked: Those that have missed something.
        server_side: Those that get it and that the server has subscribed.
        served: Those that were told all of it before, or get it from whoever lets them
            in.
        partly_told: Those that were told its first publications, by their number.
        untraced: Those that could not be left a trace.
    """

    def __init__(
        self,
        members: MemberStore,
        topic: str,
        batch: Batch,
        exclude: frozenset[str],
        budget: Budget,
        *,
        now: float,
    ) -> None:
        self.expired: list[str] = []
        self.marked: list[Member] = []
        self.server_side: set[str] = set()
        self.served: list[str] = []
        self.untraced: list[Member] = []
        self.partly_told: dict[int, list[str]] = {}
        self._members = members
        self._topic = topic
        self._batch = batch
        self._exclude = exclude
        self._budget = budget
        self._now = now
        self._is_logged = bool(batch.positions)
        self._held: list[Member] = []

    def select(self) -> Iterator[str]:
        """Yield those that get it; errors while reading are raised here as well."""
        try:
            for member in self._read():
                if self._is_ready(member):
                    yield self._take(member)
                elif len(self._held) >= MAX_THREADS:
                    yield from self._trace()
            yield from self._trace()
        finally:
            # If the reading was stopped, they are not posted to any more.
            self.untraced += [
                Member(each, is_server_side=each in self.server_side)
                for each in self._trace()
            ]

    def _read(self) -> Iterator[Member]:
        return self._members.members(
            self._topic,
            consistent=self._is_logged,
            timeout_seconds=self._budget.posting_seconds_left(),
        )

    def _is_ready(self, member: Member) -> bool:
        until, held_at = member.until, member.held_at
        if until is not None and until <= self._now - EXPIRY_GRACE_SECONDS:
            self.expired.append(member.connection_id)
        elif self._is_logged and held_at is not None and self._is_recent(held_at):
            if member.connection_id not in self._exclude:
                self._held.append(member)
        elif member.lost is not None or (self._is_logged and held_at is not None):
            self.marked.append(member)
        else:
            return self._needs_all(member)
        return False

    def _needs_all(self, member: Member) -> bool:
        count = self._batch.count_told(member.told)
        if count == 0:
            return True
        if count < len(self._batch.positions):
            self.partly_told.setdefault(count, []).append(self._take(member))
        elif member.connection_id not in self._exclude:
            self.served.append(member.connection_id)
        return False

    def _is_recent(self, held_at: float) -> bool:
        # Whoever was to let it in since then is gone.
        return held_at > self._now - HOLD_SECONDS

    def _take(self, member: Member) -> str:
        if member.is_server_side:
            self.server_side.add(member.connection_id)
        return member.connection_id

    def _trace(self) -> Iterator[str]:
        """Trace those that are held, and yield those of the others that get it."""
        held, self._held = self._held, []
        marks = Marks(self._members, self._topic, 0, self._budget)
        for member in marks.trace(held):
            if member.held_at is not None:
                self.served.append(member.connection_id)
            elif self._is_ready(member):
                yield self._take(member)
        self.untraced += [each for each in held if each.connection_id in marks.failed]
