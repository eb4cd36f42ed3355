"""Which endpoint and region the Management API of an API has."""

import boto3
import pytest

from tests.contracts.stores import CREDENTIALS
from wspubsub import UsageError
from wspubsub.aws import ManagementApi
from wspubsub.aws.endpoints import management_endpoint, region_of, region_of_queue
from wspubsub.aws.failures import explain_denial

DEFAULT_DOMAIN = "abcdef1234.execute-api.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        (f"https://{DEFAULT_DOMAIN}/prod", f"https://{DEFAULT_DOMAIN}/prod"),
        (f"wss://{DEFAULT_DOMAIN}/prod/", f"https://{DEFAULT_DOMAIN}/prod"),
        (
            f"https://{DEFAULT_DOMAIN}/prod/@connections",
            f"https://{DEFAULT_DOMAIN}/prod",
        ),
        ("https://ws.example.com", "https://ws.example.com"),
        ("https://ws.example.com/mapping", "https://ws.example.com/mapping"),
        (
            f"https://{DEFAULT_DOMAIN}/prod/@connections/L0SM9cOFvHcCIhw%3D",
            f"https://{DEFAULT_DOMAIN}/prod",
        ),
        ("ws://localhost:3001/dev", "http://localhost:3001/dev"),
    ],
)
def test_the_endpoint_is_found_in_what_a_user_has_at_hand(
    given: str, endpoint: str
) -> None:
    assert management_endpoint(given) == endpoint


@pytest.mark.parametrize(
    "given",
    [
        "",
        "abcdef1234",
        "ftp://x/prod",
        "/prod",
        "https:///prod",
        "http://[x",
        "http://localhost:port/dev",
        "http://user:password@localhost:3001/dev",
        "http://localhost:3001/my stage",
    ],
)
def test_what_is_no_endpoint_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="execute-api"):
        ManagementApi(given)


def test_the_default_domain_needs_its_stage() -> None:
    with pytest.raises(UsageError, match="has no stage"):
        ManagementApi(f"https://{DEFAULT_DOMAIN}")


@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        (f"https://{DEFAULT_DOMAIN}/prod", "us-east-1"),
        ("https://a.execute-api.cn-north-1.amazonaws.com.cn/prod", "cn-north-1"),
        ("https://ws.example.com", "eu-west-1"),
    ],
)
def test_the_region_is_in_the_default_domain_or_in_the_environment(
    endpoint: str, region: str
) -> None:
    assert region_of(endpoint, {"AWS_REGION": "eu-west-1"}) == region


def test_the_region_may_stand_in_the_older_variable() -> None:
    environment = {"AWS_DEFAULT_REGION": "eu-west-1"}

    assert region_of("https://ws.example.com", environment) == "eu-west-1"


def test_a_custom_domain_needs_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(UsageError, match="AWS_REGION"):
        ManagementApi("https://ws.example.com")


def test_in_the_lambda_runtime_a_custom_domain_needs_a_region_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")

    with pytest.raises(UsageError, match="AWS_REGION"):
        ManagementApi("https://ws.example.com")


def test_a_client_of_ones_own_knows_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url="https://ws.example.com",
        **CREDENTIALS,
    )
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    api = ManagementApi("https://ws.example.com", client=client)

    assert isinstance(api, ManagementApi)


@pytest.mark.parametrize(
    ("region", "suffix", "arn"),
    [
        ("eu-west-1", "", "arn:aws:execute-api:eu-west-1:"),
        ("cn-north-1", ".cn", "arn:aws-cn:execute-api:cn-north-1:"),
        ("us-gov-west-1", "", "arn:aws-us-gov:execute-api:us-gov-west-1:"),
    ],
)
def test_the_statement_that_is_missing_names_the_partition(
    region: str, suffix: str, arn: str
) -> None:
    endpoint = f"https://abcdef1234.execute-api.{region}.amazonaws.com{suffix}/prod"

    text = explain_denial(endpoint, "Forbidden")

    assert f"{arn}ACCOUNT:abcdef1234/prod/*/@connections/*" in text


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/fan-out", "eu-west-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/1/q", "cn-north-1"),
        ("https://sqs-fips.us-west-2.amazonaws.com/1/q", "us-west-2"),
        ("https://sqs.eu-west-1.api.aws/1/q", "eu-west-1"),
        (
            "https://vpce-0a1-b2.sqs.ap-south-1.vpce.amazonaws.com/1/q",
            "ap-south-1",
        ),
        ("https://eu-central-1.queue.amazonaws.com/1/q", "eu-central-1"),
        ("https://queue.amazonaws.com/1/q", None),
        ("http://127.0.0.1:9324/1/q", None),
        ("http://sqs.us-east-1.localhost.localstack.cloud:4566/1/q", None),
        ("https://sqs.eu-west-1.example.com/1/q", None),
    ],
)
def test_a_queue_s_region_is_that_of_its_url(url: str, region: str | None) -> None:
    assert region_of_queue(url) == region
