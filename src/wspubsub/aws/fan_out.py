"""Posts in threads: a bounded number under way, and none waited for past a deadline."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from threading import Event

from wspubsub.connections import Outcome, PostOutcome

Post = Callable[[str, Event], PostOutcome]
"""Posts to a connection; once the event is set, it tries no more."""

_LONGEST_WAIT_SECONDS = 60.0
"""A deadline may be farther away than the system can wait at once."""


class FanOut:
    """The posts of one `post_many`.

    Args:
        post: Posts to one connection, in a thread.
        max_workers: How many threads there are at most.
        deadline: Instant of the clock at which all ends.
        clock: Monotonic clock in seconds.
    """

    def __init__(
        self,
        post: Post,
        *,
        max_workers: int,
        deadline: float,
        clock: Callable[[], float],
    ) -> None:
        self._post = post
        self._max_under_way = max_workers * 2
        self._deadline = deadline
        self._clock = clock
        self._ended = Event()
        self._pool = ThreadPoolExecutor(max_workers, "wspubsub-post")
        self._under_way: dict[Future[PostOutcome], str] = {}

    def outcomes(self, connection_ids: Iterable[str]) -> Iterator[PostOutcome]:
        """Post to each connection and yield what became of it."""
        remaining = iter(connection_ids)
        try:
            while patience := self._patience():
                self._begin(remaining)
                if not self._under_way:
                    return
                done, _ = wait(self._under_way, patience, FIRST_COMPLETED)
                for future in done:
                    del self._under_way[future]
                    yield future.result()
            yield from self._given_up(remaining)
        finally:
            self._end()

    def _begin(self, remaining: Iterator[str]) -> None:
        # Besides the one that each thread works on, one more waits for it.
        room = self._max_under_way - len(self._under_way)
        for connection_id in islice(remaining, room):
            future = self._pool.submit(self._post, connection_id, self._ended)
            self._under_way[future] = connection_id

    def _given_up(self, remaining: Iterator[str]) -> Iterator[PostOutcome]:
        # A thread cannot be interrupted, but nobody has to wait for it: what it is
        # doing ends by its own time-outs, and may still succeed.
        for future, connection_id in self._under_way.items():
            if future.cancel():
                yield PostOutcome(connection_id, Outcome.DEFERRED)
                continue
            try:
                yield future.result(timeout=0)
            except TimeoutError:
                reason = "no answer before the deadline"
                yield PostOutcome(connection_id, Outcome.FAILED, reason)
        for connection_id in remaining:
            yield PostOutcome(connection_id, Outcome.DEFERRED)

    def _end(self) -> None:
        self._ended.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        running = [future for future in self._under_way if not future.cancelled()]
        late = wait(running, self._patience()).not_done
        self._pool.shutdown(wait=not late)

    def _patience(self) -> float:
        seconds = self._deadline - self._clock()
        return min(max(0.0, seconds), _LONGEST_WAIT_SECONDS)
