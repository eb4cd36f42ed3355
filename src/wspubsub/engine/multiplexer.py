"""Many HTTP requests in flight in one thread, over connections that are kept.

Nothing here knows what the requests are for: the caller builds them, and judges the
answers. A `Schedule` says when to send what; what is known here, and nowhere else, is
how requests and answers travel, and when an answer is no longer waited for.
"""

import ssl
import time
from collections.abc import Callable, Iterable, Iterator

from wspubsub.engine.body import ResponseError
from wspubsub.engine.channel import Channel
from wspubsub.engine.channels import Channels
from wspubsub.engine.exchange import Exchange, Result, Verdict
from wspubsub.engine.pool import ChannelPool
from wspubsub.engine.response import HttpResponse
from wspubsub.engine.schedule import Progress, Schedule, longest_delay

_TICK_SECONDS = 0.05
"""How often timeouts are checked."""

_OPENINGS = 16
"""How many connections are opened at once before answers are checked again."""

_OPENING_SECONDS = 0.0004
"""What it takes this side, and the other, to open a connection."""

# RFC 9110 §15.5.9: said by a server that closes an idle connection.
_NO_REQUEST_IN_TIME = 408

# What the next attempt would end with as well.
_LASTING = (ssl.SSLCertVerificationError, UnicodeError)


class Multiplexer:
    """Sends many requests at once over a pool of connections.

    Args:
        pool: Connections to the server.
        connect_seconds: Longest time for a connection to be made.
        read_seconds: Longest time for an answer.
        max_in_flight: How many requests are in flight at most.
        clock: Monotonic clock in seconds.
        draw: Source of numbers from 0 to 1, for back-off; `random.random` if None.
        longest_delay: Longest time to wait after a number of failures.
        throttled_delay: The same where the last answer throttles; `longest_delay` if
            None.
    """

    def __init__(
        self,
        pool: ChannelPool,
        *,
        connect_seconds: float = 2.0,
        read_seconds: float = 5.0,
        max_in_flight: int = 128,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] | None = None,
        longest_delay: Callable[[int], float] = longest_delay,
        throttled_delay: Callable[[int], float] | None = None,
    ) -> None:
        self.pool = pool
        self.connect_seconds = connect_seconds
        self.read_seconds = read_seconds
        self.max_in_flight = max_in_flight
        self.clock = clock
        self.draw = draw
        self.longest_delay = longest_delay
        self.throttled_delay = throttled_delay

    def run(
        self,
        tags: Iterable[str],
        *,
        build: Callable[[str], bytes],
        judge: Callable[[HttpResponse], Verdict],
        deadline: float,
        max_attempts: int | None = None,
        progress: Progress | None = None,
        patience_seconds: float | None = None,
    ) -> Iterator[Result]:
        """Make a request for each tag and yield how each ended, in any order.

        Args:
            tags: Taken as there is room to send.
            build: Returns the bytes of a request each time it is sent.
            judge: Returns what an answer means.
            deadline: Instant of the clock at which all ends.
            max_attempts: How often a request is sent at most; None for no limit.
            progress: Where successes are noted, if tags are different connections of
                which one may fail by itself.
            patience_seconds: How long those that fail are tried again at the end; as
                `Schedule` does if None.
        """
        schedule = Schedule(
            tags,
            Exchange,
            most=self.max_in_flight,
            deadline=deadline,
            clock=self.clock,
            draw=self.draw,
            longest_delay=self.longest_delay,
            throttled_delay=self.throttled_delay,
            max_attempts=max_attempts,
            progress=progress,
            patience_seconds=patience_seconds,
        )
        try:
            return _Run(self, schedule, build, judge).results()
        except OSError as error:  # too many open files
            reason = _describe(error)
            return (Result(tag, None, reason) for tag in tags)


