"""`wspubsub doctor` against a deployed chat: each fault is found, and nothing else."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples.ministack import (
    QUEUED,
    REGION,
    MiniStack,
    ministack,
    template,
    zipped,
)
from tests.support.servers.gateways import CHAT, run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

STACK = "chat"


@pytest.fixture(scope="module")
def server(
    build: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MiniStack]:
    """A MiniStack with the chat, as AWS would have made it of its template."""
    with ministack(tmp_path_factory.mktemp("ministack")) as running:
        running.upload(zipped(build))
        running.deploy(STACK, template(*QUEUED))
        # MiniStack does not make these two of what the template says.
        allow_loops(running, "Allow")
        switch_ttl(running, is_on=True)
        yield running


def allow_loops(server: MiniStack, value: str) -> None:
    server.client("lambda").put_function_recursion_config(
        FunctionName=server.resource(STACK, "Function"), RecursiveLoop=value
    )


def switch_ttl(server: MiniStack, *, is_on: bool) -> None:
    server.client("dynamodb").update_time_to_live(
        TableName=server.resource(STACK, "Table"),
        TimeToLiveSpecification={"Enabled": is_on, "AttributeName": "expires_at"},
    )


def switch_mapping(server: MiniStack, *, is_on: bool) -> None:
    server.client("lambda").update_event_source_mapping(
        UUID=server.resource(STACK, "QueueMapping"), Enabled=is_on
    )


def hide_messages(server: MiniStack, seconds: int) -> None:
    server.client("sqs").set_queue_attributes(
        QueueUrl=server.resource(STACK, "Queue"),
        Attributes={"VisibilityTimeout": str(seconds)},
    )


def change_concurrency(server: MiniStack, *, is_none: bool) -> None:
    client, name = server.client("lambda"), server.resource(STACK, "Function")
    if is_none:
        client.put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=0
        )
    else:
        client.delete_function_concurrency(FunctionName=name)


Change = Callable[[MiniStack], None]
FAULTS: dict[str, tuple[Change, Change]] = {
    "concurrency": (
        lambda server: change_concurrency(server, is_none=True),
        lambda server: change_concurrency(server, is_none=False),
    ),
    "loop": (
        lambda server: allow_loops(server, "Terminate"),
        lambda server: allow_loops(server, "Allow"),
    ),
    "mapping-disabled": (
        lambda server: switch_mapping(server, is_on=False),
        lambda server: switch_mapping(server, is_on=True),
    ),
    "queue-visibility": (
        lambda server: hide_messages(server, 30),
        lambda server: hide_messages(server, 174),
    ),
    "table-ttl": (
        lambda server: switch_ttl(server, is_on=False),
        lambda server: switch_ttl(server, is_on=True),
    ),
}


def examine(server: MiniStack) -> tuple[int, list[dict[str, Any]]]:
    """Return how the command ends and what it finds."""
    done = run(
        # Posts go to this machine without TLS.
        *("doctor", "app.py:handler", "--stack", STACK, "--json", "--history"),
        *("--ignore", "endpoint-url"),
        cwd=CHAT.parent,
        environ={
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        },
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def test_nothing_is_found_where_nothing_is_wrong(server: MiniStack) -> None:
    assert examine(server) == (0, [])


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_is_found_and_nothing_else(server: MiniStack, rule: str) -> None:
    plant, mend = FAULTS[rule]
    plant(server)

    status, findings = examine(server)

    mend(server)
    assert (status, [each["rule"] for each in findings]) == (1, [rule])
