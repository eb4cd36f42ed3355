"""Environments of a function: how they begin, end and are reused."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers.gateways import APPS, PATIENCE_SECONDS, have_ended
from wspubsub.gateway import Raised, Returned
from wspubsub.local.functions.environment import FunctionSettings, OutputLine
from wspubsub.local.functions.fleet import Fleet
from wspubsub.local.functions.runtime_api import RuntimeInvocation
from wspubsub.local.functions.waiting import (
    InvocationOutcome,
    Owner,
    WithdrawnError,
)
from wspubsub.local.processes import exit_reason

pytestmark = pytest.mark.integration


def settings(folder: Path) -> FunctionSettings:
    return FunctionSettings(
        name="handler",
        arn="arn:aws:lambda:us-east-1:123456789012:function:handler",
        environ={
            **os.environ,
            "FLAGS": str(folder),
            "PYTHONPATH": str(APPS),
            "_HANDLER": "flags.handler",
        },
        task_root=APPS,
        timeout_seconds=5,
    )


def invocation(request_id: str = "8c1e", **event: Any) -> RuntimeInvocation:
    # It becomes a part of a path.
    return RuntimeInvocation(request_id=request_id.replace(" ", "-"), event=event)


def with_fleet(
    function: FunctionSettings,
    use: Callable[[Fleet], Awaitable[None]],
    *,
    limit: int,
    hear: Callable[[OutputLine], None] = lambda _line: None,
) -> None:
    async def run() -> None:
        fleet = Fleet(function, max_environments=limit, on_output=hear)
        try:
            await use(fleet)
        finally:
            await fleet.close()

    asyncio.run(run())


def returned(folder: Path) -> Returned:
    return Returned({"statusCode": 200, "body": f"running in {folder.name}"})


def test_an_initialization_that_takes_too_long_is_tried_once_more(
    tmp_path: Path,
) -> None:
    (tmp_path / "slow-once").touch()
    function = replace(settings(tmp_path), init_seconds=0.5)
    outcomes: list[InvocationOutcome] = []

    async def use(fleet: Fleet) -> None:
        outcomes.append(await fleet.invoke(invocation()))

    with_fleet(function, use, limit=1)

    assert outcomes[0].result == returned(tmp_path)
    assert not (tmp_path / "slow-once").exists()


def test_a_process_that_cannot_be_started_fails_the_invocation(tmp_path: Path) -> None:
    function = replace(settings(tmp_path), task_root=tmp_path / "nowhere")

    async def use(fleet: Fleet) -> None:
        outcome = await fleet.invoke(invocation())
        problem = await fleet.warm_up()

        for failed in (outcome.result, problem):
            assert isinstance(failed, Raised)
            assert failed.error_type == "Runtime.StartError"

    with_fleet(function, use, limit=1)


def test_more_invocations_than_environments_wait_their_turn(tmp_path: Path) -> None:
    async def use(fleet: Fleet) -> None:
        assert await fleet.warm_up() is None
        outcomes = await asyncio.gather(
            *(fleet.invoke(invocation()) for _ in range(20))
        )

        assert [each.result for each in outcomes] == [returned(tmp_path)] * 20

    with_fleet(settings(tmp_path), use, limit=1)


def test_renewed_environments_forget_even_what_is_being_initialized(
    tmp_path: Path,
) -> None:
    async def use(fleet: Fleet) -> None:
        (tmp_path / "slow-once").touch()
        waiting = asyncio.create_task(fleet.invoke(invocation()))
        while (tmp_path / "slow-once").exists():
            await asyncio.sleep(0)
        await fleet.renew()

        outcome = await waiting
        assert outcome.result == returned(tmp_path)

    with_fleet(settings(tmp_path), use, limit=2)


def test_an_environment_that_dies_between_invocations_is_replaced(
    tmp_path: Path,
) -> None:
    pids: list[int] = []

    async def use(fleet: Fleet) -> None:
        outcome = await fleet.invoke(invocation(body="exit soon"))
        assert outcome.result == returned(tmp_path)
        assert await asyncio.to_thread(has_ended_soon)
        # Lambda too may notice it only with the next invocation.
        await fleet.invoke(invocation())
        again = await fleet.invoke(invocation())
        assert again.result == returned(tmp_path)

    def has_ended_soon() -> bool:
        return have_ended(pids)

    def hear(line: OutputLine) -> None:
        pids.append(int(line.text.split()[1]))

    with_fleet(settings(tmp_path), use, limit=1, hear=hear)


@pytest.mark.slow
def test_a_function_that_gives_its_output_away_does_not_keep_the_gateway(
    tmp_path: Path,
) -> None:
    async def use(fleet: Fleet) -> None:
        outcome = await fleet.invoke(invocation(body="daemon"))
        assert outcome.result == returned(tmp_path)

    lines: list[str] = []
    with_fleet(
        settings(tmp_path), use, limit=1, hear=lambda line: lines.append(line.text)
    )

    (daemon,) = (int(line.split()[1]) for line in lines)
    os.kill(daemon, signal.SIGKILL)


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    assert exit_reason(-9) == "Runtime exited with error: signal: killed"
    assert exit_reason(-64).endswith(("signal 64", "real-time signal 30"))


def test_a_thread_that_a_handler_leaves_stands_still_between_invocations(
    tmp_path: Path,
) -> None:
    async def use(fleet: Fleet) -> None:
        await fleet.invoke(invocation(body="tick"))
        # Once others have started, the first has long asked for its next invocation.
        assert await fleet.warm_up() is None
        began = time.monotonic()
        assert await fleet.warm_up() is None
        ended = time.monotonic()
        # One for each environment.
        outcomes = await asyncio.gather(
            *(fleet.invoke(invocation(body="ticks")) for _ in range(3))
        )

        ticks = [tick for outcome in outcomes for tick in json.loads(body_of(outcome))]
        assert [tick for tick in ticks if tick < began]
        assert [tick for tick in ticks if began < tick < ended] == []
        assert [tick for tick in ticks if tick > ended]

    with_fleet(settings(tmp_path), use, limit=3)


def body_of(outcome: InvocationOutcome) -> str:
    assert isinstance(outcome.result, Returned)
    return str(outcome.result.value["body"])


def test_a_function_that_uses_more_memory_than_it_has_is_killed(tmp_path: Path) -> None:
    function = replace(settings(tmp_path), memory_mb=128)

    async def use(fleet: Fleet) -> None:
        outcome = await fleet.invoke(invocation(body="use memory"))
        again = await fleet.invoke(invocation())

        assert outcome.result == Raised(
            "Runtime.ExitError",
            "Runtime exited with error: signal: killed (it used more than 128 MB)",
        )
        assert again.result == returned(tmp_path)

    with_fleet(function, use, limit=1)


def test_owners_take_turns_and_each_keeps_its_order(tmp_path: Path) -> None:
    done: list[str] = []

    async def use(fleet: Fleet) -> None:
        async def run(owner: str, name: str) -> None:
            outcome = await fleet.invoke(invocation(name), Owner(name=owner))
            assert outcome.result == returned(tmp_path)
            done.append(name)

        # Both have to wait for the only environment to start.
        flood = [run("talker", f"flood {number}") for number in range(5)]
        await asyncio.gather(*flood, run("other", "other 0"), run("other", "other 1"))

    with_fleet(settings(tmp_path), use, limit=1)

    assert done == [
        *("flood 0", "other 0", "flood 1", "other 1"),
        *("flood 2", "flood 3", "flood 4"),
    ]


def test_what_nobody_waits_for_is_withdrawn_unless_it_has_begun(tmp_path: Path) -> None:
    async def use(fleet: Fleet) -> None:
        running = asyncio.create_task(
            fleet.invoke(invocation("first", body=f"wait for {tmp_path / 'go'}"))
        )
        waiting = asyncio.create_task(fleet.invoke(invocation("second")))
        await asyncio.to_thread(appeared, tmp_path / "waiting")

        for request_id in ("first", "second", "unknown"):
            fleet.withdraw(request_id)
        (tmp_path / "go").touch()

        with pytest.raises(WithdrawnError):
            await waiting
        assert (await running).result == returned(tmp_path)
        third = await fleet.invoke(invocation("third"))
        assert third.result == returned(tmp_path)

    with_fleet(settings(tmp_path), use, limit=1)


def appeared(path: Path) -> bool:
    until = time.monotonic() + PATIENCE_SECONDS
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.01)
    return path.exists()


@pytest.mark.parametrize("limit", [1, 2])
def test_batches_leave_an_environment_to_clients_if_there_are_several(
    tmp_path: Path, limit: int
) -> None:
    queue = Owner(name="aws:sqs", is_batch=True)
    done: list[str] = []

    async def use(fleet: Fleet) -> None:
        async def run(name: str, owner: Owner, text: str) -> None:
            await fleet.invoke(invocation(name, body=text), owner)
            done.append(name)

        wait = f"wait for {tmp_path / 'go'}"
        batches = [
            asyncio.create_task(run(f"batch {number}", queue, wait))
            for number in range(3)
        ]
        await asyncio.to_thread(appeared, tmp_path / "waiting")
        client = asyncio.create_task(run("client", Owner(name="client"), "hello"))
        if limit > 1:
            await client
        (tmp_path / "go").touch()
        await asyncio.gather(client, *batches)

    with_fleet(settings(tmp_path), use, limit=limit)

    # The queue had the next turn already.
    assert done.index("client") == (2 if limit == 1 else 0)
    assert sorted(done) == ["batch 0", "batch 1", "batch 2", "client"]
