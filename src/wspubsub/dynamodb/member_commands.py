"""Subscriptions that are begun and ended by numbered commands.

Each command writes its number: into the topic of the connection first, which says what
is true, then into the subscriber and into who is present. An item is written only over
a lower number and deleted only with a number that is not higher, so what a command does
late never spoils what a later one did.

A subscribe reads the topic of the connection back after its writes. If a later command
has written there meanwhile and ended the subscription, or the connection has ended, it
deletes what it wrote: whoever came in between may have looked before that was there.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType

from wspubsub.dynamodb.access import ConditionalWrite, TableAccess
from wspubsub.dynamodb.items import (
    Item,
    is_ever_present,
    is_leaving,
    is_live,
    presence_key,
    read_expiry,
    read_shard,
    subscriber_key,
    topic_key,
)
from wspubsub.dynamodb.member_changes import MemberChanges
from wspubsub.dynamodb.member_items import (
    IS_NEWER,
    IS_NOT_OLDER,
    has_joined_by,
    make_presence_request,
    make_request,
    next_number,
    number,
    read_ended_at,
    read_lost,
    read_number,
    read_presence,
    tombstone_change,
    topic_change,
)
from wspubsub.dynamodb.member_puts import MemberPuts
from wspubsub.dynamodb.member_steps import Lost, NewSubscription, Step
from wspubsub.dynamodb.shards import ShardPlan
from wspubsub.errors import StoreError
from wspubsub.subscriptions.members import (
    find_refusal,
    is_of_server,
)
from wspubsub.subscriptions.sessions import (
    Began,
    Presence,
)

_NOTHING = Began(number=0, is_current=False)
_IS_CALLED_AFTER = "attribute_not_exists(ended_at) OR ended_at < :called_at"


class MemberCommands:
    """Begins and ends subscriptions.

    Args:
        table: The table.
        plan: Where subscriptions go.
        changes: Marks what was lost.
        api: API and stage of the connections, if the table is shared by several.
        now: Clock, in seconds since the epoch.
    """

    def __init__(
        self,
        table: TableAccess,
        plan: ShardPlan,
        changes: MemberChanges,
        api: str | None,
        now: Callable[[], float],
    ) -> None:
        self._table = table
        self._plan = plan
        self._changes = changes
        self._puts = MemberPuts(table, now)
        self._api = api
        self._now = now

    def begin(self, entry: NewSubscription) -> Began:
        """Subscribe a connection."""
        found = self._write_topic(entry)
        if isinstance(found, Began):
            return found
        step, lost = found, Lost()
        with self._marking_again(step, lost):
            self._write_subscriber(step, entry, lost)
            has_joined = self._write_presence(step, entry)
            return self._settle(step, lost, has_joined=has_joined)

    def end(
        self, connection_id: str, topic: str, command_number: int | None
    ) -> Presence | None:
        """Unsubscribe a connection; by the server itself without a number."""
        old, step = self._bury_topic(connection_id, topic, command_number)
        if step is None:
            return None
        self._delete_subscribers(step, step.shards)
        if old is None or not is_ever_present(old):
            return None
        shown = self._hide(step)
        return None if shown is None else read_presence(shown)

    def undo(self, connection_id: str, topic: str, began: int) -> Presence | None:
        """End a subscription by the number that began it."""
        _, step = self._bury_topic(connection_id, topic, began)
        return None if step is None else self._undo_sides(step, _NOTHING).left

    def _write_topic(self, entry: NewSubscription) -> Step | Began:
        key = topic_key(entry.connection_id, entry.topic)
        shard = self._plan.shard(entry.connection_id, entry.topic)
        sets, removes = topic_change(entry.subscription, shard, entry.written)
        if self._api is not None:
            sets["api"] = {"S": self._api}
        if entry.number is None:
            old = self._update_next(key, sets, removes)
            return self._step(entry.connection_id, entry.topic, next_number(old), old)
        sets["n"] = number(entry.number)
        condition, values = IS_NEWER, self._now_value()
        if entry.called_at < math.inf:
            condition = f"({condition}) AND ({_IS_CALLED_AFTER})"
            values[":called_at"] = number(entry.called_at)
        done, old = self._table.attempt(
            self._table.update, key, condition, values, **make_request(sets, removes)
        )
        if not done and (refusal := self._refusal(entry, entry.number, old)):
            return refusal
        return self._step(entry.connection_id, entry.topic, entry.number, old)

    def _refusal(
        self, entry: NewSubscription, ours: int, found: Item | None
    ) -> Began | None:
        if found is None or read_expiry(found) <= self._now():
            # It was there a moment ago: whoever deleted it has ended the connection.
            return Began(number=ours, is_current=False)
        # With our own number it is what a first attempt wrote whose answer was lost.
        return find_refusal(
            ours,
            entry.called_at,
            last=read_number(found),
            has_ended=is_leaving(found),
            ended_at=read_ended_at(found),
        )

    def _write_subscriber(self, step: Step, entry: NewSubscription, lost: Lost) -> None:
        self._puts.write(step, entry, lost)
        for each in self._delete_subscribers(step, step.shards[1:]):
            lost.add(read_lost(each, self._now()))

    def _write_presence(self, step: Step, entry: NewSubscription) -> bool:
        if entry.session is None or not entry.subscription.has_presence:
            return False
        key = presence_key(step.connection_id, step.topic)
        request = make_presence_request(
            entry.session,
            entry.subscription.info,
            step.number,
            entry.written.expires_at,
        )
        done, old = self._table.attempt(
            self._table.update, key, IS_NEWER, self._values(step), **request
        )
        if done:
            return old is None or read_expiry(old) <= self._now()
        # With our own number it is what a first attempt wrote.
        return old is not None and has_joined_by(old, step.number)

    def _settle(self, step: Step, lost: Lost, *, has_joined: bool) -> Began:
        found = self._table.get(topic_key(step.connection_id, step.topic))
        if found is not None and is_live(found, self._now()):
            if read_number(found) <= step.number:
                return Began(
                    number=step.number, lost=lost.offset, has_joined=has_joined
                )
            if lost.offset is not None:
                # The answer to the later command does not know of it.
                self._changes.mark(step.topic, step.connection_id, lost.offset)
            return Began(number=step.number, is_current=False, has_joined=has_joined)
        is_refused = found is not None and is_of_server(read_number(found), step.number)
        began = Began(number=step.number, is_current=False, is_refused=is_refused)
        return self._undo_sides(step, began)

    @contextmanager
    def _marking_again(self, step: Step, lost: Lost) -> Iterator[None]:
        try:
            yield
        except StoreError:
            if lost.offset is not None:
                with suppress(StoreError):
                    self._changes.mark(step.topic, step.connection_id, lost.offset)
            raise

    def _bury_topic(
        self, connection_id: str, topic: str, command_number: int | None
    ) -> tuple[Item | None, Step | None]:
        """Return the topic's item as it was, and no step if a later one has it."""
        key = topic_key(connection_id, topic)
        shard = self._plan.shard(connection_id, topic)
        sets, removes, expressions, values = tombstone_change(shard, self._now())
        if command_number is None:
            sets["ended_at"] = number(self._now())
            old = self._update_next(key, sets, removes, expressions, values)
            return old, self._step(connection_id, topic, next_number(old), old)
        sets["n"] = number(command_number)
        request = make_request(sets, removes, expressions)
        request["ExpressionAttributeValues"] |= values
        done, old = self._table.attempt(
            self._table.update, key, IS_NOT_OLDER, self._now_value(), **request
        )
        if not done:
            return old, None
        return old, self._step(connection_id, topic, command_number, old)

    def _undo_sides(self, step: Step, began: Began) -> Began:
        """Delete what a step wrote and return with it who has left or joined."""
        self._delete_subscribers(step, step.shards)
        key = presence_key(step.connection_id, step.topic)
        done, shown = self._attempt_delete(step, key)
        if shown is None or not is_live(shown, self._now()):
            return began
        if not done:
            # A later command found it there, so it has told nobody.
            return began.__replace__(has_joined=has_joined_by(shown, step.number))
        # Nobody was told of a presence that the undone call has begun.
        is_told = not has_joined_by(shown, step.number)
        return began.__replace__(left=read_presence(shown) if is_told else None)

    def _delete_subscribers(self, step: Step, shards: Iterable[int]) -> list[Item]:
        keys = [subscriber_key(step.connection_id, step.topic, each) for each in shards]
        found = [self._delete(step, key) for key in keys]
        return [each for each in found if each is not None]

    def _hide(self, step: Step) -> Item | None:
        return self._delete(step, presence_key(step.connection_id, step.topic))

    def _delete(self, step: Step, key: Item) -> Item | None:
        """Delete what no later command has written; return it if it had not expired."""
        done, old = self._attempt_delete(step, key)
        if not done or old is None or not is_live(old, self._now()):
            return None
        return old

    def _attempt_delete(self, step: Step, key: Item) -> ConditionalWrite:
        return self._table.attempt(
            self._table.delete, key, IS_NOT_OLDER, self._values(step)
        )

    def _update_next(
        self,
        key: Item,
        sets: Item,
        removes: Iterable[str],
        expressions: Mapping[str, str] = MappingProxyType({}),
        values: Mapping[str, Item] = MappingProxyType({}),
    ) -> Item | None:
        """Update an item with the number after the one it has."""
        request = make_request(sets, removes, expressions, counts="n")
        request["ExpressionAttributeValues"] |= values
        return self._table.update(key, **request)

    def _step(
        self, connection_id: str, topic: str, command_number: int, old: Item | None
    ) -> Step:
        shards = self._plan.candidates(connection_id, topic)
        if old is not None and read_shard(old) not in shards:
            shards.append(read_shard(old))
        return Step(connection_id, topic, command_number, shards)

    def _values(self, step: Step) -> Item:
        return {":n": number(step.number), **self._now_value()}

    def _now_value(self) -> Item:
        return {":now": number(self._now())}
