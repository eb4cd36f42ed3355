"""`wspubsub demo`: the chat example, run and checked."""

import argparse
import asyncio

from wspubsub.cli import INTERRUPTED
from wspubsub.cli.stopping import Stop, run_until_stopped
from wspubsub.local import extras


def run(options: argparse.Namespace) -> int:
    """Run the demo and return its exit status."""
    extras.require(*extras.GATEWAY_MODULES, *extras.DYNAMODB_MODULES)
    from wspubsub.local.demo import Demo

    async def run_demo(_stop: Stop) -> bool:
        return await Demo(
            messages=options.messages,
            interval_seconds=options.interval,
            say=lambda line: print(line, flush=True),
        ).run()

    is_good = asyncio.run(run_until_stopped(run_demo))
    if is_good is None:
        return INTERRUPTED
    return 0 if is_good else 1
