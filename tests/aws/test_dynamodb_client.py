"""The engine's DynamoDB client against a server that misbehaves."""

import json
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError as BotocoreClientError

from tests.contracts.senders import LAMBDA_ENVIRONMENT
from tests.contracts.stores import CREDENTIALS
from wspubsub import StoreError, UsageError, __version__
from wspubsub.aws.choice import MAX_ATTEMPTS
from wspubsub.aws.dynamodb import EngineDynamoDBClient
from wspubsub.aws.endpoints import service_endpoint
from wspubsub.aws.json_api import (
    MAX_WAIT_SECONDS,
    ClientError,
    delay_after_failure,
    delay_after_throttling,
)
from wspubsub.dynamodb import DynamoDBSubscriptionStore

ITEM = {"pk": {"S": "a"}, "sk": {"S": "ü"}}


class Server:
    """Answers as planned, then well; keeps what it was sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[tuple[int, bytes, dict[str, str]]] = []
        self.requests: list[tuple[dict[str, str], Any]] = []

    def plan(self, status: int, body: object, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, data, headers))

    def refuse(self, code: str, status: int = 400, times: int = 1) -> None:
        name = f"com.amazonaws.dynamodb.v20120810#{code}"
        for _ in range(times):
            self.plan(status, {"__type": name, "message": f"no: {code}"})


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            api.requests.append((dict(self.headers.items()), json.loads(body)))
            well: tuple[int, bytes, dict[str, str]] = (200, b"{}", {})
            status, data, headers = api.answers.pop(0) if api.answers else well
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    api = Server(f"http://127.0.0.1:{httpd.server_port}")
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield api
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _lambda_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LAMBDA_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_it_sends_what_boto3_sends(server: Server) -> None:
    client = boto3.client(
        "dynamodb",
        endpoint_url=server.url,
        aws_session_token="token",
        config=Config(retries={"total_max_attempts": 1}),
        **CREDENTIALS,
    )
    client.put_item(TableName="t", Item=ITEM)
    client.close()

    EngineDynamoDBClient(endpoint_url=server.url).put_item(TableName="t", Item=ITEM)

    (theirs, their_body), (ours, our_body) = server.requests
    assert our_body == their_body
    theirs_lower = {name.lower(): value for name, value in theirs.items()}
    for name in ("content-type", "x-amz-target", "content-length", "host"):
        assert ours[name] == theirs_lower[name]
    assert ours["authorization"].startswith("AWS4-HMAC-SHA256 Credential=testing/")
    assert ours["x-amz-security-token"] == "token"


def test_an_answer_is_the_dict_that_boto3_gives(server: Server) -> None:
    server.plan(200, {"Item": ITEM}, x_amzn_RequestId="r1")

    answer = EngineDynamoDBClient(endpoint_url=server.url).get_item(
        TableName="t", Key=ITEM
    )

    assert answer["Item"] == ITEM
    assert answer["ResponseMetadata"] == {"HTTPStatusCode": 200, "RequestId": "r1"}


def test_bytes_are_sent_and_given_as_by_boto3(server: Server) -> None:
    item = {"data": {"B": b"\xff\x00"}, "m": {"M": {"B": {"S": "text"}}}}
    client = boto3.client("dynamodb", endpoint_url=server.url, **CREDENTIALS)
    engine = EngineDynamoDBClient(endpoint_url=server.url)
    stored = {"Item": {"data": {"B": "/wA="}, "m": {"M": {"B": {"S": "text"}}}}}
    for each in (client, engine):
        each.put_item(TableName="t", Item=item)
    (_, theirs), (_, ours) = server.requests
    server.plan(200, stored)
    server.plan(200, stored)

    answers = [each.get_item(TableName="t", Key=ITEM) for each in (client, engine)]

    client.close()
    assert ours == theirs
    assert [answer["Item"] for answer in answers] == [item, item]


def test_what_is_no_attribute_is_refused(server: Server) -> None:
    with pytest.raises(TypeError, match="object"):
        EngineDynamoDBClient(endpoint_url=server.url).put_item(
            Item={"a": {"B": object()}}
        )

    assert server.requests == []


def test_an_error_holds_what_boto3_s_holds(server: Server) -> None:
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": ITEM}]
    refusal = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "cancelled",
        "CancellationReasons": reasons,
    }
    client = boto3.client("dynamodb", endpoint_url=server.url, **CREDENTIALS)
    engine = EngineDynamoDBClient(endpoint_url=server.url)
    server.plan(400, refusal)
    server.plan(400, refusal)
    put = {"Put": {"TableName": "t", "Item": ITEM}}

    with pytest.raises(BotocoreClientError) as theirs:
        client.transact_write_items(TransactItems=[put])
    with pytest.raises(ClientError) as ours:
        engine.transact_write_items(TransactItems=[put])

    client.close()
    assert ours.value.response["CancellationReasons"] == reasons
    assert theirs.value.response["CancellationReasons"] == reasons
    assert ours.value.response["Error"] == theirs.value.response["Error"]
    assert str(ours.value) == str(theirs.value)


def test_it_says_who_asks_and_in_which_trace(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1;Lineage=25:3f42cd8a:0"
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "chat")
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.14")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
    theirs = boto3.client("dynamodb", endpoint_url=server.url, **CREDENTIALS)

    for each in (theirs, EngineDynamoDBClient(endpoint_url=server.url)):
        each.query(TableName="t", KeyConditionExpression="pk = :pk")

    theirs.close()
    (sdk, _), (engine, _) = server.requests
    assert engine["x-amzn-trace-id"] == sdk["X-Amzn-Trace-Id"] == trace
    assert engine["accept-encoding"] == sdk["Accept-Encoding"] == "identity"
    assert engine["user-agent"].startswith(f"wspubsub/{__version__} lang/")
    assert engine["user-agent"].endswith("exec-env/AWS_Lambda_python3.14")


def test_temporary_credentials_are_optional(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SESSION_TOKEN")

    EngineDynamoDBClient(endpoint_url=server.url).query(TableName="t")

    [(headers, _)] = server.requests
    assert "x-amz-security-token" not in headers


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the delays before retries short, as they may be drawn."""
    monkeypatch.setattr("random.random", lambda: 0.01)


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ThrottlingException", 400),
        ("InternalServerError", 500),
        ("ReplicatedWriteConflictException", 400),
        ("RequestTimeout", 400),
        ("Whatever", 429),
        ("Whatever", 503),
    ],
)
def test_what_may_pass_is_tried_again(server: Server, code: str, status: int) -> None:
    server.refuse(code, status=status, times=2)

    EngineDynamoDBClient(endpoint_url=server.url).query(TableName="t")

    assert len(server.requests) == 3


