"""A handler that posts through boto3, unchanged, on the in-process gateway."""

import functools
import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from wspubsub.testing import GatewayConfig, InProcessGateway

ENDPOINT = "https://abcdef1234.execute-api.us-east-1.amazonaws.com/dev"
UNKNOWN = "AAAAAAAAAAAAAAA="


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # What is not for the gateway goes to moto, never to the network.
    with mock_aws():
        yield


def management_client(endpoint: str = ENDPOINT, **options: Any) -> Any:
    session = boto3.session.Session()
    return session.client("apigatewaymanagementapi", endpoint_url=endpoint, **options)


def id_of(event: Any) -> str:
    return str(event["requestContext"]["connectionId"])


def test_what_a_plain_boto3_handler_posts_reaches_the_client() -> None:
    @functools.cache
    def client() -> Any:
        return management_client()

    def handler(event: Any, _context: Any) -> dict[str, int]:
        if "body" in event:
            client().post_to_connection(ConnectionId=id_of(event), Data=event["body"])
        return {"statusCode": 200}

    gateway = InProcessGateway(handler)
    reader = gateway.connect()

    reader.send("grüße")
    reader.send("again")

    assert reader.receive_all() == ["grüße", "again"]


def test_boto3_sees_the_errors_of_the_gateway() -> None:
    caught: list[str] = []

    def handler(_event: Any, _context: Any) -> dict[str, int]:
        client = management_client()
        for connection_id in (UNKNOWN, "malformed"):
            try:
                client.post_to_connection(ConnectionId=connection_id, Data=b"x")
            except client.exceptions.GoneException:
                caught.append("gone")
            except client.exceptions.ClientError as error:
                caught.append(error.response["Error"]["Code"])
        return {"statusCode": 200}

    InProcessGateway(handler).connect()

    assert caught == ["gone", "BadRequestException"]


