"""What a client sends when it reconnects fits into a frame of API Gateway."""

import json
from typing import Any

import pytest

from tests.support.javascript import MODULE, SCRIPTS, run_node
from tests.support.sdks.driver import find_modules
from wspubsub.gateway.assembly import MAX_FRAME_BYTES
from wspubsub.pubsub import Limits

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TOKEN = "t" * 900
PLAIN: dict[str, Any] = {}


def fill(**options: Any) -> dict[str, Any]:
    """Subscribe to as many topics as are taken, and reconnect."""
    script, module = SCRIPTS / "frames.mjs", str(MODULE / "index.js")
    asked = {"nameBytes": 40, "token": TOKEN, "subscription": PLAIN, **options}
    filled: dict[str, Any] = run_node(
        script, find_modules(), module, text=json.dumps(asked)
    )
    return filled


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"nameBytes": 4},
        {"nameBytes": 200},
        {"subscription": {"token": "s" * 700}},
        {"subscription": {"data": {"since": "2026-01-01", "of": [1, 2, 3]}}},
        {"data": {"name": "n" * 900}},
        {"data": {"name": "n" * 9000}, "connectBytes": 10_000},
    ],
)
def test_as_many_topics_as_are_taken_come_back_in_one_message(
    options: dict[str, Any],
) -> None:
    filled = fill(**options)

    assert filled["bytes"] <= MAX_FRAME_BYTES
    assert filled["bytes"] > MAX_FRAME_BYTES * 0.75  # nothing is refused without need
    assert "over the 32768 of a frame" in filled["refused"]


def test_as_many_as_a_server_takes_are_taken() -> None:
    assert fill()["accepted"] >= Limits().topics
