"""What the DynamoDB store asks of DynamoDB, and how it bears DynamoDB's failures."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
)
from moto import mock_aws

from tests.contracts.stores import CREDENTIALS
from tests.support.late_reads import LateReads
from wspubsub import Connection, CredentialsError, StoreError, UsageError
from wspubsub.dynamodb import DynamoDBSubscriptionStore, create_table

TABLE = "subscriptions"


class WrappedClient:
    """A client in front of another: counts what it costs, and fails when told to."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.calls: list[str] = []
        self.units = 0.0
        self.page_size: int | None = None
        self.unprocessed = 0
        self.errors: dict[str, list[Exception | None]] = {}

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**request: Any) -> dict[str, Any]:
            self.calls.append(operation)
            planned = self.errors.get(operation)
            error = planned.pop(0) if planned else None
            if error is not None:
                raise error
            if operation == "query" and self.page_size:
                request["Limit"] = self.page_size
            if operation == "batch_write_item" and self.unprocessed:
                return self._leave_some(request)
            answer: dict[str, Any] = getattr(self.client, operation)(
                **request, ReturnConsumedCapacity="TOTAL"
            )
            self._count(answer.get("ConsumedCapacity", []))
            return answer

        return call

    def _leave_some(self, request: dict[str, Any]) -> dict[str, Any]:
        self.unprocessed -= 1
        [(table, writes)] = request["RequestItems"].items()
        kept = writes[: len(writes) // 2]
        if kept:
            self.client.batch_write_item(RequestItems={table: kept})
        return {"UnprocessedItems": {table: writes[len(kept) :]}}

    def _count(self, consumed: Any) -> None:
        for capacity in consumed if isinstance(consumed, list) else [consumed]:
            self.units += capacity["CapacityUnits"]


@pytest.fixture
def client() -> Any:
    with mock_aws():
        real = boto3.client("dynamodb", **CREDENTIALS)
        create_table(TABLE, client=real)
        yield WrappedClient(LateReads(real))


def make_store(client: Any, **options: Any) -> DynamoDBSubscriptionStore:
    return DynamoDBSubscriptionStore(TABLE, client=client, **options)


def refusal(code: str, operation: str = "Query") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


def all_items(client: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.client.scan(TableName=TABLE)["Items"]
    return items


def test_the_table_holds_what_the_design_says(client: Any) -> None:
    store = make_store(client, now=lambda: 1000.5, ttl_seconds=60)

    store.connect(Connection(id="a=", connected_at=1000.25, principal="p"))
    store.subscribe("a=", "news")

    assert sorted(all_items(client), key=str) == sorted(
        [
            {
                "pk": {"S": "C#a="},
                "sk": {"S": "#"},
                "connected_at": {"N": "1000.25"},
                "principal": {"S": "p"},
                "written_at": {"N": "1000.5"},
                "expires_at": {"N": "1061"},
            },
            {
                "pk": {"S": "C#a="},
                "sk": {"S": "T#news"},
                "shard": {"N": "0"},
                "written_at": {"N": "1000.5"},
                "expires_at": {"N": "1061"},
            },
            {
                "pk": {"S": "T#0#news"},
                "sk": {"S": "a="},
                "expires_at": {"N": "1061"},
            },
        ],
        key=str,
    )


def test_what_was_just_recorded_is_found(client: Any) -> None:
    store = make_store(client)
    store.connect(Connection(id="a=", connected_at=1.0))

    store.connect(Connection(id="a=", connected_at=2.0))

    assert store.connection("a=") == Connection(id="a=", connected_at=2.0)


def test_nothing_of_a_disconnected_client_stays_in_the_table(client: Any) -> None:
    store = make_store(client, shards=4)
    store.connect(Connection(id="a=", connected_at=1.0))
    for number in range(40):
        store.subscribe("a=", f"topic {number}")

    store.disconnect("a=")

    assert all_items(client) == []


def test_requests_are_as_few_as_promised(client: Any) -> None:
    store = make_store(client)

    store.connect(Connection(id="a=", connected_at=1.0))
    assert client.calls == ["put_item"]
    assert client.units == 1

    client.calls.clear()
    store.subscribe("a=", "news")
    assert client.calls == ["batch_write_item", "batch_write_item", "query"]
    assert len(all_items(client)) == 3

    client.calls.clear()
    store.disconnect("a=")
    assert client.calls == ["query", "batch_write_item", "delete_item"]


def test_many_topics_are_subscribed_to_in_few_requests(client: Any) -> None:
    store = make_store(client)
    topics = [f"topic {number}" for number in range(50)]

    store.subscribe("a=", *topics, "topic 7")

    assert client.calls == ["batch_write_item"] * 4 + ["query"]
    assert store.topics("a=") == set(topics)
    assert [list(store.subscribers(topic)) for topic in topics] == [["a="]] * 50


def test_unsubscribing_takes_three_writes_and_reads_nothing(client: Any) -> None:
    store = make_store(client)
    store.subscribe("a=", "news")
    client.calls.clear()

    store.unsubscribe("a=", "news")

    assert client.calls == ["put_item", "batch_write_item", "delete_item"]
    assert all_items(client) == []


def test_every_page_is_read(client: Any) -> None:
    store = make_store(client, shards=3)
    expected = {f"c{number}" for number in range(25)}
    for connection_id in expected:
        store.subscribe(connection_id, "news")
    for number in range(9):
        store.subscribe("c1", f"topic {number}")
    client.page_size = 2

    assert sorted(store.subscribers("news")) == sorted(expected)
    assert len(store.topics("c1")) == 10
    assert len(store.disconnect("c1")) == 10


def test_unprocessed_writes_are_written_again(client: Any) -> None:
    waits: list[float] = []
    store = make_store(client, sleep=waits.append)
    client.unprocessed = 2

    store.subscribe("a=", "news")

    assert list(store.subscribers("news")) == ["a="]
    assert store.topics("a=") == {"news"}
    assert len(waits) == 2


def test_writes_that_stay_unprocessed_are_an_error(client: Any) -> None:
    store = make_store(client, sleep=lambda _seconds: None)
    client.unprocessed = 1000

    with pytest.raises(StoreError, match="unprocessed") as caught:
        store.subscribe("a=", "news")

    assert caught.value.operation == "BatchWriteItem"
    assert caught.value.code == "UnprocessedItems"


def test_an_error_on_a_later_page_reaches_the_reader(client: Any) -> None:
    store = make_store(client)
    for number in range(6):
        store.subscribe(f"c{number}", "news")
    client.page_size = 2
    client.errors["query"] = [None, refusal("InternalServerError")]

    subscribers = store.subscribers("news")
    read = [next(subscribers), next(subscribers)]
    with pytest.raises(StoreError, match="InternalServerError"):
        list(subscribers)

    assert len(set(read)) == 2


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("ResourceNotFoundException", "wspubsub create-table subscriptions"),
        (
            "AccessDeniedException",
            "does not allow dynamodb:Query on table subscriptions",
        ),
        ("UnrecognizedClientException", "does not recognize the access key"),
        ("ExpiredTokenException", "credentials have expired"),
        ("ProvisionedThroughputExceededException", "ProvisionedThroughput"),
    ],
)
def test_an_error_says_what_to_do(client: Any, code: str, advice: str) -> None:
    store = make_store(client)
    client.errors["query"] = [refusal(code)]

    with pytest.raises(StoreError, match=advice) as caught:
        store.topics("a=")

    assert caught.value.code == code
    assert caught.value.operation == "Query"


