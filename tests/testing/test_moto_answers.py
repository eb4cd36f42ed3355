"""Rules of faults where moto answers for AWS, in the account of `wspubsub_aws`."""

import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from wspubsub import MessageEvent, Router, StoreError
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore
from wspubsub.errors import AccessDeniedError
from wspubsub.testing import Account, Faults, InProcessGateway

ANN = "AAAAAAAAAAAAAAA="
NEWS = {"pk": {"S": "L#news"}, "sk": {"S": "1"}}
SPORT = {"pk": {"S": "L#sport"}, "sk": {"S": "1"}}


def rule(action: str, service: str = "dynamodb", /, **options: Any) -> dict[str, Any]:
    matched = {"operation", "connection", "topic", "table"}
    match = {name: options.pop(name) for name in matched & options.keys()}
    return {"match": {"service": service, **match}, "action": action, **options}


def open_once(service: str, **options: Any) -> Any:
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client(service, config=once, **options)


def test_boto3_sees_dynamodb_fail_as_on_aws(wspubsub_aws: Account) -> None:
    client = open_once("dynamodb")
    table, codes = wspubsub_aws.table, []
    wspubsub_aws.faults.set_rules(
        [
            rule("throttle", operation="GetItem", times=1),
            rule("throttle", table="wspub*", code="ThrottlingException", times=1),
            rule("fail", topic="news", times=1),
            rule("fail", status=503, topic="news", times=1),
            rule("fail", table="other"),
            rule("fail", topic="other", connection=ANN),
        ]
    )

    for _ in range(4):
        with pytest.raises(ClientError) as failed:
            client.get_item(TableName=table, Key=NEWS)
        codes.append(failed.value.response["Error"]["Code"])

    assert codes == [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "InternalServerError",
        "ServiceUnavailable",
    ]
    assert "Item" not in client.get_item(TableName=table, Key=NEWS)


def test_a_request_or_its_answer_is_lost(wspubsub_aws: Account) -> None:
    client, table = open_once("dynamodb"), wspubsub_aws.table
    wspubsub_aws.faults.set_rules(
        [
            rule("lose_answer", operation="PutItem", topic="news", times=1),
            rule("lose_request", operation="Put*", topic="sport", times=1),
        ]
    )

    for key in (NEWS, SPORT):
        with pytest.raises(ReadTimeoutError):
            client.put_item(TableName=table, Item=key)

    items = client.scan(TableName=table)["Items"]
    assert items == [NEWS]


def test_a_store_fails_inside_of_a_handler_and_the_client_is_told(
    wspubsub_aws: Account,
) -> None:
    store = DynamoDBSubscriptionStore(wspubsub_aws.table)
    router = Router()

    @router.default
    def join(event: MessageEvent) -> None:
        store.subscribe(event.connection_id, event.body)

    gateway = InProcessGateway(router)
    client = gateway.connect()
    gateway.faults.set_rules([rule("throttle", topic="news")])
    began = gateway.now()

    with gateway.expect_error(StoreError, match="ProvisionedThroughputExceeded"):
        client.send("news")
    client.send("sport")

    assert client.receive_json()["message"] == "Internal server error"
    client.expect_nothing()
    assert store.topics(client.connection_id) == {"sport"}
    # boto3's pauses between its attempts are the gateway's time.
    assert gateway.faults.to_json()[0]["hits"] > 1
    assert gateway.now() > began


def test_what_is_slow_takes_the_gateway_s_time(wspubsub_aws: Account) -> None:
    store = DynamoDBSubscriptionStore(wspubsub_aws.table)
    gateway = InProcessGateway(Router())
    wspubsub_aws.faults.set_rules([rule("slow", seconds=600, topic="news", times=1)])
    began = gateway.now()

    store.subscribe(ANN, "news")

    assert gateway.now() == began + 600
    assert store.topics(ANN) == {"news"}


def test_without_a_gateway_it_is_slow_in_real_time_or_as_the_test_says(
    wspubsub_aws: Account,
) -> None:
    assert wspubsub_aws.faults.wait is time.sleep
    waited: list[float] = []
    wspubsub_aws.faults.wait = waited.append
    wspubsub_aws.faults.set_rules(
        [
            rule("slow", seconds=5, times=1),
            rule("lose_request", seconds=3, times=1),
        ]
    )
    client = open_once("dynamodb")

    client.get_item(TableName=wspubsub_aws.table, Key=NEWS)
    with pytest.raises(ReadTimeoutError):
        client.get_item(TableName=wspubsub_aws.table, Key=NEWS)

    assert waited == [5, 3]


def test_posts_that_moto_answers_obey_too(wspubsub_aws: Account) -> None:
    url = "https://abcdef1234.execute-api.us-east-1.amazonaws.com/dev"
    wspubsub_aws.faults.set_rules(
        [
            rule("gone", "management", connection="B*"),
            rule("forbidden", "management", topic="news"),
        ]
    )
    posting = open_once("apigatewaymanagementapi", endpoint_url=url)

    posting.post_to_connection(ConnectionId=ANN, Data=b"{}")
    with pytest.raises(posting.exceptions.GoneException):
        posting.post_to_connection(ConnectionId="BB=", Data=b"{}")
    with pytest.raises(AccessDeniedError):
        ManagementApi(url).post(ANN, b'{"topic": "news"}')


def test_a_post_that_a_gateway_answers_fails_once(wspubsub_aws: Account) -> None:
    router = Router()

    @router.default
    def echo(event: MessageEvent) -> None:
        api.post(event.connection_id, event.body.encode())

    gateway = InProcessGateway(router)
    api = ManagementApi(f"https://{gateway.config.default_host}/dev")
    client = gateway.connect()
    wspubsub_aws.faults.set_rules([rule("lose_answer", "management", times=1)])

    client.send("hello")

    assert client.receive_all() == ["hello", "hello"]
    assert wspubsub_aws.faults.to_json()[0]["hits"] == 1


def test_all_fixtures_have_the_same_rules(
    wspubsub_gateway: InProcessGateway,
    wspubsub_aws: Account,
    wspubsub_faults: Faults,
) -> None:
    assert wspubsub_gateway.faults is wspubsub_aws.faults is wspubsub_faults
    assert InProcessGateway().faults is wspubsub_faults
    own = Faults()
    assert InProcessGateway(faults=own).faults is own


def test_where_no_account_is_a_gateway_has_rules_of_its_own(
    wspubsub_faults: Faults,
) -> None:
    assert InProcessGateway().faults is not wspubsub_faults


def test_two_gateways_with_the_same_rules_each_have_their_own_time() -> None:
    faults = Faults()
    router = Router()
    first, second = (InProcessGateway(router, faults=faults) for _ in range(2))
    faults.set_rules(
        [
            rule("slow", "function", seconds=2, times=1),
            rule("slow", "management", seconds=3, times=1),
        ]
    )
    began, other = first.now(), second.now()

    client = first.connect()
    first.connections.post(client.connection_id, b"x")

    assert (first.now() - began, second.now() - other) == (5, 0)
