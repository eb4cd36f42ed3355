"""`ManagementApi` over boto3: what the wire shows, and what errors say."""

import json
import threading
import time
from collections.abc import Collection, Iterator
from typing import Any

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

from tests.contracts.senders import LAMBDA_ENVIRONMENT
from tests.contracts.stores import CREDENTIALS
from tests.support.botocore_errors import parsing_error
from tests.support.servers.management import (
    DROP,
    Fault,
    ManagementServer,
    management_server,
)
from tests.support.servers.recording import recording_server
from wspubsub import (
    AccessDeniedError,
    ConnectionGoneError,
    ConnectionNotReadyError,
    CredentialsError,
    ManagementError,
    MemorySubscriptionStore,
    Outcome,
    Publisher,
    parse_event,
)
from wspubsub.aws import ManagementApi
from wspubsub.testing import connect_event


@pytest.fixture
def server() -> Iterator[ManagementServer]:
    with management_server() as running:
        yield running


@pytest.fixture
def api(server: ManagementServer, monkeypatch: pytest.MonkeyPatch) -> ManagementApi:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    return ManagementApi(server.url)


def test_without_a_client_boto3_makes_one(
    server: ManagementServer, api: ManagementApi
) -> None:
    server.connected.add("L0SM9cOFvHcCIhw=")

    api.post("L0SM9cOFvHcCIhw=", b"hello")

    assert server.received["L0SM9cOFvHcCIhw="] == [b"hello"]
    assert server.paths == ["/prod/@connections/L0SM9cOFvHcCIhw%3D"]


def test_a_bare_410_is_gone_although_no_header_names_the_error(
    server: ManagementServer, api: ManagementApi
) -> None:
    server.plan("a=", Fault(410))

    with pytest.raises(ConnectionGoneError):
        api.post("a=", b"x")


def test_a_malformed_id_is_refused_and_not_called_gone(
    server: ManagementServer, api: ManagementApi
) -> None:
    server.plan("a", Fault(400, "BadRequestException"), times=2)

    with pytest.raises(ManagementError) as caught:
        api.post("a", b"x")
    [result] = api.post_many(["a"], b"x", deadline=time.monotonic() + 20)

    assert caught.value.code == "BadRequestException"
    assert result.outcome is Outcome.FAILED
    assert "BadRequestException" in result.reason


def test_a_lost_answer_is_tried_again(
    server: ManagementServer, api: ManagementApi
) -> None:
    server.connected.add("a=")
    server.plan("a=", Fault(DROP))

    api.post("a=", b"x")

    assert server.received["a="] == [b"x"]


def test_one_call_is_one_attempt_of_botocore_s_own(
    server: ManagementServer, api: ManagementApi
) -> None:
    server.connected.add("a=")
    server.plan("a=", Fault(429, "LimitExceededException"), times=10_000)

    with pytest.raises(ManagementError):
        api.post("a=", b"x", deadline=time.monotonic())

    assert len(server.paths) == 1


def test_an_endpoint_that_refuses_is_an_error_that_names_it() -> None:
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url="http://127.0.0.1:1/prod",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=1),
        **CREDENTIALS,
    )
    api = ManagementApi("http://127.0.0.1:1/prod", client=client)

    with pytest.raises(ManagementError, match=r"127\.0\.0\.1:1") as caught:
        api.post("a=", b"x", deadline=time.monotonic() + 0.2)

    assert caught.value.status is None
    client.close()


