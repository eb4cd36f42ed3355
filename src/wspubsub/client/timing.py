"""Where a client has its time from; a simulation has another."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple


class Timing(NamedTuple):
    """Clocks, and a way to wait.

    Attributes:
        sleep: Waits, in seconds.
        clock: Monotonic clock, in seconds.
        wall_clock: Clock that goes on while the machine is asleep, in seconds.
    """

    sleep: Callable[[float], Coroutine[Any, Any, object]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time


REAL = Timing()