class _Run:
    """One call of `Multiplexer.run`."""

    def __init__(
        self,
        settings: Multiplexer,
        schedule: Schedule[Exchange],
        build: Callable[[str], bytes],
        judge: Callable[[HttpResponse], Verdict],
    ) -> None:
        self._settings = settings
        self._clock = settings.clock
        self._pool = settings.pool
        self._schedule = schedule
        self._build, self._judge = build, judge
        self._channels = Channels(settings.pool, settings.max_in_flight)
        self._in_flight: dict[Channel, Exchange] = {}
        self._again: list[Exchange] = []
        self._next_look = 0.0
        # A handshake costs as much as twenty requests. So a connection is opened when
        # there is nothing else to do: no free one, and no answer that has come in. And
        # opening them never takes more time than has been spent waiting: where answers
        # come at once, more connections would not bring more of them.
        self._openings = _OPENINGS
        self._affordable = float(_OPENINGS)
        self._lacks_channel = False

    def results(self) -> Iterator[Result]:
        try:
            while True:
                now = self._clock()
                if self._schedule.is_over(now):
                    yield from self._give_up()
                    return
                yield from self._send_all(now)
                if self._schedule.is_done():
                    return
                yield from self._receive(self._patience())
        finally:
            self._close()

    def _send_all(self, now: float) -> Iterator[Result]:
        while (exchange := self._next_exchange(now)) is not None:
            result = self._send(exchange)
            if result is not None:
                yield result

    def _next_exchange(self, now: float) -> Exchange | None:
        exchange = self._again.pop() if self._again else self._schedule.take(now)
        has_kept = self._channels.free or self._pool.has_idle
        if exchange is None or has_kept or self._may_open():
            return exchange
        self._again.append(exchange)
        self._lacks_channel = True
        return None

    def _may_open(self) -> bool:
        return self._openings > 0 and self._affordable >= 1

    def _send(self, exchange: Exchange) -> Result | None:
        try:
            request = self._build(exchange.tag)
            channel = self._channel(exchange)
        except (OSError, UnicodeError) as error:
            return self._fail(exchange, error, self._clock())
        exchange.is_connecting = not channel.is_connected
        seconds = (
            self._settings.connect_seconds
            if exchange.is_connecting
            else self._settings.read_seconds
        )
        # Time that a lookup or the next page of tags took is not this request's.
        now = self._clock()
        exchange.times_out_at = now + seconds
        self._in_flight[channel] = exchange
        try:
            channel.send(request)
            if channel.watched_for != channel.interest:
                self._channels.watch(channel)
        except OSError as error:
            return self._lose_channel(channel, exchange, error, now)
        return None

    def _channel(self, exchange: Exchange) -> Channel:
        kept = None if exchange.needs_fresh else self._channels.take()
        if kept is not None:
            return kept
        exchange.needs_fresh = False
        self._openings -= 1
        self._affordable -= 1
        return self._pool.open(self._schedule.remaining(self._clock()))

    def _receive(self, patience: float) -> Iterator[Result]:
        begun = self._clock()
        ready = self._channels.wait(patience)
        self._affordable += (self._clock() - begun) / _OPENING_SECONDS
        self._openings = _OPENINGS
        for channel in ready:
            self._openings = 0
            exchange = self._in_flight.get(channel)
            if exchange is None:
                self._channels.drop_free(channel)
                continue
            result = self._proceed(channel, exchange)
            if result is not None:
                yield result
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + _TICK_SECONDS
            yield from self._time_out(now)

    def _patience(self) -> float:
        if self._lacks_channel:
            self._lacks_channel = False
            return max(0.0, 1 - self._affordable) * _OPENING_SECONDS
        now = self._clock()
        seconds = self._schedule.wakes_at(now) - now
        return max(0.0, min(seconds, _TICK_SECONDS))

    def _proceed(self, channel: Channel, exchange: Exchange) -> Result | None:
        try:
            response = channel.proceed()
            if response is None:
                self._wait_on(channel, exchange)
                return None
        except (OSError, ResponseError) as error:
            return self._lose_channel(channel, exchange, error, self._clock())
        if response.status == _NO_REQUEST_IN_TIME and channel.is_reused:
            late = ResponseError("the server closed an idle connection")
            return self._lose_channel(channel, exchange, late, self._clock())
        del self._in_flight[channel]
        self._channels.release(channel, keeps_alive=response.keeps_alive)
        return self._accept_answer(exchange, response)

    def _wait_on(self, channel: Channel, exchange: Exchange) -> None:
        if channel.watched_for != channel.interest:
            self._channels.watch(channel)
        if exchange.is_connecting and channel.is_connected:
            exchange.is_connecting = False
            exchange.times_out_at = self._clock() + self._settings.read_seconds

    def _accept_answer(
        self, exchange: Exchange, response: HttpResponse
    ) -> Result | None:
        now = self._clock()
        verdict = self._judge(response)
        if verdict is Verdict.FINAL:
            self._schedule.succeed(exchange, now)
            return Result(exchange.tag, response)
        exchange.response, exchange.error = response, ""
        exchange.is_throttled = verdict is Verdict.THROTTLED
        return self._retry(exchange, now)

    def _lose_channel(
        self, channel: Channel, exchange: Exchange, error: Exception, now: float
    ) -> Result | None:
        del self._in_flight[channel]
        self._channels.drop(channel)
        if self._goes_on_elsewhere(channel, exchange, error):
            exchange.needs_fresh = channel.is_connected
            exchange.response, exchange.error = None, _describe(error)
            self._again.append(exchange)
            return None
        return self._fail(exchange, error, now)

    def _goes_on_elsewhere(
        self, channel: Channel, exchange: Exchange, error: Exception
    ) -> bool:
        if isinstance(error, ssl.SSLCertVerificationError):
            return self._pool.trusts_more(channel)
        if not channel.is_connected:
            exchange.addresses_failed += 1
            count = self._pool.connecting_failed(channel)
            return exchange.addresses_failed < count
        # Perhaps the server closed an idle connection just when it was used again.
        return channel.is_reused and not channel.answer_has_begun

    def _fail(self, exchange: Exchange, error: Exception, now: float) -> Result | None:
        exchange.response, exchange.error = None, _describe(error)
        exchange.is_throttled = False
        if isinstance(error, _LASTING):
            self._schedule.leave(exchange)
            return exchange.result()
        return self._retry(exchange, now)

    def _retry(self, exchange: Exchange, now: float) -> Result | None:
        exchange.addresses_failed = 0
        is_tried_again = self._schedule.fail(exchange, now)
        return None if is_tried_again else exchange.result()

    def _time_out(self, now: float) -> Iterator[Result]:
        late = [
            (channel, exchange)
            for channel, exchange in self._in_flight.items()
            if exchange.times_out_at <= now
        ]
        for channel, exchange in late:
            if channel.is_reused and not channel.answer_has_begun:
                # Perhaps the way to the server is gone, and nobody closed what was
                # idle. It is not tried one by one, each for the longest time.
                self._pool.close_idle_since(now - self._settings.read_seconds)
                exchange.needs_fresh = True
            channel.is_reused = False  # it was not dead, but silent
            text = "no answer in time" if channel.is_connected else "cannot connect"
            result = self._lose_channel(channel, exchange, TimeoutError(text), now)
            if result is not None:
                yield result

    def _give_up(self) -> Iterator[Result]:
        # What has been answered meanwhile lies in the sockets, perhaps for long: the
        # process may have been frozen, or waited for the next tag.
        yield from self._receive(0.0)
        while self._in_flight:
            channel, exchange = self._in_flight.popitem()
            self._channels.drop(channel)
            yield Result(exchange.tag, None, "no answer in time")
        for exchange in [*self._again, *self._schedule.left()]:
            yield exchange.result()
        self._again.clear()
        for tag in self._schedule.take_untried():
            yield Result(tag, None, was_tried=False)

    def _close(self) -> None:
        for channel in self._in_flight:
            self._channels.drop(channel)
        self._channels.close()


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
