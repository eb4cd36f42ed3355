"""What a wrapper does around an SDK: it runs a sequencer, asks the history, checks.

The timers are those of the world's clock.
"""

from collections.abc import Callable
from typing import Any

from tests.chaos.sdk import Done, Reply, Sdk
from wspubsub import Position
from wspubsub.client.pulse import DUPLICATE_SECONDS, Pace, Pulse
from wspubsub.client.sequencer import Sequencer
from wspubsub.client.steps import Ask, CheckSoon, Hand, Lost, Retry, Step

RETRY_SECONDS = 1.0


class Reader:
    """One handler of one topic.

    Attributes:
        start: From where on it must be handed everything.
        came: Offsets of what the SDK brought, in the order in which it came.
        handed: Offsets and data, in order.
        lost: What it was told to have missed.
    """

    def __init__(self, topic: str, sdk: Sdk, now: Callable[[], float]) -> None:
        self.topic = topic
        self.start: Position | None = None
        self.came: list[int] = []
        self.handed: list[tuple[int, Any]] = []
        self.lost: list[Lost] = []
        self._sdk = sdk
        self._now = now
        self._sequencer: Sequencer[Any] = Sequencer()
        self._life = 0
        self._retry_at: float | None = None
        self.check_at: float | None = None
        self._pace = Pace(DUPLICATE_SECONDS)

    def take_subscribed(self, reply: dict[str, Any]) -> None:
        position = Position(reply["epoch"], reply.get("offset", 0))
        came = [(each["offset"], each) for each in reply.get("publications", ())]
        if self.start is None:
            self.start = position
        self._do(self._sequencer.take_reply(position, came))

    def take_publication(self, publication: dict[str, Any]) -> None:
        offset = publication["offset"]
        self.came.append(offset)
        self._do(self._sequencer.take_publication(offset, publication))

    def take_subscribing(self) -> None:
        self._life += 1
        self._retry_at = None
        self._sequencer.interrupt()

    def tick(self) -> None:
        if self._retry_at is not None and self._retry_at <= self._now():
            self._retry_at = None
            self._do(self._sequencer.retry())

    def take_position(self, reply: Reply) -> None:
        """Take the answer to a check."""
        if reply is not None and "history" in reply:
            self._do(self._sequencer.take_position(_position(reply)))

    def _do(self, steps: list[Step[Any]]) -> None:
        for step in steps:
            match step:
                case Hand(publication):
                    self.handed.append((publication["offset"], publication["data"]))
                case Lost():
                    self.lost.append(step)
                case Ask():
                    self._ask(step)
                case Retry():
                    self._retry_at = self._now() + RETRY_SECONDS
                case CheckSoon():
                    if self.check_at is None:
                        self.check_at = self._now() + self._pace.take(self._now())

    def _ask(self, step: Ask) -> None:
        request: dict[str, Any] = {"channel": self.topic, "limit": step.limit}
        if step.since is not None:
            request["since"] = step.since._asdict()
        life = self._life

        def take(reply: Reply) -> None:
            if life == self._life:
                self._take_history(reply)

        self._sdk.ask((take, {"history": request}))

    def _take_history(self, reply: Reply) -> None:
        if reply is not None and "history" in reply:
            found = reply["history"].get("publications", ())
            came = [(each["offset"], each) for each in found]
            self._do(self._sequencer.take_page(_position(reply), came))
            return
        error = {} if reply is None else reply["error"]
        is_temporary = reply is None or error.get("temporary", False)
        failed = self._sequencer.take_failure(
            error.get("code", 0), is_temporary=is_temporary
        )
        self._do(failed)


class Checks:
    """Asks now and then where topics stand, and whether anybody answers."""

    def __init__(
        self, sdk: Sdk, readers: list[Reader], now: Callable[[], float]
    ) -> None:
        self._sdk = sdk
        self._readers = readers
        self._now = now
        self._pulse = Pulse(now())

    def tick(self) -> None:
        now = self._now()
        for reader in self._readers:
            reader.tick()
            if reader.check_at is not None and reader.check_at <= now:
                reader.check_at = None
                self._ask([reader])
        if self._pulse.tick(now):
            self._ask(self._readers)

    def _ask(self, readers: list[Reader]) -> None:
        if not self._sdk.is_connected:
            return
        answers: list[Reply] = []

        def make(reader: Reader) -> tuple[Done, dict[str, Any]]:
            def take(reply: Reply) -> None:
                reader.take_position(reply)
                answers.append(reply)
                if len(answers) == len(readers):
                    self._conclude(answers)

            return take, {"history": {"channel": reader.topic, "limit": 0}}

        self._sdk.ask(*map(make, readers))

    def _conclude(self, answers: list[Reply]) -> None:
        if any(each is not None for each in answers):
            self._pulse.note_answer()
        elif self._pulse.count_silence():
            self._sdk.reconnect()


def _position(reply: dict[str, Any]) -> Position:
    found = reply["history"]
    return Position(found["epoch"], found.get("offset", 0))
