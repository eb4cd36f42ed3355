"""The embedded DynamoDB, where it does not start, or ends."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.support.servers.gateways import (
    APPS,
    CREDENTIALS,
    PATIENCE_SECONDS,
    descendants,
    dev,
    environment,
)
from wspubsub import WspubsubError
from wspubsub.local.dynamodb.embedded import EmbeddedDynamoDB


@pytest.mark.integration
def test_what_keeps_it_from_starting_is_told_in_a_line() -> None:
    environ = environment({**CREDENTIALS, "AWS_DEFAULT_REGION": "us-east-1"})

    with pytest.raises(WspubsubError, match=r"did not start: .*TableName") as caught:
        asyncio.run(EmbeddedDynamoDB.start("", environ))

    assert "\n" not in str(caught.value)


@pytest.mark.integration
@pytest.mark.slow
def test_the_gateway_does_not_go_on_without_it() -> None:
    with dev(f"{APPS / 'flags.py'}:handler") as gateway:
        [embedded] = [
            pid
            for pid in descendants(gateway.process.pid)
            if b"wspubsub.local.dynamodb.process" in command_line(pid)
        ]

        os.kill(embedded, signal.SIGKILL)

        assert gateway.process.wait(PATIENCE_SECONDS) == 1
        warning = gateway.wait_for(lambda each: each["kind"] == "warning")
        assert "DynamoDB has ended (signal: killed)" in warning["text"]


def command_line(pid: int) -> bytes:
    return Path("/proc", str(pid), "cmdline").read_bytes()
