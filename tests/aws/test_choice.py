"""When the engine stands in for boto3."""

import select
import threading
from pathlib import Path

import boto3
import pytest

from wspubsub import CredentialsError, UsageError
from wspubsub.aws.choice import boto3_client, is_engine_fit
from wspubsub.dynamodb import DynamoDBSubscriptionStore, DynamoDBTopicLog

LAMBDA = {
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "s",
}


def test_inside_lambda_it_is_the_engine() -> None:
    assert is_engine_fit(LAMBDA)


def test_on_a_system_without_poll_it_is_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "poll")

    assert not is_engine_fit(LAMBDA)


@pytest.mark.parametrize("missing", sorted(LAMBDA))
def test_elsewhere_it_is_boto3(missing: str) -> None:
    environment = {name: value for name, value in LAMBDA.items() if name != missing}

    assert not is_engine_fit(environment)


@pytest.mark.parametrize(
    "name",
    [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
    ],
)
def test_anything_unusual_is_for_boto3(name: str) -> None:
    assert not is_engine_fit({**LAMBDA, name: "x"})
    assert is_engine_fit({**LAMBDA, name: ""})


@pytest.mark.parametrize(
    "name",
    [
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    ],
)
def test_a_switch_is_unusual_only_if_it_is_on(name: str) -> None:
    assert not is_engine_fit({**LAMBDA, name: "true"})
    assert not is_engine_fit({**LAMBDA, name: "True"})
    assert is_engine_fit({**LAMBDA, name: "false"})


def test_with_snap_start_there_are_no_keys_so_it_is_boto3() -> None:
    environment = {
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9002/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token",
    }

    assert not is_engine_fit(environment)


@pytest.mark.parametrize(
    ("region", "is_fit"), [("us-iso-east-1", False), ("cn-north-1", True)]
)
def test_isolated_regions_are_for_boto3(
    region: str,
    is_fit: bool,
) -> None:
    assert is_engine_fit({**LAMBDA, "AWS_REGION": region}) is is_fit
    assert is_engine_fit({**LAMBDA, "AWS_DEFAULT_REGION": region}) is is_fit
    both = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": region}
    assert is_engine_fit({**LAMBDA, **both})


def test_boto3_s_clients_keep_the_connections_of_all_threads() -> None:
    client = boto3_client(
        "dynamodb", region="eu-west-1", endpoint_url="http://localhost:1"
    )

    config = client.meta.config
    client.close()

    assert config.max_pool_connections == 1024
    assert (config.connect_timeout, config.read_timeout) == (2.0, 5.0)
    assert config.retries == {"mode": "standard", "total_max_attempts": 4}


@pytest.mark.parametrize("service", ["dynamodb", "sqs", "apigatewaymanagementapi"])
@pytest.mark.parametrize("profile", ["absent", "process"])
def test_a_profile_that_gives_nothing_is_one_error_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str, profile: str
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile process]\ncredential_process = /bin/false\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", profile)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    with pytest.raises(CredentialsError, match="AWS_PROFILE"):
        boto3_client(service, region="eu-west-1", endpoint_url="http://localhost:1")


@pytest.mark.parametrize("make", [DynamoDBSubscriptionStore, DynamoDBTopicLog])
def test_without_a_region_the_store_and_the_log_are_told_what_to_set(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: type[DynamoDBSubscriptionStore] | type[DynamoDBTopicLog],
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    with pytest.raises(UsageError, match="AWS_REGION"):
        make("table")


def test_what_else_keeps_a_client_from_being_made_is_an_error_of_ours() -> None:
    with pytest.raises(UsageError, match="cannot create a client for dynamodb"):
        boto3_client("dynamodb", region="not a region")


def test_threads_make_clients_of_boto3_one_after_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # boto3's default session, which makes them, is not safe to use from threads.
    calls: list[str] = []
    is_second_there = threading.Event()
    second = threading.Thread(target=boto3_client, args=("second",))

    def make(service: str, **_: object) -> object:
        calls.append(service)
        if service == "first":
            second.start()
            assert not is_second_there.wait(0.2)
        else:
            is_second_there.set()
        return object()

    monkeypatch.setattr(boto3, "client", make)

    boto3_client("first")
    second.join()

    assert calls == ["first", "second"]
