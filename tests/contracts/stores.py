"""The stores that the contract runs over, each made when a test asks for it."""

import os
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto import mock_aws

from wspubsub import MemorySubscriptionStore, SubscriptionStore
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
    """Use the endpoint in WSPUBSUB_TEST_DYNAMODB; CI starts dynalite for it."""
    url = os.environ.get("WSPUBSUB_TEST_DYNAMODB")
    if not url:
        if os.environ.get("CI"):
            pytest.fail("CI must set WSPUBSUB_TEST_DYNAMODB")
        pytest.skip("WSPUBSUB_TEST_DYNAMODB names no endpoint")
    client = boto3.client("dynamodb", endpoint_url=url, **CREDENTIALS)
    with _own_connections(client):
        yield _on_table(client, clock)


@contextmanager
def _own_connections(client: Any) -> Iterator[None]:
    try:
        yield
    finally:
        client.close()


def _on_table(client: Any, clock: Clock) -> MakeStore:
    table = f"contract-{uuid.uuid4()}"
    with warnings.catch_warnings():
        # dynalite knows no time to live; tests/test_dynamodb_table.py is about that.
        warnings.simplefilter("ignore", UserWarning)
        create_table(table, client=client)

    def make(**options: Any) -> SubscriptionStore:
        return DynamoDBSubscriptionStore(table, client=client, now=clock, **options)

    return make


KINDS = {"memory": memory, "moto": on_moto, "endpoint": on_endpoint}
