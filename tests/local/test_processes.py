"""The output of child processes."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import pytest

from wspubsub.local.processes import MAX_LINES_AT_ONCE, ChildProcess

pytestmark = pytest.mark.integration

LINES = 20_000
FLOOD = ["seq", str(LINES)]
HALVES = """
wait_for_others() {{ : > pause; while test -e pause; do sleep 0.01; done; }}
printf 'half, ' >&2
wait_for_others
exec {descriptor}>&-
wait_for_others
echo 'and whole' >&2
"""

Shown = list[tuple[str, str]]


def with_child(
    command: list[str],
    folder: Path,
    use: Callable[[ChildProcess, Shown], Awaitable[object]],
) -> Shown:
    """Run a child in a folder; return the streams and lines that it wrote."""
    shown: Shown = []

    async def run() -> None:
        process = await ChildProcess.start(
            command,
            env=os.environ,
            cwd=folder,
            on_output=lambda stream, line: shown.append((stream, line)),
        )
        try:
            await use(process, shown)
        finally:
            await process.stop()

    asyncio.run(run())
    return shown


def test_a_flood_of_output_is_shown_in_order_and_others_have_their_turn(
    tmp_path: Path,
) -> None:
    counts: list[int] = []

    async def take_turns(_process: ChildProcess, shown: Shown) -> None:
        while len(shown) < LINES:
            counts.append(len(shown))
            await asyncio.sleep(0)

    shown = with_child(FLOOD, tmp_path, take_turns)

    assert shown == [("stdout", str(number)) for number in range(1, LINES + 1)]
    # The loop may read and pass on in one turn.
    most = max(after - before for before, after in pairwise(counts))
    assert 0 < most <= 2 * MAX_LINES_AT_ONCE


def test_what_was_written_before_a_moment_is_shown_by_then(tmp_path: Path) -> None:
    # Less than the pipe and the reader hold, so that the child can end.
    command = ["sh", "-c", "seq 10000; printf 'the end'"]
    counts: list[int] = []

    async def settle(process: ChildProcess, shown: Shown) -> None:
        await asyncio.wait({process.exited})
        await process.settle_output()
        counts.append(len(shown))

    shown = with_child(command, tmp_path, settle)

    assert shown[-2:] == [("stdout", "10000"), ("stdout", "the end")]
    assert counts == [len(shown)] == [10_001]


@pytest.mark.parametrize("end", [ChildProcess.stop, ChildProcess.kill])
def test_a_flood_that_does_not_end_can_be_ended(
    tmp_path: Path, end: Callable[[ChildProcess], Awaitable[None]]
) -> None:
    async def interrupt(process: ChildProcess, shown: Shown) -> None:
        while not shown:
            await asyncio.sleep(0)
        await process.settle_output()
        await end(process)

    shown = with_child(["yes"], tmp_path, interrupt)

    assert set(shown) <= {("stdout", "y"), ("stdout", "")}
    # What was in the pipe at its end is shown too.
    assert len(shown) > 1_000


@pytest.mark.slow
def test_it_is_known_that_a_busy_child_was_killed(tmp_path: Path) -> None:
    codes: list[int] = []

    async def kill(process: ChildProcess, shown: Shown) -> None:
        while not shown:
            await asyncio.sleep(0)
        await process.kill()
        codes.append(process.exited.result())

    for _ in range(15):
        with_child(["yes"], tmp_path, kill)

    assert codes == [-signal.SIGKILL] * 15


@pytest.mark.parametrize("descriptor", [0, 1])
def test_a_line_is_whole_although_another_pipe_was_closed_while_it_was_written(
    tmp_path: Path, descriptor: int
) -> None:
    async def watch(process: ChildProcess, _shown: Shown) -> None:
        pause = tmp_path / "pause"
        for _ in range(2):
            while not pause.exists():
                await asyncio.sleep(0.001)
            for _ in range(10):
                await asyncio.sleep(0)
            pause.unlink()
        await asyncio.wait({process.exited})

    command = ["sh", "-c", HALVES.format(descriptor=descriptor)]

    assert with_child(command, tmp_path, watch) == [("stderr", "half, and whole")]
