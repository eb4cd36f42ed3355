"""The engine and boto3 against the same misbehaving server: both end alike.

Compared are how a call ends, how often its request was sent, and whether it was given
up at once or borne for seconds.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from typing import NamedTuple

import pytest

from tests.contracts.senders import LAMBDA_ENVIRONMENT
from tests.support.servers.recording import Answer, RecordingServer, recording_server
from wspubsub import Connection, Outcome, WspubsubError
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore
from wspubsub.fanout import QueueFanout

pytestmark = [pytest.mark.integration, pytest.mark.slow]

Make = Callable[[], Callable[[], object]]
"""Makes what is called, which each path does in its own environment."""

SECONDS = 1.0
"""What takes longer was borne for seconds: after throttling the delays of `SEED` add
up to 1.4 seconds at least, after other failures to 0.2 at most."""

SEED = next(
    seed
    for seed in count()
    for draw in [random.Random(seed).random]
    if all(0.2 < draw() < 0.5 for _ in range(6))
)


# botocore has several names for having no answer, the engine has one.
UNANSWERED = {
    "ConnectionClosedError",
    "EndpointConnectionError",
    "HTTPClientError",
    "ResponseStreamingError",
}


class Ending(NamedTuple):
    """How a call ended."""

    said: str
    requests: int
    is_borne: bool


def refusal(code: str, status: int = 400, *headers: tuple[str, str]) -> Answer:
    body = json.dumps({"__type": f"com.amazonaws.x#{code}", "message": "no"})
    return Answer(status, body.encode(), headers)


WELL = Answer(headers=(("Connection", "close"),))
CLOSED = Answer(raw=b"")
GARBAGE = Answer(raw=b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
CUT = Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
BARE_503 = Answer(503, b"")
DAMAGED = Answer(200, b"{}", (("x-amz-crc32", "1"),))

# What all requests are answered with, and how often the request is sent then.
DYNAMODB = {
    "throttled": (refusal("ThrottlingException"), 4),
    "throttled by status": (refusal("Whatever", 429), 4),
    "write conflict": (refusal("ReplicatedWriteConflictException"), 4),
    "request timeout": (refusal("RequestTimeout"), 4),
    "server error": (refusal("InternalServerError", 500), 4),
    "bare 502": (Answer(502, b"<html>"), 4),
    "bare 503": (BARE_503, 4),
    "bare 504": (Answer(504, b""), 4),
    "not implemented": (refusal("Whatever", 501), 1),
    "refused": (refusal("ValidationException"), 1),
    "condition failed": (refusal("ConditionalCheckFailedException"), 1),
    "conflict": (refusal("TransactionConflictException"), 1),
    "denied": (refusal("AccessDeniedException"), 1),
    "expired": (refusal("ExpiredTokenException"), 1),
    "no table": (refusal("ResourceNotFoundException"), 1),
    "closed": (CLOSED, 4),
    "garbage": (GARBAGE, 4),
}
SQS = {
    "throttled": (refusal("RequestThrottled", 403), 4),
    "kms throttled": (refusal("KmsThrottled"), 1),
    "query error": (
        refusal("Other", 400, ("x-amzn-query-error", "RequestThrottled;Sender")),
        4,
    ),
    "no queue": (refusal("QueueDoesNotExist"), 1),
    "server error": (refusal("InternalFailure", 500), 4),
    "closed": (CLOSED, 4),
}


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with recording_server() as running:
        yield running


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, server: RecordingServer) -> None:
    for name, value in LAMBDA_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)


def endings(
    server: RecordingServer,
    monkeypatch: pytest.MonkeyPatch,
    make: Make,
    *planned: Answer,
) -> list[Ending]:
    """Return how a call ends through the engine, and how through boto3."""
    name = "AWS_LAMBDA_RUNTIME_API"
    monkeypatch.setenv(name, LAMBDA_ENVIRONMENT[name])
    found = [ending(server, make(), planned)]
    monkeypatch.delenv(name)
    return [*found, ending(server, make(), planned)]


def ending(
    server: RecordingServer, call: Callable[[], object], planned: tuple[Answer, ...]
) -> Ending:
    trouble, server.answer = server.answer, WELL
    with suppress(WspubsubError):
        call()  # what is done for the first call only is not measured
    server.answer = trouble
    server.heads.clear()
    server.planned[:] = planned
    random.seed(SEED)
    begun = time.monotonic()
    try:
        said = repr(call())
    except WspubsubError as error:
        said = described(error)
    return Ending(said, len(server.heads), time.monotonic() - begun > SECONDS)


def described(error: WspubsubError) -> str:
    code = getattr(error, "code", None)
    return f"{type(error).__name__} {'no answer' if code in UNANSWERED else code}"


def write_item() -> Callable[[], object]:
    store = DynamoDBSubscriptionStore("t")
    return lambda: store.connect(Connection(id="a=", connected_at=1.0))


def read_item() -> Callable[[], object]:
    store = DynamoDBSubscriptionStore("t")
    return lambda: store.connection("a=")


def list_topics() -> Callable[[], object]:
    store = DynamoDBSubscriptionStore("t")
    return lambda: store.topics("a=")


def send() -> Callable[[], object]:
    queue = QueueFanout("https://sqs.us-east-1.amazonaws.com/1/q").queue
    return lambda: queue.send(["hello"])


@pytest.mark.parametrize("trouble", sorted(DYNAMODB))
def test_dynamodb(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    server.answer, requests = DYNAMODB[trouble]

    engine, boto3 = endings(server, monkeypatch, write_item)

    assert engine == boto3
    assert engine.requests == requests
    assert engine.is_borne is trouble.startswith("throttled")
    assert engine.said.startswith("StoreError")


@pytest.mark.parametrize("trouble", sorted(SQS))
def test_sqs(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    server.answer, requests = SQS[trouble]

    engine, boto3 = endings(server, monkeypatch, send)

    assert engine == boto3
    assert engine.requests == requests
    assert engine.is_borne is (trouble in {"throttled", "query error"})
    assert engine.said.startswith("QueueError")


@pytest.mark.parametrize("passing", [BARE_503, CLOSED, GARBAGE, DAMAGED])
def test_what_passes_leaves_no_trace(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, passing: Answer
) -> None:
    engine, boto3 = endings(server, monkeypatch, read_item, passing, passing)

    assert engine == boto3 == Ending("None", 3, is_borne=False)


@pytest.mark.parametrize("body", [b"[]", b"\x1f\x8b", b"[" * 100_000])
def test_what_neither_can_read_is_the_same_error(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    server.answer = Answer(200, body)

    engine, boto3 = endings(server, monkeypatch, read_item)

    # botocore does not retry what breaks its parser.
    assert engine.said == boto3.said


@pytest.mark.parametrize("answer", [CUT, Answer(200, b"<html>"), Answer(200, b"{}")])
def test_what_boto3_takes_for_an_empty_answer_is_not_taken_for_an_empty_topic(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    server.answer = answer

    engine, boto3 = endings(server, monkeypatch, list_topics)

    assert engine.said.startswith("StoreError")
    assert boto3.said == "StoreError UnreadableAnswer"


def test_an_endpoint_where_nobody_listens(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    engine, boto3 = endings(server, monkeypatch, write_item)

    assert engine == boto3
    assert engine.said == "StoreError no answer"


def management(status: int, code: str = "", message: str = "no") -> Answer:
    headers = (("x-amzn-errortype", code),) if code else ()
    return Answer(status, json.dumps({"message": message}).encode(), headers)


FINAL_POSTS = {
    "gone": management(410, "GoneException"),
    "bare 410": Answer(410, b""),
    "malformed": management(400, "BadRequestException"),
    "too large": management(413, "PayloadTooLargeException"),
    "forbidden": management(403, "ForbiddenException", "Forbidden"),
    "expired": management(403, "ExpiredTokenException"),
    "unknown key": management(400, "UnrecognizedClientException"),
    "bare 403": Answer(403, b""),
    "not implemented": Answer(501, b""),
}
PASSING_POSTS = {
    "throttled": management(429, "LimitExceededException"),
    "bare 429": Answer(429, b""),
    "bare 500": Answer(500, b""),
    "bare 503": BARE_503,
    "closed": CLOSED,
    "garbage": GARBAGE,
}


def post(server: RecordingServer, seconds: float) -> Make:
    def make() -> Callable[[], object]:
        api = ManagementApi(f"{server.url}/prod", region="us-east-1")
        return lambda: api.post("a=", b"x", deadline=time.monotonic() + seconds)

    return make


@pytest.mark.parametrize("trouble", sorted(FINAL_POSTS))
def test_a_post_that_is_refused(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    server.answer = FINAL_POSTS[trouble]

    engine, boto3 = endings(server, monkeypatch, post(server, 20))

    assert engine == boto3
    assert engine.requests == 1
    assert not engine.is_borne


@pytest.mark.parametrize("trouble", sorted(PASSING_POSTS))
def test_a_post_that_may_pass(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    answer = PASSING_POSTS[trouble]

    engine, boto3 = endings(server, monkeypatch, post(server, 20), answer)
    assert engine == boto3 == Ending("None", 2, is_borne=False)

    server.answer = answer
    engine, boto3 = endings(server, monkeypatch, post(server, 0.5))
    assert engine.said == boto3.said
    assert engine.requests > 1
    assert boto3.requests > 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (FINAL_POSTS["gone"], Outcome.GONE),
        (FINAL_POSTS["too large"], Outcome.FAILED),
        (PASSING_POSTS["throttled"], Outcome.THROTTLED),
        (PASSING_POSTS["bare 503"], Outcome.FAILED),
    ],
)
def test_a_post_to_many(
    server: RecordingServer,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    outcome: Outcome,
) -> None:
    server.answer = answer

    def make() -> Callable[[], object]:
        api = ManagementApi(f"{server.url}/prod", region="us-east-1")
        return lambda: [
            result.outcome
            for result in api.post_many(
                ["a=", "b="], b"x", deadline=time.monotonic() + 0.5
            )
        ]

    engine, boto3 = endings(server, monkeypatch, make)

    assert engine.said == boto3.said == repr([outcome, outcome])


@pytest.mark.parametrize("body", [b"<html>", b"", b"{}", b'{"connectedAt": null}'])
def test_a_connection_that_is_described_by_somebody_else(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    server.answer = Answer(200, body)

    def make() -> Callable[[], object]:
        api = ManagementApi(f"{server.url}/prod", region="us-east-1")
        return lambda: api.get("a=")

    engine, boto3 = endings(server, monkeypatch, make)

    said = "ManagementError UnreadableAnswer"
    assert engine == boto3 == Ending(said, 1, is_borne=False)
