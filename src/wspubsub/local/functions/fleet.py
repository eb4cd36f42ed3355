"""A Lambda function: its environments, and the invocations that wait for one.

An invocation goes to an environment that is idle; if none is, one more is started, up
to the limit, and the invocation goes to whichever is free first. Beyond the limit it
waits, where AWS would throttle: a laptop has fewer cores than clients. In which order
is what `waiting` knows.
"""

import asyncio
import itertools
import time

from wspubsub.faults import Faults
from wspubsub.faults.occasions import see_event
from wspubsub.gateway import Function, InvocationResult, Raised
from wspubsub.local.faults.functions import run
from wspubsub.local.functions.environment import (
    TIMED_OUT,
    Environment,
    FunctionSettings,
    OutputHandler,
)
from wspubsub.local.functions.runtime_api import RuntimeInvocation
from wspubsub.local.functions.waiting import (
    InvocationOutcome,
    Owner,
    WaitingInvocation,
    WaitingInvocations,
)
from wspubsub.local.tasks import Tasks

_ANYBODY = Owner()


class Fleet:
    """The environments of one function.

    Args:
        settings: The function.
        max_environments: How many there may be at a time.
        on_output: Called with each line that the function writes.
        faults: What fails on request.

    Attributes:
        max_batches: How many batches of records it runs at a time.
    """

    def __init__(
        self,
        settings: FunctionSettings,
        *,
        max_environments: int,
        on_output: OutputHandler,
        faults: Faults | None = None,
    ) -> None:
        self._faults = faults or Faults()
        self._settings = settings
        self._max_environments = max_environments
        self._on_output = on_output
        self._numbers = itertools.count(1)
        # One environment is left to what is not a batch, if there are several.
        self.max_batches = max(1, max_environments - 1)
        self._waiting = WaitingInvocations(max_batches=self.max_batches)
        self._idle: list[Environment] = []
        self._initializing: set[Environment] = set()
        self._environments: set[Environment] = set()
        self._occupied = 0  # environments, from the decision to start to the end
        self._starting = 0  # those of them that are not initialized
        self._generation = 0
        self._tasks = Tasks()

    @property
    def name(self) -> str:
        """Name of the function."""
        return self._settings.name

    async def invoke(
        self, invocation: RuntimeInvocation, owner: Owner = _ANYBODY
    ) -> InvocationOutcome:
        """Run an invocation as soon as an environment is free for it.

        Args:
            invocation: What to run.
            owner: Whom it is for: owners take turns.

        Raises:
            WithdrawnError: It was withdrawn before it had begun.
        """
        waiting = self._waiting.add(invocation, owner)
        self._dispatch()
        return await waiting.outcome

    def withdraw(self, request_id: str) -> None:
        """Let an invocation go that nobody waits for, unless it has begun."""
        self._waiting.withdraw(request_id)

    async def warm_up(self) -> Raised | None:
        """Start an environment ahead of need; return the reason if it cannot start.

        None also for one that was replaced before it had started.
        """
        self._occupied += 1
        self._starting += 1
        return await self._start()

    async def renew(self) -> None:
        """Replace the environments: later invocations run the new code."""
        self._generation += 1
        unused = {*self._idle, *self._initializing}
        self._occupied -= len(self._idle)
        self._idle = []
        await asyncio.gather(*(environment.stop() for environment in unused))
        self._environments -= unused
        self._dispatch()

    async def kill(self) -> int:
        """Kill every process at once, also in the middle of an invocation.

        Returns:
            How many there were.
        """
        alive = [each for each in self._environments if each.is_alive]
        await asyncio.gather(*(each.kill() for each in alive))
        self._dispatch()
        return len(alive)

    async def close(self) -> None:
        """End every environment, and the invocations in them."""
        await self._tasks.close()
        await asyncio.gather(*(each.stop() for each in self._environments))

    def _dispatch(self) -> None:
        # Those that have died while they had nothing to do.
        for environment in [each for each in self._idle if not each.is_alive]:
            self._idle.remove(environment)
            self._tasks.spawn(self._release(environment))
        while self._idle and (waiting := self._waiting.begin()) is not None:
            serving = self._serve(self._idle.pop(), waiting, self._generation)
            self._tasks.spawn(serving)
        needed = len(self._waiting) - self._starting
        for _ in range(min(needed, self._max_environments - self._occupied)):
            self._occupied += 1
            self._starting += 1
            self._tasks.spawn(self._start_on_demand())

    async def _start_on_demand(self) -> None:
        await self._start()

    async def _start(self) -> Raised | None:
        generation = self._generation
        try:
            environment, problem = await self._initialize()
        except OSError as error:
            self._starting -= 1
            self._occupied -= 1
            problem = Raised(
                "Runtime.StartError", f"the process could not be started: {error}"
            )
            self._fail_next(problem)
            return problem
        self._starting -= 1
        if generation != self._generation:
            # Another one takes its place: whatever became of this does not matter.
            await self._release(environment)
            return None
        if problem is None:
            self._idle.append(environment)
            self._dispatch()
            return None
        self._fail_next(problem)
        await self._release(environment)
        return problem

    def _fail_next(self, problem: Raised) -> None:
        waiting = self._waiting.begin()
        if waiting is not None:
            self._waiting.end(waiting, InvocationOutcome(result=problem, seconds=0.0))

    async def _initialize(self) -> tuple[Environment, Raised | None]:
        environment, problem = await self._start_environment(
            self._settings.init_seconds
        )
        if problem is None or problem.error_type != TIMED_OUT:
            return environment, problem
        # "Understanding the Lambda execution environment lifecycle": the init phase is
        # tried again with the first invocation, within the function's timeout.
        await environment.kill()
        self._environments.discard(environment)
        return await self._start_environment(self._settings.timeout_seconds)

    async def _start_environment(
        self, init_seconds: float
    ) -> tuple[Environment, Raised | None]:
        name = f"{self._settings.name}-{next(self._numbers)}"
        environment = await Environment.start(name, self._settings, self._on_output)
        self._environments.add(environment)
        self._initializing.add(environment)
        try:
            return environment, await environment.ready(init_seconds)
        finally:
            self._initializing.discard(environment)

    async def _serve(
        self, environment: Environment, waiting: WaitingInvocation, generation: int
    ) -> None:
        is_cold = environment.is_cold
        began = time.perf_counter()
        result, survived = await self._run(environment, waiting.invocation)
        seconds = time.perf_counter() - began
        if not survived:
            await environment.kill()
        self._waiting.end(
            waiting,
            InvocationOutcome(
                result=result,
                seconds=seconds,
                environment=environment.name,
                is_cold=is_cold,
            ),
        )
        if (
            survived
            and await environment.ready(self._settings.timeout_seconds) is None
            and generation == self._generation
        ):
            self._idle.append(environment)
            self._dispatch()
            return
        await self._release(environment)

    async def _run(
        self, environment: Environment, invocation: RuntimeInvocation
    ) -> tuple[InvocationResult, bool]:
        if self._faults.is_empty:
            return await environment.run(invocation)
        is_authorizer = self.name == Function.AUTHORIZER.value
        occasion = see_event(
            invocation.event, is_authorizer=is_authorizer, trace=invocation.trace_id
        )
        fault = self._faults.find(occasion)
        if fault is None:
            return await environment.run(invocation)
        timeout = self._settings.timeout_seconds
        return await run(environment, invocation, fault, timeout_seconds=timeout)

    async def _release(self, environment: Environment) -> None:
        await environment.stop()
        self._environments.discard(environment)
        self._occupied -= 1
        self._dispatch()