@pytest.mark.usefixtures("_hasty")
def test_what_does_not_pass_is_an_error_after_four_attempts(server: Server) -> None:
    server.refuse("ProvisionedThroughputExceededException", times=100)

    with pytest.raises(ClientError, match="no: Provisioned") as caught:
        EngineDynamoDBClient(endpoint_url=server.url).query(TableName="t")

    assert len(server.requests) == 4
    error = caught.value.response["Error"]
    assert error["Code"] == "ProvisionedThroughputExceededException"
    assert caught.value.operation_name == "Query"


@pytest.mark.parametrize("status", [501, 505])
def test_what_no_second_attempt_mends_is_an_error_at_once(
    server: Server, status: int
) -> None:
    server.refuse("Whatever", status=status)

    with pytest.raises(ClientError, match="Whatever"):
        EngineDynamoDBClient(endpoint_url=server.url).query(TableName="t")

    assert len(server.requests) == 1


def test_throttling_is_borne_for_seconds_and_other_failures_are_not() -> None:
    failures = range(1, MAX_ATTEMPTS)

    assert [delay_after_throttling(number) for number in failures] == [1.0, 2.0, 4.0]
    assert [delay_after_failure(number) for number in failures] == [0.05, 0.1, 0.2]
    assert sum(map(delay_after_throttling, failures)) == MAX_WAIT_SECONDS


