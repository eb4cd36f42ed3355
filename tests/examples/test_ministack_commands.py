"""The commands for a live deployment, against a stack in MiniStack."""

import json
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.examples.ministack import REGION, ministack, template, zipped
from tests.support.servers.gateways import run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


def test_a_stack_is_looked_into_and_acted_on(build: Path, tmp_path: Path) -> None:
    with ministack(tmp_path) as server:
        server.upload(zipped(build))
        url = server.deploy("chat", template())
        environ = {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        # The output of the template leads to AWS.
        where = ("--stack", "chat", "--endpoint", server.endpoint("chat"))

        def read(*words: str) -> list[Any]:
            done = run(*words, "--json", *where, environ=environ)
            assert done.returncode == 0, done.stderr
            return [json.loads(line) for line in done.stdout.splitlines()]

        with connect(url, proxy=None) as client:
            client.send(json.dumps({"type": "subscribe", "topic": "news"}))
            client.recv(20)
            [connection] = read("connections")
            name = connection["connection"]
            assert "news" in connection["topics"]
            assert "news" in {each["topic"] for each in read("topics")}
            assert [each["connection"] for each in read("subscribers", "news")] == [
                name
            ]

            [report] = read("publish", "news", "hello")
            assert (report["delivered"], client.recv(20)) == (1, "hello")
            read("post", name, "psst")
            assert client.recv(20) == "psst"
            read("disconnect", name)
