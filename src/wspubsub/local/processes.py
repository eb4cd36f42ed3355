"""Child processes that never outlive the gateway.

A child's standard input is a pipe whose other end only the gateway holds; children
run `bootstrap.end_with_parent`, so they end when it ends, however that happens. Each
is in a session of its own: Ctrl-C in a terminal reaches only the gateway, which ends
its children in order, and what a child started is ended with it.
"""

import asyncio
import contextlib
import os
import select
import signal
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import cast

from typing_extensions import override

STOP_SECONDS = 1.0
"""How long a child has between SIGTERM and SIGKILL."""

MAX_LINE_BYTES = 65_536
"""A longer line of output is shown in pieces, so that it need not be stored."""

MAX_LINES_AT_ONCE = 50
"""How many lines of a child's output are shown before anything else has its turn."""

LineHandler = Callable[[str, str], None]
"""Called with `stdout` or `stderr`, and a line."""


class ChildProcess:
    """A running child.

    Args:
        transport: Its end of the pipes.
        watcher: Gets its output and its end.
    """

    def __init__(
        self, transport: asyncio.SubprocessTransport, watcher: "_Watcher"
    ) -> None:
        self._transport = transport
        self._watcher = watcher
        self._is_gone = False

    @classmethod
    async def start(
        cls,
        command: list[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        on_output: LineHandler,
    ) -> "ChildProcess":
        """Start a child.

        Args:
            command: Program and arguments.
            env: All of its environment.
            cwd: Its working directory.
            on_output: Called with `stdout` or `stderr` and each line.

        Raises:
            OSError: It cannot be started.
        """
        loop = asyncio.get_running_loop()
        transport, watcher = await loop.subprocess_exec(
            lambda: _Watcher(loop, on_output),
            *command,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
        return cls(transport, watcher)

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._transport.get_pid()

    @property
    def exited(self) -> asyncio.Future[int]:
        """Its exit code once it has ended, negative for a signal. Do not cancel it."""
        return self._watcher.exited

    def write(self, line: str) -> None:
        """Write a line to its standard input."""
        pipe = self._transport.get_pipe_transport(0)
        if isinstance(pipe, asyncio.WriteTransport) and not pipe.is_closing():
            pipe.write(line.encode() + b"\n")

    async def settle_output(self) -> None:
        """Wait until everything it had written before has been passed on.

        The end of a line is not waited for.
        """
        # Most invocations write nothing: that takes one look instead of many rounds.
        await asyncio.sleep(0)
        if not self._watcher.has_output():
            return
        # What is in the pipes is read in the event loop's next round, or, if earlier
        # lines are being passed on, after them.
        for _ in range(2):
            for _ in range(3):
                await asyncio.sleep(0)
            await self._watcher.pass_on_lines()
        self._watcher.end_lines()

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End it and all that it started; return when they are gone.

        Args:
            seconds: How long it has to end by itself.
        """
        if not self.exited.done():
            with contextlib.suppress(ProcessLookupError):
                self._transport.terminate()
            await asyncio.wait({self.exited}, timeout=seconds)
        await self.kill()

    async def kill(self) -> None:
        """End it and all that it started at once; return when they are gone."""
        if self._is_gone:
            return
        self._is_gone = True
        self.send_kill()
        await asyncio.wait({self.exited})
        await self.settle_output()
        # Its output ends with it, unless it has given it to a process elsewhere.
        await asyncio.wait({self._watcher.closed}, timeout=STOP_SECONDS)
        self._transport.close()
        await self._watcher.pass_on_lines()

    def send_kill(self) -> None:
        """End it and all that it started, without waiting for their end."""
        if hasattr(os, "killpg"):
            # The group outlives its leader while anything that the leader started
            # lives. The transport is not asked: it would look whether the child has
            # ended, and take its exit code away from the event loop.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        else:
            with contextlib.suppress(ProcessLookupError):
                self._transport.kill()


class _Watcher(asyncio.SubprocessProtocol):
    """Passes on a child's output line by line, and reports its end.

    A child that writes as fast as it can must not keep the event loop from everything
    else: a few lines are passed on at a time, and no more is read until all are.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_output: LineHandler) -> None:
        self.exited: asyncio.Future[int] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._on_output = on_output
        self._partial = {1: b"", 2: b""}
        # While there are any, `_pass_on` is scheduled.
        self._lines: deque[tuple[int, bytes]] = deque()
        self._transport: asyncio.SubprocessTransport

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)

    @override
    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, partial = (self._partial[fd] + data).split(b"\n")
        if len(partial) > MAX_LINE_BYTES:
            lines.append(partial)
            partial = b""
        self._partial[fd] = partial
        self._add(fd, lines)

    @override
    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del exc
        if fd in self._partial:  # standard input, too, is a pipe
            self._end_line(fd)

    @override
    def process_exited(self) -> None:
        self.exited.set_result(self._transport.get_returncode() or 0)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.closed.set_result(None)

    def has_output(self) -> bool:
        """Return whether anything that was written has not been passed on."""
        if self._lines or any(self._partial.values()):
            return True
        return any(map(self._is_readable, self._partial))

    def _is_readable(self, fd: int) -> bool:
        transport = self._transport.get_pipe_transport(fd)
        if transport is None or transport.is_closing():
            return False
        with contextlib.suppress(OSError, ValueError):  # it may just have ended
            pipe = transport.get_extra_info("pipe")
            return bool(select.select([pipe], [], [], 0)[0])
        return False

    async def pass_on_lines(self) -> None:
        """Wait until all lines that have been read have been passed on."""
        while self._lines:
            await asyncio.sleep(0)

    def end_lines(self) -> None:
        """Take what has been read of the last lines for all of them."""
        for fd in self._partial:
            self._end_line(fd)

    def _end_line(self, fd: int) -> None:
        partial, self._partial[fd] = self._partial[fd], b""
        if partial:
            self._add(fd, [partial])

    def _add(self, fd: int, lines: Iterable[bytes]) -> None:
        is_idle = not self._lines
        self._lines.extend((fd, line) for line in lines)
        if is_idle:
            self._pass_on()

    def _pass_on(self) -> None:
        for _ in range(min(MAX_LINES_AT_ONCE, len(self._lines))):
            self._hand_on(*self._lines.popleft())
        if self._lines:
            self._loop.call_soon(self._pass_on)
        for fd in self._partial:
            pipe = self._transport.get_pipe_transport(fd)
            if isinstance(pipe, asyncio.ReadTransport):
                # Either may be called twice, and after the end.
                (pipe.pause_reading if self._lines else pipe.resume_reading)()

    def _hand_on(self, fd: int, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r")
        self._on_output("stdout" if fd == 1 else "stderr", text)


def describe_exit(code: int) -> str:
    """Return how a process ended, from its exit code."""
    if code >= 0:
        return f"exit status {code}"
    name = signal.strsignal(-code) or f"signal {-code}"
    return f"signal: {name.lower()}"


def exit_reason(code: int) -> str:
    """Return how a process ended, in Lambda's words."""
    if code == 0:
        return "Runtime exited without providing a reason"
    return f"Runtime exited with error: {describe_exit(code)}"
