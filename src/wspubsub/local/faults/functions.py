"""Invocations that fail on request."""

import asyncio

from wspubsub.faults import Action, Fault
from wspubsub.faults.answers import KILLED, deny
from wspubsub.gateway import InvocationResult, Raised, Returned
from wspubsub.local.functions.environment import TIMED_OUT, Environment
from wspubsub.local.functions.runtime_api import RuntimeInvocation


async def run(
    environment: Environment,
    invocation: RuntimeInvocation,
    fault: Fault,
    *,
    timeout_seconds: float,
) -> tuple[InvocationResult, bool]:
    """Run one invocation as a rule says.

    Args:
        environment: Where it would run.
        invocation: The invocation.
        fault: What the rule says.
        timeout_seconds: How long an invocation of the function may take.

    Returns:
        The result, and whether the environment has survived it.
    """
    seconds = fault.rule.seconds
    match fault.action:
        case Action.DENY:
            return Returned(deny(str(invocation.event.get("methodArn", "")))), True
        case Action.KILL:
            return await _kill(environment, invocation, seconds)
        case Action.TIME_OUT:
            after = timeout_seconds if seconds is None else seconds
            running = asyncio.create_task(environment.run(invocation))
            await environment.pause(after)
            was_alive = environment.is_alive
            await environment.kill()
            await running
            text = f"Task timed out after {after:.2f} seconds"
            return Raised(*((TIMED_OUT, text) if was_alive else KILLED)), False
        case _:
            await environment.pause(fault.rule.waits_seconds)
            return await environment.run(invocation)


async def _kill(
    environment: Environment, invocation: RuntimeInvocation, seconds: float | None
) -> tuple[InvocationResult, bool]:
    if not seconds:
        await environment.kill()
        return Raised(*KILLED), False
    running = asyncio.create_task(environment.run(invocation))
    await asyncio.wait({running}, timeout=seconds)
    if not running.done():
        await environment.kill()
    return await running