def test_after_throttling_a_request_waits_that_long(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.random", lambda: 0.5)
    server.refuse("ThrottlingException")
    begun = time.monotonic()

    EngineDynamoDBClient(endpoint_url=server.url).query(TableName="t")

    assert time.monotonic() - begun >= 0.5


def test_a_refusal_is_an_error_at_once(server: Server) -> None:
    server.refuse("ResourceNotFoundException")
    client = EngineDynamoDBClient(endpoint_url=server.url)

    with pytest.raises(StoreError, match="wspubsub create-table subs") as caught:
        DynamoDBSubscriptionStore("subs", client=client).topics("a=")

    assert caught.value.code == "ResourceNotFoundException"
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}"])
def test_an_answer_that_is_not_dynamodb_s_is_an_error(
    server: Server, body: bytes
) -> None:
    server.plan(404, body)

    with pytest.raises(ClientError) as caught:
        EngineDynamoDBClient(endpoint_url=server.url).query(TableName="t")

    assert caught.value.response["Error"]["Code"] == "404"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_damaged_answer_is_asked_for_again(server: Server) -> None:
    body = json.dumps({"Count": 1}).encode()
    server.plan(200, b'{"Count": 2}', x_amz_crc32=str(zlib.crc32(body)))
    server.plan(200, body, x_amz_crc32=str(zlib.crc32(body)))

    answer = EngineDynamoDBClient(endpoint_url=server.url).query(TableName="t")

    assert answer["Count"] == 1


@pytest.mark.parametrize("body", [b"<html>login</html>", b"[]", b"", b"\x1f\x8b"])
def test_an_answer_that_is_not_json_is_an_error_after_four_attempts(
    server: Server, body: bytes
) -> None:
    for _ in range(100):
        server.plan(200, body)
    client = EngineDynamoDBClient(endpoint_url=server.url)

    with pytest.raises(StoreError, match="not a JSON object") as caught:
        DynamoDBSubscriptionStore("subs", client=client).topics("a=")

    assert caught.value.code == "UnreadableAnswer"
    assert len(server.requests) == 4


def test_an_answer_nested_too_deeply_is_an_error_too(server: Server) -> None:
    for _ in range(4):
        server.plan(200, b'{"a":' * 100_000)

    with pytest.raises(ClientError, match="UnreadableAnswer"):
        EngineDynamoDBClient(endpoint_url=server.url).query(TableName="t")


def test_an_answer_damaged_each_time_is_an_error(server: Server) -> None:
    for _ in range(100):
        server.plan(200, b'{"Count": 2}', x_amz_crc32="1")

    with pytest.raises(ClientError, match="checksum is not 1") as caught:
        EngineDynamoDBClient(endpoint_url=server.url).query(TableName="t")

    assert caught.value.response["Error"]["Code"] == "UnreadableAnswer"
    assert len(server.requests) == 4


def test_a_refusal_after_a_damaged_answer_is_told_as_it_is(server: Server) -> None:
    server.plan(200, b"{}", x_amz_crc32="1")
    server.refuse("ResourceNotFoundException")

    with pytest.raises(ClientError, match="no: ResourceNotFoundException"):
        EngineDynamoDBClient(endpoint_url=server.url).query(TableName="t")


def test_an_endpoint_that_does_not_answer_is_an_error_that_says_so() -> None:
    client = EngineDynamoDBClient(endpoint_url="http://127.0.0.1:1")

    with pytest.raises(StoreError, match="ECONNREFUSED") as caught:
        DynamoDBSubscriptionStore("subs", client=client).topics("a=")

    assert caught.value.code == "EndpointConnectionError"


def test_inside_lambda_the_store_uses_the_engine(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    DynamoDBSubscriptionStore("subs").unsubscribe("a=", "news")

    headers, _ = server.requests[0]
    assert "/eu-west-1/dynamodb/aws4_request" in headers["authorization"]
    assert headers["user-agent"].startswith("wspubsub/")


def test_without_a_region_the_error_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)

    with pytest.raises(UsageError, match="AWS_REGION"):
        EngineDynamoDBClient()


def test_over_tls_the_region_s_own_endpoint_is_the_default() -> None:
    assert EngineDynamoDBClient(region="eu-west-1") is not None
    assert service_endpoint("dynamodb", {}, "eu-west-1") == (
        "https://dynamodb.eu-west-1.amazonaws.com"
    )


@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ({}, "https://dynamodb.cn-north-1.amazonaws.com.cn"),
        ({"AWS_ENDPOINT_URL": "http://a"}, "http://a"),
        (
            {"AWS_ENDPOINT_URL_DYNAMODB": "http://b", "AWS_ENDPOINT_URL": "x"},
            "http://b",
        ),
    ],
)
def test_the_endpoint_follows_boto3_s_rules(
    environment: dict[str, str], endpoint: str
) -> None:
    assert service_endpoint("dynamodb", environment, "cn-north-1") == endpoint