def test_an_endpoint_that_does_not_answer_is_a_store_error(client: Any) -> None:
    store = make_store(client)
    client.errors["put_item"] = [EndpointConnectionError(endpoint_url="http://x")]

    with pytest.raises(StoreError, match="http://x") as caught:
        store.connect(Connection(id="a=", connected_at=1.0))

    assert caught.value.code == "EndpointConnectionError"


def test_a_page_without_items_is_an_error_and_not_an_empty_topic() -> None:
    store = make_store(NoItems())

    with pytest.raises(StoreError, match="has no items") as caught:
        list(store.subscribers("news"))

    assert caught.value.operation == "Query"
    assert caught.value.code == "UnreadableAnswer"


class NoItems:
    """A client that has made an empty answer of one that was cut off."""

    def query(self, **_request: Any) -> dict[str, Any]:
        return {}

    put_item = get_item = delete_item = query
    batch_write_item = transact_write_items = query


def test_missing_credentials_are_not_the_store_s_error(client: Any) -> None:
    store = make_store(client)
    client.errors["put_item"] = [NoCredentialsError()]

    with pytest.raises(CredentialsError):
        store.connect(Connection(id="a=", connected_at=1.0))


def test_an_error_that_is_not_from_aws_is_not_translated(client: Any) -> None:
    store = make_store(client)
    client.errors["put_item"] = [ZeroDivisionError()]

    with pytest.raises(ZeroDivisionError):
        store.connect(Connection(id="a=", connected_at=1.0))


def test_a_table_needs_a_name(client: Any) -> None:
    with pytest.raises(UsageError, match="name of the DynamoDB table"):
        DynamoDBSubscriptionStore("", client=client)


def test_without_a_client_boto3_makes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "DEFAULT_REGION"):
        monkeypatch.setenv(f"AWS_{name}", "us-east-1")
    with mock_aws():
        create_table(TABLE)
        store = DynamoDBSubscriptionStore(TABLE)
        store.subscribe("a=", "news")

        assert list(store.subscribers("news")) == ["a="]


def test_without_a_region_the_error_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    with pytest.raises(UsageError, match="AWS_REGION"):
        DynamoDBSubscriptionStore(TABLE)


def test_a_mark_that_cannot_be_written_is_an_error(client: Any) -> None:
    store = make_store(client)
    client.errors["put_item"] = [refusal("InternalServerError")]

    with pytest.raises(StoreError, match="InternalServerError"):
        store.mark_ready("a=")


def test_the_region_of_every_other_sdk_counts_for_boto3_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")

    with mock_aws():
        there = boto3.client("dynamodb", region_name="eu-west-1")
        create_table("chat", client=there)
        DynamoDBSubscriptionStore("chat").subscribe("a=", "news")

        assert there.scan(TableName="chat")["Count"] == 2
