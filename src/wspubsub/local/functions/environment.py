"""One Lambda execution environment: a worker process and its Runtime API.

"Understanding the Lambda execution environment lifecycle": it is initialized, then
takes one invocation at a time; it ends when an invocation times out or its process
dies, and what its module kept in globals ends with it.
"""

import asyncio
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TypeVar

from wspubsub.gateway import InvocationResult, Raised
from wspubsub.local.clock import Clock
from wspubsub.local.functions.memory import peak_megabytes
from wspubsub.local.functions.runtime_api import RuntimeApi, RuntimeInvocation
from wspubsub.local.processes import ChildProcess, exit_reason
from wspubsub.local.tasks import first_of

AnswerT = TypeVar("AnswerT")

TIMED_OUT = "Sandbox.Timedout"
"""Lambda's name for an invocation that timed out."""

MEMORY_SECONDS = 0.1
"""How often to look how much memory a process with a limit uses."""

CLOCK_OFFSET = "WSPUBSUB_CLOCK_OFFSET"
"""Variable that has by how many seconds a worker's clock is ahead."""

_EXITED = "Runtime.ExitError"
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputLine:
    """A line that a worker wrote.

    Attributes:
        environment: Name of its environment.
        stream: `stdout` or `stderr`.
        text: The line.
        invocation_id: The invocation that was its last by then; empty before the first.
    """

    environment: str
    stream: str
    text: str
    invocation_id: str = ""


OutputHandler = Callable[[OutputLine], None]


class Runtime(Enum):
    """Which runtime client runs the handler."""

    BUILT_IN = "builtin"
    AWSLAMBDARIC = "awslambdaric"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """The configuration of a Lambda function.

    Attributes:
        name: Name of the function.
        arn: Its ARN.
        environ: Environment of its processes, without the Runtime API's address.
        task_root: Working directory.
        runtime: Which runtime client runs it.
        timeout_seconds: How long an invocation may take.
        init_seconds: How long initialization may take (AWS: 10 s).
        memory_mb: How much memory its process may use; None for any amount.
        clock: What time it is for its processes, from when they start.
        is_debugged: Whether its threads run on between invocations.
        terminal: Path of the terminal that are its standard streams; None for the
            log.
    """

    name: str
    arn: str
    environ: Mapping[str, str] = field(repr=False)
    task_root: Path
    runtime: Runtime = Runtime.BUILT_IN
    timeout_seconds: float
    init_seconds: float = 10.0
    memory_mb: int | None = None
    clock: Clock = field(default_factory=Clock)
    is_debugged: bool = False
    terminal: str | None = None


class Environment:
    """One worker process.

    Args:
        name: Tells environments apart in the log.
        settings: The function that it is for.
        api: Its Runtime API.
        process: Its process.
        clock_offset: By how many seconds the clock of its process is ahead.
    """

    def __init__(
        self,
        name: str,
        settings: FunctionSettings,
        api: RuntimeApi,
        process: ChildProcess,
        *,
        clock_offset: float = 0.0,
    ) -> None:
        self._clock_offset = clock_offset
        self.name = name
        self._settings = settings
        self._api = api
        self._process = process
        self._memory_problem = ""

    @classmethod
    async def start(
        cls, name: str, settings: FunctionSettings, on_output: OutputHandler
    ) -> "Environment":
        """Start an environment; it is not initialized when this returns.

        Raises:
            OSError: The process cannot be started.
        """
        api = RuntimeApi(settings.arn)
        environ = {
            **settings.environ,
            "AWS_LAMBDA_RUNTIME_API": await api.start(),
            "AWS_LAMBDA_LOG_STREAM_NAME": f"local/[$LATEST]{uuid.uuid4().hex}",
        }
        offset = settings.clock.offset
        if offset:
            environ[CLOCK_OFFSET] = str(offset)
        try:
            process = await ChildProcess.start(
                _command(settings),
                env=environ,
                cwd=settings.task_root,
                on_output=lambda stream, line: on_output(
                    OutputLine(
                        environment=name,
                        stream=stream,
                        text=line,
                        invocation_id=api.request_id,
                    )
                ),
            )
        except BaseException:
            await api.close()
            raise
        return cls(name, settings, api, process, clock_offset=offset)

    @property
    def is_cold(self) -> bool:
        """Whether it has had no invocation yet."""
        return not self._api.request_id

    @property
    def is_alive(self) -> bool:
        """Whether its process is running."""
        return not self._process.exited.done()

    async def ready(self, timeout_seconds: float) -> Raised | None:
        """Wait until it can take an invocation; return the reason if it never will."""
        problem = await self._first(self._api.ready, timeout_seconds)
        await self._process.settle_output()
        return problem

    async def run(self, invocation: RuntimeInvocation) -> tuple[InvocationResult, bool]:
        """Run one invocation.

        Returns:
            The result, and whether the environment has survived it.
        """
        if not self.is_alive:
            return Raised(_EXITED, exit_reason(self._process.exited.result())), False
        timeout = self._settings.timeout_seconds
        now = time.time() + self._clock_offset
        answer = self._api.begin(invocation, deadline=now + timeout)
        result = await self._first(answer, timeout)
        await self._process.settle_output()
        return result, answer.done()

    async def pause(self, seconds: float) -> None:
        """Let that many seconds pass, unless its process ends before."""
        await first_of(self._process.exited, timeout_seconds=seconds)

    async def stop(self) -> None:
        """End it; anything in progress is lost."""
        await self._process.stop()
        await self._api.close()

    async def kill(self) -> None:
        """End it at once, even in the middle of an invocation."""
        await self._process.kill()
        await self._api.close()

    async def _first(
        self, wanted: asyncio.Future[AnswerT], timeout_seconds: float
    ) -> AnswerT | Raised:
        exited = self._process.exited
        with self._limit_memory():
            await first_of(wanted, exited, timeout_seconds=timeout_seconds)
        if wanted.done():
            return wanted.result()
        if exited.done():
            reason = exit_reason(exited.result()) + self._memory_problem
            return Raised(_EXITED, reason)
        return Raised(TIMED_OUT, f"Task timed out after {timeout_seconds:.2f} seconds")

    @contextmanager
    def _limit_memory(self) -> Iterator[None]:
        limit = self._settings.memory_mb
        if limit is None:
            yield
            return
        watch = asyncio.create_task(self._watch_memory(limit))
        try:
            yield
        finally:
            watch.cancel()

    async def _watch_memory(self, limit: int) -> None:
        # A peak is not missed: the system remembers the highest.
        while peak_megabytes(self._process.pid) <= limit:
            await asyncio.sleep(MEMORY_SECONDS)
        self._memory_problem = f" (it used more than {limit} MB)"
        self._process.send_kill()


def _command(settings: FunctionSettings) -> list[str]:
    # -P keeps this package's folder off the module search path, -u shows output at
    # once.
    command = [sys.executable, "-P", "-u", str(_BOOTSTRAP)]
    if settings.runtime is Runtime.AWSLAMBDARIC:
        command.append("awslambdaric")
    if settings.is_debugged:
        command.append(f"debug={settings.terminal or ''}")
    return command
