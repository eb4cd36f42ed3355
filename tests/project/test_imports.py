"""What a cold Lambda loads."""

import os
import subprocess
import sys

import pytest

from wspubsub import aws
from wspubsub.aws.clients import ManagementClient

HEAVY = [
    "argparse",
    "asyncio",
    "boto3",
    "botocore",
    "concurrent",
    "dataclasses",
    "h11",
    "http",
    "inspect",
    "moto",
    "random",
    "typing_extensions",
    "urllib",
    "websockets",
]
APPLICATION = """
from wspubsub import Publisher, Router
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore

store = DynamoDBSubscriptionStore("subscriptions")
endpoint = "https://abcdef1234.execute-api.us-east-1.amazonaws.com/prod"
publisher = Publisher(store, ManagementApi(endpoint))
handler = Router()
"""
PUBSUB = """
from functools import partial

from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBMemberStore
from wspubsub.fanout import Queue
from wspubsub.pubsub import PubSub

class Table:
    def query(self, **request):
        return {{"Items": []}}

pubsub = PubSub(
    DynamoDBMemberStore("t", client=Table()),
    ManagementApi("https://abcdef1234.execute-api.us-east-1.amazonaws.com/prod"),
    queue=partial(Queue, "https://sqs.us-east-1.amazonaws.com/123456789012/q"),
)
pubsub.topic("room", presence=True, join_leave=True, grace_seconds={grace})
assert pubsub.publish("room", 1).delivered == 0
"""
LATER = {
    "hmac",
    "wspubsub.aws.clients",
    "wspubsub.aws.forks",
    "wspubsub.aws.meanings",
    "wspubsub.aws.verdicts",
    "wspubsub.dynamodb.batches",
    "wspubsub.dynamodb.pages",
    "wspubsub.dynamodb.pairs",
    "wspubsub.dynamodb.removal",
    "wspubsub.dynamodb.segments",
    "wspubsub.dynamodb.subscribers",
    "wspubsub.dynamodb.timeouts",
}
STAYS = {
    "wspubsub.dynamodb.member_stays",
    "wspubsub.pubsub.stays",
    "wspubsub.subscriptions.stays",
}
LAMBDA = {
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "s",
    "AWS_REGION": "us-east-1",
}


def loaded_by(code: str, environment: dict[str, str]) -> set[str]:
    report = f"{code}\nimport sys\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", report],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(result.stdout.split())


@pytest.mark.parametrize("name", HEAVY)
def test_importing_wspubsub_stays_light(name: str, loaded: set[str]) -> None:
    assert name not in loaded


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    return find_packages("import wspubsub", {})


def find_packages(code: str, environment: dict[str, str]) -> set[str]:
    return {name.partition(".")[0] for name in loaded_by(code, environment)}


def test_inside_lambda_a_whole_application_loads_no_sdk() -> None:
    modules = find_packages(APPLICATION, LAMBDA)

    assert modules.isdisjoint(HEAVY)
    assert "wspubsub" in modules


def test_a_store_that_is_only_made_loads_nothing_of_what_it_does_later() -> None:
    assert loaded_by(APPLICATION, LAMBDA).isdisjoint(LATER)


def test_an_application_without_grace_loads_nothing_of_stays() -> None:
    assert loaded_by(PUBSUB.format(grace=None), LAMBDA).isdisjoint(STAYS)
    assert "wspubsub.pubsub.stays" in loaded_by(PUBSUB.format(grace=10), LAMBDA)


def test_a_client_of_ones_own_does_without_the_engine() -> None:
    api = (
        "from wspubsub.aws import ManagementApi\n"
        "ManagementApi('http://localhost:3000/local', client=object())"
    )
    engine = {"wspubsub.aws.engine_connections", "wspubsub.aws.sdk_access"}

    assert loaded_by(api, {}).isdisjoint(engine)


def test_a_port_that_is_loaded_late_is_part_of_its_package() -> None:
    assert aws.ManagementClient is ManagementClient
    unknown = "ManagementServer"
    with pytest.raises(AttributeError, match=unknown):
        getattr(aws, unknown)
