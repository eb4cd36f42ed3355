"""Tables on the DynamoDB stand-ins that contracts run over, with the client to use."""

import atexit
import os
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import boto3
import pytest
from moto import mock_aws
from moto.server import ThreadedMotoServer

from tests.support.late_reads import LateReads
from wspubsub.aws.dynamodb import EngineDynamoDBClient
from wspubsub.dynamodb import create_table

CREDENTIALS = {
    "region_name": "us-east-1",
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
}


class Table(NamedTuple):
    """An empty table, and the client to use it with."""

    name: str
    client: Any


@cache
def boto3_client() -> Any:
    """Return one client for all tests: it takes longer to make than a test takes."""
    return boto3.client("dynamodb", **CREDENTIALS)


@contextmanager
def on_moto() -> Iterator[Table]:
    with mock_aws():
        client = boto3_client()
        yield Table(_make_table(client), LateReads(client))


@contextmanager
def on_endpoint() -> Iterator[Table]:
    with _client(_endpoint()) as client:
        yield Table(_make_table(client), client)


@contextmanager
def engine_on_moto() -> Iterator[Table]:
    """Use the engine's client, which needs a server, as it is not botocore."""
    with _engine(_moto_server()) as table:
        yield table


@contextmanager
def engine_on_endpoint() -> Iterator[Table]:
    with _engine(_endpoint()) as table:
        yield table


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
def _engine(url: str) -> Iterator[Table]:
    with _client(url) as maker:
        name = _make_table(maker)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        yield Table(name, EngineDynamoDBClient(endpoint_url=url))


@contextmanager
def _client(url: str) -> Iterator[Any]:
    client = boto3.client("dynamodb", endpoint_url=url, **CREDENTIALS)
    try:
        yield client
    finally:
        client.close()


def _make_table(client: Any) -> str:
    name = f"contract-{uuid.uuid4()}"
    with warnings.catch_warnings():
        # dynalite knows no time to live; tests/dynamodb/test_table.py is about that.
        warnings.simplefilter("ignore", UserWarning)
        create_table(name, client=client)
    return name


TABLES = {
    "moto": on_moto,
    "endpoint": on_endpoint,
    "engine on moto": engine_on_moto,
    "engine on endpoint": engine_on_endpoint,
}
