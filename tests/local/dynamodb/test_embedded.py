"""The embedded DynamoDB, where it does not start, or ends."""

import asyncio
import os
import signal
from pathlib import Path

import boto3
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

    async def run() -> None:
        embedded = await EmbeddedDynamoDB.start("", environ)
        await embedded.wait_until_ready()

    with pytest.raises(WspubsubError, match=r"did not start: .*TableName") as caught:
        asyncio.run(run())

    assert "\n" not in str(caught.value)


@pytest.mark.integration
def test_whoever_comes_early_waits_for_the_table() -> None:
    environ = environment({**CREDENTIALS, "AWS_DEFAULT_REGION": "us-east-1"})

    async def run() -> list[str]:
        embedded = await EmbeddedDynamoDB.start("early", environ)
        try:
            client = boto3.client(
                "dynamodb",
                endpoint_url=await embedded.find_url(),
                region_name="us-east-1",
                aws_access_key_id="a",
                aws_secret_access_key="b",
            )
            answer = await asyncio.to_thread(client.list_tables)
            return list(answer["TableNames"])
        finally:
            await embedded.stop()

    assert asyncio.run(run()) == ["early"]


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
