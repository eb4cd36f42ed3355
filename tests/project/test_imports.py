"""What a cold Lambda loads."""

import os
import subprocess
import sys

import pytest

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
    return {name.partition(".")[0] for name in result.stdout.split()}


@pytest.mark.parametrize("name", HEAVY)
def test_importing_wspubsub_stays_light(name: str, loaded: set[str]) -> None:
    assert name not in loaded


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    return loaded_by("import wspubsub", {})


def test_inside_lambda_a_whole_application_loads_no_sdk() -> None:
    modules = loaded_by(APPLICATION, LAMBDA)

    assert modules.isdisjoint(HEAVY)
    assert "wspubsub" in modules
