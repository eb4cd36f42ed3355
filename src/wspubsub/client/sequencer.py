"""Puts the publications of one topic in order, without I/O.

What arrives goes in, by one method for each kind of event; each method returns what is
to be done, in order. Publications of a topic with history have offsets without gaps in
an epoch, so that whatever carried them

    a duplicate   is dropped (offset at or below the position)
    the next one  is handed over (position + 1), and moves the position
    a later one   waits in the buffer, and the history is asked for what is missing
    a hole that the history does not fill either is told: `Lost`
    what there is no room for is left to the history

The position belongs to whoever is handed the publications, never to the SDK, which
takes whatever came last for its position.
"""

import math
from collections.abc import Iterable
from typing import Generic, TypeVar

from wspubsub.client.steps import Ask, CheckSoon, Hand, Lost, Retry, Step
from wspubsub.log.rules import Position

MAX_AHEAD = 300
"""How many publications wait for those before them; the history has any others."""

MAX_PAGE = 300
"""How many publications one request asks for: a server of ours sends no more."""

MAX_FRUITLESS = 3
"""After this many pages in a row that bring nothing new, what is missing is lost."""

UNRECOVERABLE = 112
"""The error code for a position that the history does not have any more."""

_TEMPORARY = (0, 100, 111)

P = TypeVar("P")


