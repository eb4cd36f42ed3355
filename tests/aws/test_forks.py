"""A process that forks after its first request: its child connects for itself."""

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from tests.contracts.senders import LAMBDA_ENVIRONMENT
from tests.support.servers.misbehaving import misbehaving_server
from wspubsub import MemorySubscriptionStore
from wspubsub.aws.forks import reconnect_after_fork

# Parent and child take turns, each with a connection that the other must not touch.
POSTS = """
import os, sys
from wspubsub.aws import ManagementApi

api = ManagementApi(sys.argv[1]{client})
api.post("parent", b"x")
child = os.fork()
if child == 0:
    api.post("child", b"x")
    os._exit(0)
_, status = os.waitpid(child, 0)
api.post("parent", b"x")
sys.exit(status)
"""
OWN_CLIENT = """, client=__import__("boto3").client(
    "apigatewaymanagementapi", region_name="us-east-1", endpoint_url=sys.argv[1]
)"""
OUTSIDE = {
    name: value
    for name, value in LAMBDA_ENVIRONMENT.items()
    if name != "AWS_LAMBDA_RUNTIME_API"
}


@pytest.mark.integration
@pytest.mark.parametrize(
    ("environment", "client"),
    [(LAMBDA_ENVIRONMENT, ""), (OUTSIDE, ""), (OUTSIDE, OWN_CLIENT)],
    ids=["engine", "boto3", "a client of one's own"],
)
def test_a_child_process_makes_connections_of_its_own(
    environment: dict[str, str], client: str
) -> None:
    with misbehaving_server() as server:
        subprocess.run(
            [sys.executable, "-c", POSTS.format(client=client), server.url],
            env={"PATH": os.environ["PATH"], **environment},
            check=True,
        )

    assert server.received == {"parent": 2, "child": 1}
    assert server.accepted == 2


# What a program has under way when it forks: the child leaves it at once.
UNDER_WAY = """
import os, sys, time
from wspubsub.aws import ManagementApi

api = ManagementApi(sys.argv[1])
names = [f"c{number}" for number in range(100)]
results = api.post_many(names, b"x", deadline=time.monotonic() + 20)
outcomes = [next(results)]
child = os.fork()
if child == 0:
    results.close()
    api.post("child", b"x")
    os._exit(0)
_, status = os.waitpid(child, 0)
outcomes += results
assert all(each.outcome.name == "DELIVERED" for each in outcomes), outcomes
sys.exit(status)
"""


@pytest.mark.integration
def test_a_child_process_leaves_its_parents_posts_alone() -> None:
    with misbehaving_server() as server:
        subprocess.run(
            [sys.executable, "-c", UNDER_WAY, server.url],
            env={"PATH": os.environ["PATH"], **LAMBDA_ENVIRONMENT},
            check=True,
        )

    assert set(server.received.values()) == {1}
    assert len(server.received) == 101


class Body(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


def answer(**_event: object) -> AWSResponse:
    return AWSResponse("https://sqs.us-east-1.amazonaws.com", 200, {}, Body(b"{}"))


@pytest.fixture
def client() -> Any:
    made = boto3.client(
        "sqs",
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    made.meta.events.register("before-send", answer)
    assert reconnect_after_fork(reconnect_after_fork(made)) is made
    return made


def test_a_client_closes_what_it_inherited_once(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[int] = []
    monkeypatch.setattr(client, "close", lambda: closed.append(os.getpid()))

    for process in (os.getpid(), 1, 1, 2):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        client.list_queues()

    assert closed == [1, 2]


def test_a_second_thread_waits_until_it_is_closed(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[int] = []
    has_looked = threading.Event()
    second = threading.Thread(target=client.list_queues)

    def getpid() -> int:
        if threading.current_thread() is second:
            has_looked.set()
        return 1

    def close() -> None:
        closed.append(1)
        second.start()
        has_looked.wait()

    monkeypatch.setattr(client, "close", close)
    monkeypatch.setattr(os, "getpid", getpid)

    client.list_queues()
    second.join()

    assert closed == [1]


@pytest.mark.parametrize(
    "make", [MemorySubscriptionStore, SimpleNamespace, lambda: None]
)
def test_what_is_not_boto3s_is_left_as_it_is(make: Callable[[], object]) -> None:
    client = make()

    assert reconnect_after_fork(client) is client
