"""The engine's SQS client does what boto3's does, and is chosen where that is."""

import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError as BotoClientError
from moto.server import ThreadedMotoServer

from tests.contracts.senders import LAMBDA_ENVIRONMENT
from tests.contracts.tables import CREDENTIALS
from tests.support.servers.recording import recording_server
from wspubsub import UsageError
from wspubsub.aws.endpoints import service_endpoint
from wspubsub.aws.json_api import ClientError
from wspubsub.aws.sqs import SqsClient
from wspubsub.fanout import QueueError, QueueFanout

ENTRIES = [
    {"Id": "0", "MessageBody": "one", "DelaySeconds": 0},
    {"Id": "1", "MessageBody": "two", "DelaySeconds": 0},
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def sqs(url: str) -> Any:
    return boto3.client("sqs", endpoint_url=url, **CREDENTIALS)


@pytest.fixture
def queue_url(sqs: Any) -> str:
    found: str = sqs.create_queue(QueueName=f"fanout-{uuid.uuid4().hex}")["QueueUrl"]
    return found


@pytest.fixture
def _in_lambda(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name, value in LAMBDA_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", url)


def bodies(sqs: Any, queue_url: str) -> list[str]:
    answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
    return sorted(message["Body"] for message in answer.get("Messages", ()))


@pytest.mark.usefixtures("_in_lambda")
def test_a_batch_arrives_and_is_answered_as_through_boto3(
    sqs: Any, queue_url: str
) -> None:
    request = {"QueueUrl": queue_url, "Entries": ENTRIES}

    ours = SqsClient().send_message_batch(**request)
    theirs = sqs.send_message_batch(**request)

    assert bodies(sqs, queue_url) == ["one", "one", "two", "two"]
    assert [each["Id"] for each in ours["Successful"]] == ["0", "1"]
    assert ours["Successful"][0].keys() == theirs["Successful"][0].keys()


@pytest.mark.usefixtures("_in_lambda")
def test_an_error_is_that_of_boto3(sqs: Any, queue_url: str) -> None:
    request = {"QueueUrl": f"{queue_url}-missing", "Entries": ENTRIES}

    with pytest.raises(ClientError) as ours:
        SqsClient().send_message_batch(**request)
    with pytest.raises(BotoClientError) as theirs:
        sqs.send_message_batch(**request)

    code = theirs.value.response["Error"]["Code"]
    assert ours.value.response["Error"]["Code"] == code


@pytest.mark.usefixtures("_in_lambda")
def test_inside_lambda_the_queue_is_served_by_the_engine(
    sqs: Any, queue_url: str
) -> None:
    fanout = QueueFanout(queue_url)

    fanout.queue.send(["hello"])

    assert bodies(sqs, queue_url) == ["hello"]
    with pytest.raises(QueueError):
        QueueFanout(f"{queue_url}-missing").queue.send(["hello"])


def test_elsewhere_it_is_served_by_boto3(
    sqs: Any, queue_url: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_RUNTIME_API", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, LAMBDA_ENVIRONMENT[name])
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", url)
    fanout = QueueFanout(queue_url)

    fanout.queue.send(["hello"])

    assert bodies(sqs, queue_url) == ["hello"]


@pytest.mark.parametrize("path", ["engine", "boto3"])
def test_a_queue_is_asked_in_the_region_of_its_url(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    for name, value in LAMBDA_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    if path == "boto3":
        monkeypatch.delenv("AWS_LAMBDA_RUNTIME_API")
    with recording_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", server.url)
        queue = QueueFanout("https://sqs.eu-west-1.amazonaws.com/1/q").queue

        queue.send(["hello"])

    assert "/eu-west-1/sqs/aws4_request" in server.heads[0]["authorization"]


def test_what_is_signed_is_what_boto3_signs_in_query_mode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in LAMBDA_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    request = {"QueueUrl": "http://localhost/1/q", "Entries": ENTRIES}
    with recording_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", server.url)
        theirs = boto3.client("sqs", aws_session_token="token", **CREDENTIALS)

        for each in (theirs, SqsClient()):
            each.send_message_batch(**request)

        theirs.close()
    sdk, engine = (head["authorization"] for head in server.heads)
    assert (
        engine.partition("SignedHeaders=")[2].partition(",")[0]
        == (sdk.partition("SignedHeaders=")[2].partition(",")[0])
    )
    assert server.heads[1]["x-amzn-query-mode"] == "true"


@pytest.mark.parametrize(
    ("environment", "region", "endpoint"),
    [
        ({}, "eu-west-1", "https://sqs.eu-west-1.amazonaws.com"),
        ({}, "cn-north-1", "https://sqs.cn-north-1.amazonaws.com.cn"),
        ({"AWS_ENDPOINT_URL": "http://all"}, "eu-west-1", "http://all"),
        (
            {"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_SQS": "http://sqs"},
            "eu-west-1",
            "http://sqs",
        ),
    ],
)
def test_the_endpoint_follows_the_rules_of_boto3(
    environment: dict[str, str], region: str, endpoint: str
) -> None:
    assert service_endpoint("sqs", environment, region) == endpoint


def test_without_a_region_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(UsageError, match="AWS_REGION"):
        SqsClient()
