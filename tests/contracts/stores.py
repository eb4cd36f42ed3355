"""The stores that the contract runs over, each made when a test asks for it."""

import atexit
import os
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.server import ThreadedMotoServer

from wspubsub import MemorySubscriptionStore, SubscriptionStore
from wspubsub.aws.dynamodb import DynamoDBClient
from wspubsub.dynamodb import DynamoDBSubscriptionStore, create_table

CREDENTIALS = {
    "region_name": "us-east-1",
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
}


class Clock:
    """A clock that stands until it is told to move."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds


MakeStore = Callable[..., SubscriptionStore]


@contextmanager
def memory(clock: Clock) -> Iterator[MakeStore]:
    store = MemorySubscriptionStore(now=clock)
    yield lambda **_options: store


@contextmanager
def on_moto(clock: Clock) -> Iterator[MakeStore]:
    with mock_aws():
        yield _on_table(boto3.client("dynamodb", **CREDENTIALS), clock)


@contextmanager
def on_endpoint(clock: Clock) -> Iterator[MakeStore]:
    with _client(_endpoint()) as client:
        yield _on_table(client, clock)


@contextmanager
def engine_on_moto(clock: Clock) -> Iterator[MakeStore]:
    """Use the engine's client, which needs a server, as it is not botocore."""
    with _engine(_moto_server(), clock) as make:
        yield make


@contextmanager
def engine_on_endpoint(clock: Clock) -> Iterator[MakeStore]:
    with _engine(_endpoint(), clock) as make:
        yield make


def _endpoint() -> str:
    """Return the endpoint in WSPUBSUB_TEST_DYNAMODB; CI starts dynalite for it."""
    url = os.environ.get("WSPUBSUB_TEST_DYNAMODB")
    if not url:
        if os.environ.get("CI"):
            pytest.fail("CI must set WSPUBSUB_TEST_DYNAMODB")
        pytest.skip("WSPUBSUB_TEST_DYNAMODB names no endpoint")
    return url


@cache
def _moto_server() -> str:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    atexit.register(server.stop)
    return "http://{}:{}".format(*server.get_host_and_port())


@contextmanager
def _engine(url: str, clock: Clock) -> Iterator[MakeStore]:
    table = f"contract-{uuid.uuid4()}"
    with _client(url) as maker:
        _make_table(table, maker)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        yield _maker(table, DynamoDBClient(endpoint_url=url), clock)


@contextmanager
def _client(url: str) -> Iterator[Any]:
    client = boto3.client("dynamodb", endpoint_url=url, **CREDENTIALS)
    try:
        yield client
    finally:
        client.close()


def _on_table(client: Any, clock: Clock) -> MakeStore:
    table = f"contract-{uuid.uuid4()}"
    _make_table(table, client)
    return _maker(table, client, clock)


def _make_table(table: str, client: Any) -> None:
    with warnings.catch_warnings():
        # dynalite knows no time to live; tests/test_dynamodb_table.py is about that.
        warnings.simplefilter("ignore", UserWarning)
        create_table(table, client=client)


def _maker(table: str, client: Any, clock: Clock) -> MakeStore:
    def make(**options: Any) -> SubscriptionStore:
        return DynamoDBSubscriptionStore(table, client=client, now=clock, **options)

    return make


KINDS = {
    "memory": memory,
    "moto": on_moto,
    "endpoint": on_endpoint,
    "engine on moto": engine_on_moto,
    "engine on endpoint": engine_on_endpoint,
}
