"""Informing the members of topics who has joined and left, and the application."""

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

from wspubsub.delivery import Budget
from wspubsub.messages import METERED_BYTES
from wspubsub.pubsub.batches import Batch
from wspubsub.pubsub.caller import describe
from wspubsub.pubsub.frames import (
    make_push,
    split_frames,
)
from wspubsub.pubsub.posting import MemberDelivery
from wspubsub.subscriptions.sessions import Ended, Presence, Session

if TYPE_CHECKING:
    from wspubsub.pubsub.stays import Absence, Stays

log = logging.getLogger("wspubsub")

PATIENCE_SECONDS = 0.25
"""How long members that fail are tried again: who is there heals by itself."""


OnGone = Callable[[Session, frozenset[str]], object]
"""Called with a session that has ended, and the topics that were left by that."""


class Push(NamedTuple):
    """What a topic's members are told."""

    kind: Literal["join", "leave"]
    who: Presence


class Announcer:
    """Posts join and leave pushes to the members of topics.

    They are tried once and not repeated, so that one may be missed, unless a queue
    brings it again; who is present can always be asked for.

    Args:
        members: Posts to the members of topics.
        announces: Says whether a topic's members are told who joins and leaves.
        on_gone: Called once for each session that has ended.
        stays: Says joins and leaves by user, where topics have a period of grace.
    """

    def __init__(
        self,
        members: MemberDelivery,
        announces: Callable[[str], bool],
        on_gone: OnGone | None = None,
        stays: "Stays | None" = None,
    ) -> None:
        self._members = members
        self._announces = announces
        self._on_gone = on_gone
        self._stays = stays

    def push_join(self, topic: str, who: Presence, budget: Budget) -> None:
        """Inform a topic's other members that somebody has joined, if it announces."""
        if not self._announces(topic):
            return
        pushes: Iterable[Push] = [Push("join", who)]
        if self._stays is not None:
            grace_seconds = self._stays.find_grace(topic, who)
            if grace_seconds is not None:
                pushes = self._stays.join(topic, who, grace_seconds)
        self._post_each(topic, pushes, budget)

    def tell_ended(self, ended: Iterable[Ended], budget: Budget) -> None:
        """Tell whom it concerns that connections have ended.

        Args:
            ended: What they have left.
            budget: The time that telling the members of topics may take.
        """
        ended = list(ended)
        for each in ended:
            for connection_id, session in each.sessions.items():
                self._call_on_gone(session, each.left.get(connection_id, frozenset()))
        self.tell_left(
            [
                (topic, presence)
                for each in ended
                for presences in each.presences.values()
                for topic, presence in presences.items()
            ],
            budget,
        )

    def tell_left(self, left: Iterable[tuple[str, Presence]], budget: Budget) -> None:
        """Inform the members of topics who has left them, if that is announced.

        Args:
            left: The topics, and as whom somebody was present there.
            budget: The time that it may take.
        """
        left = [(topic, who) for topic, who in left if self._announces(topic)]
        if self._stays is not None:
            left = self._tell_later(self._stays, left, budget)
        pushes: dict[str, list[str]] = {}
        for topic, who in left:
            push = _encode(topic, Push("leave", who))
            pushes.setdefault(topic, []).append(push)
        for topic, parts in pushes.items():
            for frame in split_frames(parts, METERED_BYTES):
                self._post(topic, frame, frozenset(), budget)

    def end_stay(self, absence: "Absence", budget: Budget) -> None:
        """Look whether a user is back, and inform the topic's members if not.

        Raises:
            PublishError: The store failed while the members were informed.
            StoreError: It could not be looked up, or the stay could not be ended.
            TimeoutError: No time was left to inform them.
        """
        if self._stays is None or not self._announces(absence.topic):
            return
        for push in self._stays.end(absence):
            # The queue brings it again, as long as the stay has not ended.
            if error := self._post_one(absence.topic, push, budget):
                raise error

    def _tell_later(
        self, stays: "Stays", left: Iterable[tuple[str, Presence]], budget: Budget
    ) -> list[tuple[str, Presence]]:
        """See to it that leaves are said later, and return those without a period."""
        at_once: list[tuple[str, Presence]] = []
        later: dict[tuple[str, float], list[Presence]] = {}
        for topic, who in left:
            grace_seconds = stays.find_grace(topic, who)
            if grace_seconds is None:
                at_once.append((topic, who))
            else:
                later.setdefault((topic, grace_seconds), []).append(who)
        for (topic, grace_seconds), leavers in later.items():
            self._post_each(topic, stays.leave(topic, leavers, grace_seconds), budget)
        return at_once

    def _post_each(self, topic: str, pushes: Iterable[Push], budget: Budget) -> None:
        for push in pushes:
            self._post_one(topic, push, budget)

    def _post_one(self, topic: str, push: Push, budget: Budget) -> Exception | None:
        # Whoever has joined would get it before the reply to its subscribe.
        joined = {push.who.connection_id} if push.kind == "join" else ()
        return self._post(topic, _encode(topic, push), frozenset(joined), budget)

    def _call_on_gone(self, session: Session, topics: frozenset[str]) -> None:
        if self._on_gone is None:
            return
        try:
            self._on_gone(session, topics)
        except Exception:
            # What others are still to be told does not depend on it.
            log.exception("on_gone failed for connection %s", session.connection_id)

    def _post(
        self, topic: str, frame: str, exclude: frozenset[str], budget: Budget
    ) -> Exception | None:
        """Post a frame, and return what stopped that, which is logged."""
        if not budget.posting_seconds_left():
            log.warning(
                "no time left to announce in topic %r who has joined or left", topic
            )
            return TimeoutError("no time was left to inform a topic's members")
        posted = self._members.deliver(
            topic,
            Batch(frame.encode()),
            exclude=exclude,
            budget=budget,
            patience_seconds=PATIENCE_SECONDS,
        )
        if posted.error is not None:
            log.warning(
                "could not announce in topic %r who has joined or left: %s",
                topic,
                posted.error,
            )
        # Everybody leaves a topic once, so this comes to an end.
        self.tell_ended(posted.ended, budget)
        return posted.error


def _encode(topic: str, push: Push) -> str:
    return make_push(push.kind, {"info": describe(push.who).fields()}, topic)
