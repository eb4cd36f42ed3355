"""The implementations of `Connections` that the contract runs over."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import boto3
import pytest
from botocore.config import Config

from tests.contracts.stores import CREDENTIALS
from tests.support.botocore_hooks import leave_boto3_alone
from tests.support.servers.management import Fault, ManagementServer, management_server
from wspubsub import Connections
from wspubsub.aws import ManagementApi
from wspubsub.testing import RecordingConnections

LAMBDA_ENVIRONMENT = {
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "token",
    "AWS_REGION": "us-east-1",
}

_CODES = {
    403: "ForbiddenException",
    410: "GoneException",
    413: "PayloadTooLargeException",
    429: "LimitExceededException",
}


class Sender(Protocol):
    """An implementation, and what a test may do to the API behind it."""

    @property
    def connections(self) -> Connections: ...

    def connect(self, connection_id: str) -> None: ...

    def fail(self, connection_id: str, status: int, times: int) -> None: ...

    def messages(self, connection_id: str) -> list[bytes]: ...


class OverHttp:
    """`ManagementApi` against a server on loopback."""

    def __init__(self, server: ManagementServer, connections: Connections) -> None:
        self.server = server
        self.connections = connections

    def connect(self, connection_id: str) -> None:
        self.server.connected.add(connection_id)

    def fail(self, connection_id: str, status: int, times: int) -> None:
        self.server.plan(connection_id, Fault(status, _CODES.get(status)), times=times)

    def messages(self, connection_id: str) -> list[bytes]:
        return self.server.received.get(connection_id, [])


class Recording:
    """`RecordingConnections`, which needs no server."""

    def __init__(self) -> None:
        self.connections = RecordingConnections()

    def connect(self, connection_id: str) -> None:
        self.connections.connect(connection_id, connected_at=1_794_744_194.726)

    def fail(self, connection_id: str, status: int, times: int) -> None:
        self.connections.fail(connection_id, status=status, times=times)

    def messages(self, connection_id: str) -> list[bytes]:
        return self.connections.messages(connection_id)


@contextmanager
def boto3_api() -> Iterator[Sender]:
    with management_server() as server:
        client = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=server.url,
            config=Config(
                retries={"total_max_attempts": 1},
                connect_timeout=1,
                read_timeout=1,
                max_pool_connections=32,
            ),
            **CREDENTIALS,
        )
        api = ManagementApi(server.url, client=client, sleep=lambda _seconds: None)
        try:
            yield OverHttp(server, api)
        finally:
            client.close()


@contextmanager
def engine_api() -> Iterator[Sender]:
    with management_server() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in LAMBDA_ENVIRONMENT.items():
            patch.setenv(name, value)
        yield OverHttp(server, ManagementApi(server.url))


@contextmanager
def engine_outside_lambda() -> Iterator[Sender]:
    with management_server() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in LAMBDA_ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.delenv("AWS_LAMBDA_RUNTIME_API")
        leave_boto3_alone(patch)
        yield OverHttp(server, ManagementApi(server.url))


@contextmanager
def recording() -> Iterator[Sender]:
    yield Recording()


SENDERS = {
    "boto3": boto3_api,
    "engine": engine_api,
    "engine outside Lambda": engine_outside_lambda,
    "recording": recording,
}
