"""Forks of this process, several at a time, each with a limit of time."""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

SURVIVED, KILLED = 0, 1

Task = TypeVar("Task")


def run_in_forks(
    tasks: Iterable[Task],
    act: Callable[[Task], int],
    *,
    jobs: int,
    limit: Callable[[Task], float],
) -> Iterator[tuple[Task, int | None]]:
    """Do each task in a fork of its own, and yield its exit status when it ends.

    The status is None for what took too long.
    """
    running: dict[int, Task] = {}
    for task in tasks:
        if len(running) >= jobs:
            yield _wait(running)
        running[_fork(task, act, limit(task))] = task
    while running:
        yield _wait(running)


def _wait(running: dict[int, Any]) -> tuple[Any, int | None]:
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid in running:
            ended = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
            return running.pop(pid), ended


def _fork(task: Task, act: Callable[[Task], int], seconds: float) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        # Endless loops use time of the processor, of which others may leave little;
        # what waits for ever uses none.
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, 60 + 3 * seconds)
        with open(os.devnull, "r+b") as nothing:  # noqa: PTH123 - for its descriptor
            for stream in (0, 1, 2):
                os.dup2(nothing.fileno(), stream)
        status = act(task)
    except BaseException:  # noqa: BLE001 - whatever a mutant raises ends only its fork
        status = KILLED
    finally:
        sys.stdout.flush()
    os._exit(status)
