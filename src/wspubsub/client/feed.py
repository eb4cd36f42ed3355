"""One subscription while it is open: between the SDK, the sequencer and the inbox.

The SDK calls the listener; the sequencer says what to do; requests run in tasks of
their own, since the SDK handles nothing else while a listener runs.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from wspubsub.backoff import full_jitter
from wspubsub.client.callbacks import call_back
from wspubsub.client.errors import (
    ClientError,
    DisconnectedError,
    RefusedError,
    UnsubscribedError,
)
from wspubsub.client.inbox import Inbox
from wspubsub.client.pulse import DUPLICATE_SECONDS, Pace
from wspubsub.client.sdk import GetToken, Publication, Sdk, SubscribeReply
from wspubsub.client.sequencer import Sequencer
from wspubsub.client.steps import Ask, CheckSoon, Hand, Lost, Step
from wspubsub.client.tasks import Tasks
from wspubsub.client.timing import REAL, Timing
from wspubsub.client.values import ClientInfo, Message
from wspubsub.log.rules import Position
from wspubsub.messages import Json

_RETRY_BASE_SECONDS, _RETRY_CAP_SECONDS = 0.5, 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOptions:
    """What an application wants of a subscription.

    Attributes:
        capacity: How many messages wait for the loop at most.
        data: What the subscribe rule gets.
        get_token: Returns the subscription's own token, if it needs one.
        is_server_side: Whether the server subscribes the client.
        on_join: Is told who came in.
        on_leave: Is told who left.
    """

    capacity: int
    data: Json = None
    get_token: GetToken | None = None
    is_server_side: bool = False
    on_join: Callable[[ClientInfo], object] | None = None
    on_leave: Callable[[ClientInfo], object] | None = None


class Feed:
    """Listens to one subscription.

    Args:
        sdk: Where the subscription is.
        topic: Its topic.
        since: Position of the last message that the application got; None to begin
            where the topic stands.
        options: What the application wants.
        timing: Where it has its time from.

    Attributes:
        topic: The topic.
        data: What the subscribe rule returned last.
        resume: Where another feed goes on if this one is closed.
        ready: Done once the client is in; fails if it is not let in.
    """

    def __init__(
        self,
        sdk: Sdk,
        topic: str,
        since: Position | None,
        options: FeedOptions,
        timing: Timing = REAL,
    ) -> None:
        self.topic = topic
        self.data: Json = None
        self.resume = since
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sdk = sdk
        self._options = options
        self._timing = timing
        self._sequencer: Sequencer[Publication] = Sequencer(
            since, capacity=options.capacity
        )
        self._inbox = Inbox()
        self._tasks = Tasks()
        self._pace = Pace(DUPLICATE_SECONDS)
        self._filling: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None
        self._delays = self._begin_delays()
        self._is_over = False

    @property
    def has_position(self) -> bool:
        """Whether the topic has a history whose position can be checked."""
        return self._sequencer.position is not None

    async def take(self) -> Message | Lost | None:
        """Return what comes next for the application; None at the end."""
        item = await self._inbox.take()
        if isinstance(item, Message):
            self.resume = item.position
            self._follow(self._sequencer.make_room())
        elif item is not None and item.dropped is None:
            before = item.before
            self.resume = before and before._replace(offset=before.offset - 1)
        return item

    async def check(self) -> bool:
        """Compare positions; return False if nobody answered."""
        try:
            page = await self._sdk.history(self.topic, None, 0)
        except TimeoutError:
            return False
        except ClientError:
            # Refused is an answer; after a lost connection the next reply says it.
            return True
        self._follow(self._sequencer.take_position(page.position))
        return True

    def end(self, error: Exception | None = None) -> None:
        """Take nothing any more; what has been handed over can still be taken."""
        self._is_over = True
        self._tasks.cancel()
        self._inbox.end(error)
        if not self.ready.done():
            closed = DisconnectedError(0, "the subscription was closed")
            self.ready.set_exception(error or closed)
            self.ready.exception()  # marks it as seen: nobody has to wait for it

    async def close(self) -> None:
        """End, and wait until no task is left."""
        self.end()
        await self._tasks.close()

    def on_subscribed(self, reply: SubscribeReply) -> None:
        """Take a reply to a subscribe."""
        self.data = reply.data
        steps = self._sequencer.take_reply(
            reply.position,
            [(each.offset, each) for each in reply.publications],
            # It has not asked for recovery, but is answered as if it had.
            is_cache=reply.was_recovering and not self.ready.done(),
        )
        if self.resume is None:
            self.resume = self._find_beginning(steps)
        self._follow(steps)
        if not self.ready.done():
            self.ready.set_result(None)

    def on_publication(self, publication: Publication) -> None:
        """Take a publication."""
        self._follow(self._sequencer.take_publication(publication.offset, publication))

    def on_interrupted(self) -> None:
        """Wait for the next reply."""
        self._sequencer.interrupt()
        self._tasks.cancel()

    def on_unsubscribed(self, code: int, reason: str) -> None:
        """End with an error, which says what the server says."""
        self.end(UnsubscribedError(self.topic, code, reason))

    def on_join(self, info: ClientInfo) -> None:
        """Tell the application who came in."""
        if self._options.on_join is not None:
            call_back(self._options.on_join, info)

    def on_leave(self, info: ClientInfo) -> None:
        """Tell the application who left."""
        if self._options.on_leave is not None:
            call_back(self._options.on_leave, info)

    def _follow(self, steps: list[Step[Publication]]) -> None:
        if self._is_over:
            return
        for step in steps:
            if isinstance(step, Hand):
                self._inbox.put(self._make_message(step))
            elif isinstance(step, Lost):
                self._inbox.put(step)
            elif isinstance(step, Ask):
                self._fill(self._ask(step))
            elif isinstance(step, CheckSoon):
                self._check_soon()
            else:
                self._fill(self._retry(next(self._delays)))

    def _make_message(self, step: Hand[Publication]) -> Message:
        _, data, info = step.publication
        return Message(topic=self.topic, data=data, position=step.position, info=info)

    def _fill(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Do this now instead of what was done to fill a hole before."""
        before = self._filling
        if before is not None and before is not asyncio.current_task():
            before.cancel()
        self._filling = self._tasks.spawn(coroutine)

    async def _ask(self, ask: Ask) -> None:
        try:
            page = await self._sdk.history(self.topic, ask.since, ask.limit)
        except RefusedError as error:
            self._follow(
                self._sequencer.take_failure(
                    error.code, is_temporary=error.is_temporary
                )
            )
        except (ClientError, TimeoutError):
            self._follow(self._sequencer.take_failure(0))
        else:
            self._delays = self._begin_delays()
            publications = [(each.offset, each) for each in page.publications]
            self._follow(self._sequencer.take_page(page.position, publications))

    async def _retry(self, seconds: float) -> None:
        await self._timing.sleep(seconds)
        self._follow(self._sequencer.retry())

    def _check_soon(self) -> None:
        if self._checking is None or self._checking.done():
            wait = self._pace.take(self._timing.clock())
            self._checking = self._tasks.spawn(self._check_after(wait))

    async def _check_after(self, seconds: float) -> None:
        await self._timing.sleep(seconds)
        await self.check()

    def _find_beginning(self, steps: list[Step[Publication]]) -> Position | None:
        """Return the position before the first message, where there is one."""
        handed = [step.position for step in steps if isinstance(step, Hand)]
        first = handed[0] if handed else None
        if first is None:
            return self._sequencer.position
        return first._replace(offset=first.offset - 1)

    @staticmethod
    def _begin_delays() -> Iterator[float]:
        return full_jitter(
            base_seconds=_RETRY_BASE_SECONDS, cap_seconds=_RETRY_CAP_SECONDS
        )