def test_boto3_may_ask_about_connections_and_close_them() -> None:
    found: list[Any] = []

    def handler(event: Any, _context: Any) -> dict[str, int]:
        if "body" in event:
            client = management_client(ENDPOINT.replace("/dev", "/other"))
            found.append(client.get_connection(ConnectionId=id_of(event)))
            client.delete_connection(ConnectionId=id_of(event))
        return {"statusCode": 200}

    gateway = InProcessGateway(handler, config=GatewayConfig(stage="other"))
    reader = gateway.connect(headers={"User-Agent": "UA"})

    reader.send("x")

    assert found[0]["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "UA"}
    assert found[0]["ConnectedAt"].timestamp() == gateway.now()
    assert reader.close_code == 1000


@pytest.mark.parametrize(
    "data",
    [b"x", "x", io.BytesIO(b"x")],
    ids=["bytes", "text", "file"],
)
def test_data_may_be_all_that_boto3_takes(data: object) -> None:
    gateway = InProcessGateway(lambda _event, _context: {"statusCode": 200})
    reader = gateway.connect()

    with gateway.serving():
        management_client().post_to_connection(
            ConnectionId=reader.connection_id, Data=data
        )

    reader.expect("x")


# A module under test makes its client when it is imported, before any gateway exists;
# in this process there was one long ago.
EARLY_CLIENT = f"""
import boto3
from moto import mock_aws
from wspubsub.testing import InProcessGateway

boto3.setup_default_session()
with mock_aws():
    early = boto3.client("apigatewaymanagementapi", endpoint_url="{ENDPOINT}")
    gateway = InProcessGateway(lambda _event, _context: {{"statusCode": 200}})
    late = boto3.client("apigatewaymanagementapi", endpoint_url="{ENDPOINT}")
    reader = gateway.connect()
    with gateway.serving():
        for name, client in (("early", early), ("late", late)):
            client.post_to_connection(ConnectionId=reader.connection_id, Data=name)
    print(reader.receive_all())
"""


def test_a_client_that_existed_before_the_first_gateway_is_served_too() -> None:
    run = subprocess.run(
        [sys.executable, "-c", EARLY_CLIENT],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert run.stderr == ""
    assert run.stdout == "['early', 'late']\n"


def test_threads_of_a_handler_may_post_at_the_same_time() -> None:
    def handler(event: Any, _context: Any) -> dict[str, int]:
        if "body" in event:
            client = management_client(
                config=boto3.session.Config(max_pool_connections=4)
            )
            threads = [
                threading.Thread(
                    target=client.post_to_connection,
                    kwargs={"ConnectionId": reader.connection_id, "Data": str(number)},
                )
                for reader in readers
                for number in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(timeout=30)
        return {"statusCode": 200}

    gateway = InProcessGateway(handler)
    readers = [gateway.connect() for _ in range(5)]

    readers[0].send("go")

    for reader in readers:
        assert sorted(reader.receive_all()) == ["0", "1", "2", "3"]


def test_scripted_faults_reach_boto3() -> None:
    gateway = InProcessGateway(lambda _event, _context: {"statusCode": 200})
    reader = gateway.connect()
    config = boto3.session.Config(retries={"total_max_attempts": 1})
    client = management_client(config=config)
    gateway.connections.throttle(reader.connection_id)

    with gateway.serving():
        with pytest.raises(client.exceptions.LimitExceededException):
            client.post_to_connection(ConnectionId=reader.connection_id, Data=b"1")
        client.post_to_connection(ConnectionId=reader.connection_id, Data=b"2")

    assert reader.receive_all() == ["2"]


def test_outside_of_invocations_boto3_goes_its_own_way() -> None:
    gateway = InProcessGateway(lambda _event, _context: {"statusCode": 200})
    reader = gateway.connect()

    # moto takes it, for which every connection exists.
    management_client().post_to_connection(ConnectionId=reader.connection_id, Data=b"x")

    reader.expect_nothing()


def endpoint_of(gateway: InProcessGateway, stage: str = "/dev") -> str:
    return f"https://{gateway.config.default_host}{stage}"


def accept(_event: Any, _context: Any) -> dict[str, int]:
    return {"statusCode": 200}


def test_a_post_goes_to_the_api_that_its_endpoint_names() -> None:
    other = InProcessGateway(accept, config=GatewayConfig(api_id="bbbbbbbbbb"))
    reader = other.connect()

    def bridge(event: Any, _context: Any) -> dict[str, int]:
        if "body" in event:
            client = management_client(endpoint_of(other))
            client.post_to_connection(ConnectionId=reader.connection_id, Data="over")
            client = management_client(endpoint_of(gateway))
            client.post_to_connection(ConnectionId=id_of(event), Data="back")
        return {"statusCode": 200}

    gateway = InProcessGateway(bridge, config=GatewayConfig(api_id="aaaaaaaaaa"))
    writer = gateway.connect()
    with other.serving():
        writer.send("x")

    assert reader.connection_id != writer.connection_id
    reader.expect("over")
    writer.expect("back")


def test_two_gateways_in_two_threads_each_have_their_own_posts() -> None:
    both_run = threading.Barrier(2, timeout=30)

    def handler(event: Any, _context: Any) -> dict[str, int]:
        if "body" in event:
            both_run.wait()
            client = management_client()
            client.post_to_connection(ConnectionId=id_of(event), Data=event["body"])
            both_run.wait()
        return {"statusCode": 200}

    readers = [InProcessGateway(handler, seed=seed).connect() for seed in range(2)]
    threads = [
        threading.Thread(target=reader.send, args=(str(number),))
        for number, reader in enumerate(readers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert [reader.receive_all() for reader in readers] == [["0"], ["1"]]


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("https://abcdef1234.execute-api.us-east-1.amazonaws.com/prod", "stage 'prod'"),
        ("https://abcdef1234.execute-api.us-east-1.amazonaws.com", "stage ''"),
        ("http://127.0.0.1:3001/stage", "stage 'stage'"),
        ("https://bbbbbbbbbb.execute-api.us-east-1.amazonaws.com/dev", "bbbbbbbbbb"),
    ],
)
def test_a_wrong_stage_or_api_is_403_and_the_log_says_why(
    endpoint: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = InProcessGateway(accept, config=GatewayConfig(api_id="abcdef1234"))
    reader = gateway.connect()
    client = management_client(endpoint)

    with gateway.serving(), pytest.raises(client.exceptions.ForbiddenException):
        client.post_to_connection(ConnectionId=reader.connection_id, Data="x")

    reader.expect_nothing()
    assert said in caplog.text


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://ws.example.com",
        "https://ws.example.com/mapped",
        "http://localhost:3001/dev",
    ],
)
def test_a_custom_domain_name_is_mapped_to_the_stage(endpoint: str) -> None:
    gateway = InProcessGateway(accept)
    reader = gateway.connect()

    with gateway.serving():
        management_client(endpoint).post_to_connection(
            ConnectionId=reader.connection_id, Data="x"
        )

    reader.expect("x")
