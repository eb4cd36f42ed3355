"""Making the table."""

import re
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.contracts.stores import CREDENTIALS
from wspubsub import StoreError
from wspubsub.dynamodb import create_table, items, log_items


class WithoutTimeToLive:
    """An endpoint like dynalite, which does not know the TTL operations."""

    def __init__(self, client: Any, code: str) -> None:
        self.client = client
        self.code = code

    def __getattr__(self, operation: str) -> Any:
        if "time_to_live" in operation:
            return self._refuse
        return getattr(self.client, operation)

    def _refuse(self, **_request: Any) -> None:
        raise ClientError({"Error": {"Code": self.code}}, "UpdateTimeToLive")


class WithoutStreams:
    """An endpoint that does what it likes when a stream is asked for."""

    def __init__(self, client: Any, code: str | None) -> None:
        self.client = client
        self.code = code

    def __getattr__(self, operation: str) -> Any:
        return getattr(self.client, operation)

    def create_table(self, **request: Any) -> Any:
        request.pop("StreamSpecification")
        return self.client.create_table(**request)

    def update_table(self, **_request: Any) -> dict[str, Any]:
        if self.code is not None:
            raise ClientError({"Error": {"Code": self.code}}, "UpdateTable")
        return {"TableDescription": {"TableStatus": "ACTIVE"}}


class SlowTable:
    """An endpoint whose table takes a while to become active."""

    def __init__(self, client: Any, descriptions: int) -> None:
        self.client = client
        self.descriptions = descriptions

    def __getattr__(self, operation: str) -> Any:
        return getattr(self.client, operation)

    def describe_table(self, **request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.describe_table(**request)
        self.descriptions -= 1
        if self.descriptions >= 0:
            answer["Table"]["TableStatus"] = "CREATING"
        return answer


class SlowStream(SlowTable):
    """An endpoint whose table is not active for a while when a stream is added."""

    def update_table(self, **request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.update_table(**request)
        self.descriptions = 2
        return answer


@pytest.fixture
def client() -> Any:
    with mock_aws():
        yield boto3.client("dynamodb", **CREDENTIALS)


def test_the_table_is_on_demand_with_a_time_to_live(client: Any) -> None:
    create_table("subscriptions", client=client)

    table = client.describe_table(TableName="subscriptions")["Table"]
    ttl = client.describe_time_to_live(TableName="subscriptions")
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert ttl["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expires_at",
    }


def test_making_the_table_again_changes_nothing(client: Any) -> None:
    create_table("subscriptions", client=client)
    item = {"pk": {"S": "C#a"}, "sk": {"S": "#"}}
    client.put_item(TableName="subscriptions", Item=item)

    create_table("subscriptions", client=client)

    assert client.scan(TableName="subscriptions")["Items"] == [item]


def test_it_waits_until_the_table_is_active(client: Any) -> None:
    waits: list[float] = []
    slow = SlowTable(client, descriptions=3)

    create_table("subscriptions", client=slow, sleep=waits.append)

    assert waits == [0.5, 0.5, 0.5]


def test_a_table_that_never_becomes_active_is_an_error(client: Any) -> None:
    slow = SlowTable(client, descriptions=10**9)
    waits: list[float] = []

    with pytest.raises(StoreError, match="did not become active") as caught:
        create_table("subscriptions", client=slow, sleep=waits.append)

    assert sum(waits) == 120
    assert (caught.value.operation, caught.value.code) == ("DescribeTable", "Timeout")


def test_a_table_with_other_keys_is_refused(client: Any) -> None:
    client.create_table(
        TableName="other",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )

    with pytest.raises(StoreError, match="exists with other keys") as caught:
        create_table("other", client=client)

    assert caught.value.operation == "DescribeTable"
    assert caught.value.code == "WrongKeySchema"


@pytest.mark.parametrize("code", ["UnknownOperationException", "ValidationException"])
def test_an_endpoint_without_time_to_live_gives_a_warning(
    client: Any, code: str
) -> None:
    with pytest.warns(UserWarning, match="does not support time to live") as caught:
        create_table("subscriptions", client=WithoutTimeToLive(client, code))

    assert [warning.filename for warning in caught] == [__file__]
    assert client.list_tables()["TableNames"] == ["subscriptions"]


def test_a_time_to_live_that_may_not_be_set_is_an_error(client: Any) -> None:
    refusing = WithoutTimeToLive(client, "AccessDeniedException")

    with pytest.raises(StoreError, match="does not allow dynamodb:UpdateTimeToLive"):
        create_table("subscriptions", client=refusing)


def test_a_table_that_may_not_be_made_is_an_error() -> None:
    class Refusing:
        def __getattr__(self, operation: str) -> Any:
            def refuse(**_request: Any) -> None:
                raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "x")

            return refuse

    with pytest.raises(StoreError, match="does not allow dynamodb:CreateTable"):
        create_table("subscriptions", client=Refusing())


def test_a_stream_has_new_and_old_images(client: Any) -> None:
    create_table("subscriptions", client=client, stream=True)

    table = client.describe_table(TableName="subscriptions")["Table"]
    assert table["StreamSpecification"] == {
        "StreamEnabled": True,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }


def test_a_table_without_a_stream_gets_it_once(client: Any) -> None:
    create_table("subscriptions", client=client)

    arns = []
    for has_stream in (True, True, False):
        create_table("subscriptions", client=client, stream=has_stream)
        table = client.describe_table(TableName="subscriptions")["Table"]
        arns.append(table["LatestStreamArn"])

    assert len(set(arns)) == 1


def test_it_waits_until_the_table_is_active_with_its_stream(client: Any) -> None:
    waits: list[float] = []
    create_table("subscriptions", client=client)
    slow = SlowStream(client, descriptions=0)

    create_table("subscriptions", client=slow, stream=True, sleep=waits.append)

    assert waits == [0.5, 0.5]


def test_a_stream_of_another_kind_is_refused(client: Any) -> None:
    create_table("subscriptions", client=client)
    client.update_table(
        TableName="subscriptions",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )

    with pytest.raises(StoreError, match="has a stream of KEYS_ONLY") as caught:
        create_table("subscriptions", client=client, stream=True)

    assert caught.value.operation == "DescribeTable"
    assert caught.value.code == "WrongStreamViewType"


@pytest.mark.parametrize("code", [None, "ValidationException"])
def test_an_endpoint_without_streams_is_an_error(client: Any, code: str | None) -> None:
    without = WithoutStreams(client, code)

    with pytest.raises(StoreError, match="endpoint does not support streams") as caught:
        create_table("subscriptions", client=without, stream=True)

    assert (caught.value.operation, caught.value.code) == ("UpdateTable", "NoStreams")


def test_a_stream_that_may_not_be_enabled_is_an_error(client: Any) -> None:
    refusing = WithoutStreams(client, "AccessDeniedException")

    with pytest.raises(StoreError, match="does not allow dynamodb:UpdateTable"):
        create_table("subscriptions", client=refusing, stream=True)


@pytest.mark.parametrize("name", ["news", "", "#", "user/1", "QUIZ#1", "ü"])
def test_keys_that_do_not_begin_with_a_letter_and_a_hash_are_the_users(
    name: str,
) -> None:
    partitions = [
        items.connection_partition(name),
        items.topic_partition(name, 0),
        items.presence_partition(name),
        items.user_partition(name),
        log_items.log_partition(name),
        log_items.key_key(name, name)["pk"]["S"],
    ]

    assert all(re.match(r"[A-Z]#", each) for each in partitions)
    assert len({each[0] for each in partitions}) == len(partitions)