@pytest.mark.parametrize("way", ["engine", "boto3"])
def test_a_post_to_a_wrong_endpoint_is_an_error_that_names_it(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in LAMBDA_ENVIRONMENT.items():
        if way == "engine" or name != "AWS_LAMBDA_RUNTIME_API":
            monkeypatch.setenv(name, value)
    publisher = Publisher(
        MemorySubscriptionStore(), ManagementApi("http://127.0.0.1:1/dev")
    )

    with pytest.raises(ManagementError, match=r"127\.0\.0\.1:1/dev") as caught:
        publisher.post("a=", "x", timeout_seconds=0.5)

    assert "a=" in str(caught.value)


def test_an_error_of_the_program_is_not_disguised() -> None:
    class Broken:
        def post_to_connection(self, **_request: object) -> dict[str, object]:
            raise ZeroDivisionError

        get_connection = delete_connection = post_to_connection

    api = ManagementApi("http://localhost/prod", client=Broken())

    with pytest.raises(ZeroDivisionError):
        api.post("a=", b"x")


def test_a_post_to_a_connection_that_is_being_made_is_refused() -> None:
    event = parse_event(connect_event())
    api = ManagementApi("http://localhost/prod", client=boto3_client())

    with pytest.raises(ConnectionNotReadyError, match="first message"):
        api.post(event.connection_id, b"x")


def test_a_403_prints_the_statement_that_is_missing(server: ManagementServer) -> None:
    server.plan("a=", Fault(403, "ForbiddenException"))
    endpoint = "https://abcdef1234.execute-api.eu-west-1.amazonaws.com/prod"
    api = ManagementApi(endpoint, client=boto3_client(server.url))

    with pytest.raises(AccessDeniedError) as caught:
        api.post("a=", b"x")

    text = str(caught.value)
    statement = json.loads(text[text.index("{") : text.index("}") + 1])
    assert statement == {
        "Effect": "Allow",
        "Action": "execute-api:ManageConnections",
        "Resource": (
            "arn:aws:execute-api:eu-west-1:ACCOUNT:abcdef1234/prod/*/@connections/*"
        ),
    }
    assert "stage" in text


def test_a_403_of_a_custom_domain_has_placeholders(server: ManagementServer) -> None:
    server.plan("a=", Fault(403))
    api = ManagementApi("https://ws.example.com/x", client=boto3_client(server.url))

    with pytest.raises(AccessDeniedError, match="REGION:ACCOUNT:API-ID/STAGE"):
        api.post("a=", b"x")


def test_every_error_of_the_service_has_a_meaning(server: ManagementServer) -> None:
    client = boto3_client(server.url)
    model = client.meta.service_model
    api = ManagementApi(server.url, client=client, sleep=lambda _seconds: None)
    meanings = {}

    for shape in model.error_shapes:
        status = shape.metadata["error"]["httpStatusCode"]
        server.plan("a=", Fault(status, shape.name), times=10_000)
        with pytest.raises(ManagementError) as caught:
            api.post("a=", b"x", deadline=time.monotonic())
        meanings[shape.name] = type(caught.value).__name__

    assert meanings == {
        "ForbiddenException": "AccessDeniedError",
        "GoneException": "ConnectionGoneError",
        "LimitExceededException": "ThrottledError",
        "PayloadTooLargeException": "ManagementError",
    }


def test_leaving_a_fan_out_half_done_leaves_no_thread_behind(
    server: ManagementServer, api: ManagementApi
) -> None:
    threads = {thread for thread in threading.enumerate() if is_ours(thread)}
    ids = [f"c{number}" for number in range(100)]
    server.connected.update(ids)

    results = api.post_many(ids, b"x", deadline=time.monotonic() + 20)
    next(results)
    del results

    assert {thread for thread in threading.enumerate() if is_ours(thread)} == threads


def test_a_fan_out_that_is_left_tries_nothing_more(
    server: ManagementServer, api: ManagementApi
) -> None:
    server.connected.update({"a=", "b="})
    server.plan("b=", Fault(429), times=1_000_000)

    results = api.post_many(["b=", "a="], b"x", deadline=time.monotonic() + 3600)
    first = next(results)
    del results

    assert first.connection_id == "a="
    assert "b=" not in server.received


def test_nobody_waits_for_an_answer_past_the_deadline() -> None:
    client = StuckClient()
    api = ManagementApi("http://localhost:1/prod", client=client)
    ids = [f"c{number}" for number in range(100)]

    results = list(api.post_many(ids, b"x", deadline=time.monotonic() + 0.5))
    client.is_released.set()

    outcomes = {result.connection_id: result.outcome for result in results}
    assert sorted(outcomes) == sorted(ids)
    assert set(outcomes.values()) == {Outcome.FAILED, Outcome.DEFERRED}
    assert {result.reason for result in results} == {
        "",
        "no answer in time",
    }


@pytest.mark.slow
def test_silent_connections_take_no_thread_from_the_others() -> None:
    silent = [f"silent{number}" for number in range(40)]
    client = StuckClient(silent)
    api = ManagementApi("http://localhost:1/prod", client=client)
    ids = [f"c{number}" for number in range(500)]
    for number, connection_id in enumerate(silent):
        ids.insert(number * 13, connection_id)
    begun = time.monotonic()

    results = list(api.post_many(ids, b"x", deadline=time.monotonic() + 60))
    seconds = time.monotonic() - begun
    client.is_released.set()

    failed = {each.connection_id for each in results if each.reason}
    assert failed == set(silent)
    assert sum(each.outcome is Outcome.DELIVERED for each in results) == 500
    assert seconds < 30


def test_a_thread_that_comes_too_late_posts_nothing() -> None:
    client = FailingClient(AssertionError("posted"))
    api = ManagementApi(
        "http://localhost:1/prod",
        client=client,
        clock=lambda: 100.0 if is_ours(threading.current_thread()) else 0.0,
    )

    [result] = api.post_many(["a="], b"x", deadline=50.0)

    assert result.outcome is Outcome.DEFERRED
    assert client.calls == 0


@pytest.mark.parametrize(
    "error",
    [
        botocore.exceptions.NoCredentialsError(),
        botocore.exceptions.PartialCredentialsError(
            provider="env", cred_var="AWS_SECRET_ACCESS_KEY"
        ),
        botocore.exceptions.UnauthorizedSSOTokenError(),
    ],
)
def test_missing_credentials_are_one_error_and_not_a_failure_for_each(
    error: Exception,
) -> None:
    api = ManagementApi("http://localhost:1/prod", client=FailingClient(error))
    ids = [f"c{number}" for number in range(50)]

    with pytest.raises(CredentialsError, match="AWS_ACCESS_KEY_ID"):
        api.post("a=", b"x")
    with pytest.raises(CredentialsError, match="log in"):
        list(api.post_many(ids, b"x", deadline=time.monotonic() + 20))


def test_no_more_connections_are_used_than_the_client_keeps(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with recording_server() as server:
        client = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=f"{server.url}/prod",
            config=Config(max_pool_connections=3),
            **CREDENTIALS,
        )
        api = ManagementApi(f"{server.url}/prod", client=client)
        ids = [f"c{number}" for number in range(60)]

        results = list(api.post_many(ids, b"x", deadline=time.monotonic() + 20))

        client.close()
    assert {result.outcome for result in results} == {Outcome.DELIVERED}
    assert server.connections <= 3
    assert "pool is full" not in caplog.text


@pytest.mark.parametrize(
    "name", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"]
)
def test_an_endpoint_that_is_given_is_used_whatever_kind_is_asked_for(
    server: ManagementServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for variable, value in LAMBDA_ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv(name, "true")
    server.connected.add("a=")

    ManagementApi(server.url).post("a=", b"hello")

    assert server.received["a="] == [b"hello"]


@pytest.mark.parametrize(
    "error",
    [
        botocore.exceptions.SSLError(endpoint_url="https://x", error="untrusted"),
        botocore.exceptions.ParamValidationError(report="ConnectionId"),
    ],
)
def test_what_no_second_attempt_mends_is_tried_once(error: Exception) -> None:
    client = FailingClient(error)
    api = ManagementApi("http://localhost:1/prod", client=client)

    [result] = api.post_many(["a="], b"x", deadline=time.monotonic() + 3600)

    assert result.outcome is Outcome.FAILED
    assert client.calls == 1


def test_an_answer_that_botocore_cannot_read_is_an_error_of_ours() -> None:
    client = FailingClient(parsing_error(b"[]"))
    api = ManagementApi("http://localhost:1/prod", client=client)

    with pytest.raises(ManagementError, match="cannot be read") as caught:
        api.post("a=", b"x", deadline=time.monotonic())

    assert caught.value.code == "UnreadableAnswer"
    assert caught.value.status is None
    assert client.calls == 1


class FailingClient:
    """A Management API client whose requests never leave the machine."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def post_to_connection(self, **_: Any) -> Any:
        self.calls += 1
        raise self.error

    get_connection = delete_connection = post_to_connection


class StuckClient:
    """A Management API client that gets no answer before it is released.

    Args:
        silent: Connections that this is so for; None for all.
    """

    def __init__(self, silent: Collection[str] | None = None) -> None:
        self.is_released = threading.Event()
        self._silent = silent

    def post_to_connection(self, **request: Any) -> Any:
        if self._silent is None or request["ConnectionId"] in self._silent:
            self.is_released.wait()

    get_connection = delete_connection = post_to_connection


def is_ours(thread: threading.Thread) -> bool:
    return thread.name.startswith("wspubsub-post")


def boto3_client(url: str = "http://localhost:1/prod") -> Any:
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=url,
        config=Config(retries={"total_max_attempts": 1}),
        **CREDENTIALS,
    )
