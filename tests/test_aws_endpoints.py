"""Which endpoint and region the Management API of an API has."""

import pytest

from wspubsub import UsageError
from wspubsub.aws import ManagementApi
from wspubsub.aws.endpoints import management_endpoint, region_of

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
        ("ws://localhost:3001/dev", "http://localhost:3001/dev"),
    ],
)
def test_the_endpoint_is_found_in_what_a_user_has_at_hand(
    given: str, endpoint: str
) -> None:
    assert management_endpoint(given) == endpoint


@pytest.mark.parametrize(
    "given", ["", "abcdef1234", "ftp://x/prod", "/prod", "https:///prod", "http://[x"]
)
def test_what_is_no_endpoint_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="execute-api"):
        ManagementApi(given)


def test_the_default_domain_needs_its_stage() -> None:
    with pytest.raises(UsageError, match="lacks the stage"):
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
