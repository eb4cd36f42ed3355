"""`wspubsub demo` tells what did not arrive."""

import asyncio

import pytest

from tests.support.servers.gateways import APPS, CHAT
from wspubsub.local.demo import Demo, chat_example

pytestmark = pytest.mark.integration


@pytest.mark.slow
def test_lost_and_repeated_messages_are_told() -> None:
    said: list[str] = []
    demo = Demo(
        messages=3,
        interval_seconds=0.0,
        say=said.append,
        app=APPS / "forgetful.py",
        patience_seconds=1.0,
    )

    is_good = asyncio.run(demo.run())

    assert not is_good
    assert "never received: 2" in said
    assert "received more than once: 3" in said
    assert "What the gateway logged" in said[-1]


def test_the_chat_is_the_one_of_the_examples() -> None:
    assert chat_example() == CHAT