class Sequencer(Generic[P]):
    """Puts the publications of one topic in order.

    Args:
        since: Position of the last publication that was handed over before; None to
            begin where the topic stands.
        capacity: How many publications may be handed over before `make_room` says that
            there is room again; None for any number.
    """

    def __init__(
        self, since: Position | None = None, *, capacity: int | None = None
    ) -> None:
        self._position = since
        self._newest = 0 if since is None else since.offset
        self._ahead: dict[int, P] = {}
        self._room: float = math.inf if capacity is None else capacity
        # Asking for one publication whenever one was taken would cost a request each.
        self._wanted = 1 if capacity is None else min(MAX_PAGE, max(1, capacity // 2))
        self._dropped = 0
        self._fruitless = 0
        self._asked_at = 0
        self._is_subscribed = False
        self._is_cache = False
        self._is_asking = False
        self._must_ask = False
        self._from_oldest = False
        self._steps: list[Step[P]] = []

    @property
    def position(self) -> Position | None:
        """Position of the last publication that was handed over, or told to be lost."""
        return self._position

    def take_reply(
        self,
        position: Position | None,
        publications: Iterable[tuple[int, P]] = (),
        *,
        is_cache: bool = False,
    ) -> list[Step[P]]:
        """Take the reply to a subscribe.

        Args:
            position: The reply's; None if the topic has no history.
            publications: Offsets and publications that came with it.
            is_cache: Whether only the newest publication matters (mode `cache`).
        """
        came = list(publications)
        self._is_subscribed = True
        self._is_cache = self._is_cache or is_cache
        if position is None:
            self._forget_history()
            return self._finish()
        start = position
        if came:
            start = Position(position.epoch, min(position.offset, came[0][0] - 1))
        if self._position is None:
            self._begin(start)
        elif self._position.epoch != position.epoch:
            self._restart(start)
        self._newest = max(self._newest, position.offset)
        self._keep(came)
        self._hand_over()
        return self._finish()

    def take_publication(self, offset: int, publication: P) -> list[Step[P]]:
        """Take a publication.

        Args:
            offset: Its offset; 0 if its topic has no history.
            publication: The publication.
        """
        if not offset:
            self._hand(publication)
        elif self._position is not None and offset <= self._position.offset:
            self._steps.append(CheckSoon())
        else:
            self._keep([(offset, publication)])
            self._hand_over()
        return self._finish()

    def take_page(
        self, position: Position, publications: Iterable[tuple[int, P]]
    ) -> list[Step[P]]:
        """Take the page that was asked for.

        Args:
            position: Where the topic stood.
            publications: Offsets and publications, in order.
        """
        if not self._is_asking or self._position is None:
            return []
        came = list(publications)
        was_oldest, self._from_oldest = self._from_oldest, False
        self._is_asking = self._must_ask = False
        if self._position.epoch != position.epoch:
            start = came[0][0] - 1 if came else position.offset
            self._restart(Position(position.epoch, start))
            self._asked_at = start
        self._newest = max(self._newest, position.offset)
        covered = came[-1][0] if came else position.offset
        if was_oldest and covered <= self._position.offset:
            covered = position.offset
        self._keep(came)
        self._hand_over(covered)
        if self._position.offset > self._asked_at or not self._is_missing():
            self._fruitless = 0
        else:
            self._wait_or_give_up()
        return self._finish()

    def take_failure(self, code: int, *, is_temporary: bool = False) -> list[Step[P]]:
        """Take the failure of what was asked for.

        Args:
            code: The error's; 0 if there was no answer.
            is_temporary: Whether the server says that it may succeed later.
        """
        if not self._is_asking:
            return []
        if is_temporary or code in _TEMPORARY:
            self._steps.append(Retry())
        elif code == UNRECOVERABLE and not self._from_oldest:
            # What is left begins behind the loss, and says where that ends.
            self._is_asking = False
            self._from_oldest = self._must_ask = True
        else:
            self._is_asking = self._must_ask = self._from_oldest = False
            self._hand_over(self._newest)
        return self._finish()

    def retry(self) -> list[Step[P]]:
        """Ask again for what could not be answered."""
        self._is_asking = False
        return self._finish()

    def take_position(self, position: Position) -> list[Step[P]]:
        """Take the topic's position, which was asked for to see whether it moved."""
        if self._position is None:
            return []
        if self._position.epoch != position.epoch:
            # In mode `cache` the newest is wanted, whatever epoch it is in.
            offset = max(0, position.offset - 1) if self._is_cache else position.offset
            self._restart(Position(position.epoch, offset))
        self._newest = max(self._newest, position.offset)
        return self._finish()

    def make_room(self, count: int = 1) -> list[Step[P]]:
        """Take note that there is room for more.

        Args:
            count: How many of those that were handed over need no room any more.
        """
        self._room += count
        if self._dropped:
            self._steps.append(Lost(None, None, self._dropped))
            self._dropped = 0
        self._hand_over()
        return self._finish()

    def interrupt(self) -> None:
        """Take note that the subscription, or its connection, is over for now."""
        self._is_subscribed = self._is_asking = False
        self._must_ask = self._from_oldest = False
        self._fruitless = 0
        self._ahead.clear()
        if self._position is None:
            self._newest = 0

    def _finish(self) -> list[Step[P]]:
        for offset in sorted(self._ahead)[MAX_AHEAD:]:
            del self._ahead[offset]
        if self._is_subscribed and not self._is_asking and self._is_missing():
            self._ask()
        steps, self._steps = self._steps, []
        return steps

    @property
    def _reached(self) -> int:
        """Offset of the last one that was handed over; below all without any."""
        return -1 if self._position is None else self._position.offset

    def _is_missing(self) -> bool:
        """Whether only the history can bring what comes next."""
        reached = self._reached
        return self._must_ask or (
            self._newest > reached >= 0 and reached + 1 not in self._ahead
        )

    def _ask(self) -> None:
        if self._position is None or self._room < self._wanted:
            return
        self._is_asking = True
        self._asked_at = self._position.offset
        since = None if self._from_oldest else self._position
        self._steps.append(Ask(since, int(min(self._room, MAX_PAGE))))

    def _hand(self, publication: P, position: Position | None = None) -> None:
        if self._room:
            self._room -= 1
            self._steps.append(Hand(publication, position))
        else:
            self._dropped += 1

    def _keep(self, publications: Iterable[tuple[int, P]]) -> None:
        for offset, each in publications:
            self._newest = max(self._newest, offset)
            if offset > self._reached:
                self._ahead[offset] = each

    def _hand_over(self, covered: int = -1) -> None:
        """Hand over what follows the position.

        Args:
            covered: Up to which offset all that can be had has come.
        """
        while self._is_subscribed and self._position is not None and self._room:
            following = self._position.offset + 1
            if following in self._ahead:
                self._position = self._position._replace(offset=following)
                self._hand(self._ahead.pop(following), self._position)
            elif following <= covered or (self._is_cache and self._ahead):
                found = min(self._ahead, default=covered + 1)
                before = found if self._is_cache else min(found, covered + 1)
                self._lose(self._position, before)
            else:
                return

    def _lose(self, after: Position, offset: int) -> None:
        """Go on at an offset, and tell that those before it are lost."""
        self._position = after._replace(offset=offset - 1)
        self._tell_lost(after, after._replace(offset=offset))

    def _tell_lost(self, after: Position | None, before: Position | None) -> None:
        if not self._is_cache:
            self._steps.append(Lost(after, before))

    def _begin(self, start: Position) -> None:
        self._position = start
        for offset in [each for each in self._ahead if each <= start.offset]:
            del self._ahead[offset]

    def _restart(self, start: Position) -> None:
        """Go on in another epoch, and tell that the rest of the last one is lost."""
        self._tell_lost(self._position, start._replace(offset=start.offset + 1))
        # Those that wait may be of either epoch; the history knows.
        self._must_ask = bool(self._ahead)
        self._is_asking = self._from_oldest = False
        self._ahead.clear()
        self._position = start
        self._newest = start.offset

    def _forget_history(self) -> None:
        if self._position is not None:
            self._tell_lost(self._position, None)
        self._position = None
        self._newest = 0
        self._ahead.clear()

    def _wait_or_give_up(self) -> None:
        self._fruitless += 1
        if self._fruitless < MAX_FRUITLESS:
            self._is_asking = True
            self._steps.append(Retry())
            return
        self._fruitless = 0
        self._hand_over(self._newest)
