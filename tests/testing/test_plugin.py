"""The pytest plugin and what the package says about itself."""

import doctest
import subprocess
import sys
from importlib.metadata import entry_points
from types import ModuleType

import pytest

from wspubsub import (
    History,
    MemoryMemberStore,
    MemorySubscriptionStore,
    MessageEvent,
    Publisher,
    Router,
    StoreError,
    UsageError,
    testing,
)
from wspubsub.pubsub import ANYONE, PubSub, User
from wspubsub.testing import (
    Account,
    Faults,
    GatewayConfig,
    HandshakeRefused,
    InProcessGateway,
    RecordingConnections,
    ScriptedStore,
    events,
    gateway,
    pubsub_client,
    recording,
    scripted,
)
from wspubsub.testing.account import run_account

pytest_plugins = ("pytester",)

HEAVY = (
    "asyncio", "aiohttp", "awslambdaric", "boto3", "botocore", "h11", "http.client",
    "moto", "socket", "ssl", "websockets",
)  # fmt: skip


def test_the_fixtures_work_together(
    wspubsub_gateway: InProcessGateway, wspubsub_store: ScriptedStore
) -> None:
    publisher = Publisher(wspubsub_store, wspubsub_gateway.connections)
    router = Router()

    @router.default
    def default(event: MessageEvent) -> None:
        wspubsub_store.subscribe(event.connection_id, event.body)
        publisher.publish(event.body, "welcome")

    wspubsub_gateway.handler = router
    client = wspubsub_gateway.connect()
    client.send("news")

    client.expect("welcome")
    wspubsub_gateway.advance(hours=3)
    assert list(wspubsub_store.subscribers("news")) == []


def test_the_store_is_one_for_a_pubsub_too(
    wspubsub_gateway: InProcessGateway, wspubsub_store: ScriptedStore
) -> None:
    pubsub = PubSub(wspubsub_store, wspubsub_gateway.connections)
    pubsub.connect(lambda _request: User("ada"))
    wspubsub_gateway.handler = pubsub
    client = wspubsub_gateway.connect()
    wspubsub_store.fail("begin_session")

    with wspubsub_gateway.expect_error(StoreError):
        client.send({"id": 1, "connect": {}})

    assert client.receive_json()["error"]["temporary"]


@pytest.mark.parametrize("number", [1, 2])
def test_each_test_has_a_gateway_and_a_store_of_its_own(
    wspubsub_gateway: InProcessGateway, wspubsub_store: ScriptedStore, number: int
) -> None:
    assert wspubsub_store.snapshot() == {}

    wspubsub_gateway.handler = Router()
    client = wspubsub_gateway.connect()
    wspubsub_store.subscribe(client.connection_id, f"topic-{number}")

    assert client.connection_id == "Qr3o66HG89q0krY="
    assert wspubsub_store.snapshot().keys() == {f"topic-{number}"}


APP = """
import os

from wspubsub import MessageEvent, Publisher, Router
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore

store = DynamoDBSubscriptionStore(os.environ["WSPUBSUB_TABLE"])
publisher = Publisher(store, ManagementApi(os.environ["WSPUBSUB_ENDPOINT"]))
handler = Router()


@handler.default
def join(event: MessageEvent) -> None:
    store.subscribe(event.connection_id, "news")
    publisher.publish("news", event.body)
"""

TESTS = """
import os

import pytest

from wspubsub.testing import InProcessGateway


@pytest.fixture
def gateway(wspubsub_aws):
    from app import handler

    return InProcessGateway(handler)


@pytest.mark.parametrize("text", ["one", "two"])
def test_the_table_is_empty_each_time(gateway, text):
    client = gateway.connect()
    client.send(text)
    client.expect(text)
    assert "AWS_PROFILE" not in os.environ


def test_nothing_is_left_in_the_environment():
    assert os.environ["AWS_PROFILE"] == "mine"
    assert os.environ["WSPUBSUB_TABLE"] == "production"
    assert "WSPUBSUB_ENDPOINT" not in os.environ


def test_a_handler_that_fails_is_seen(wspubsub_gateway):
    wspubsub_gateway.handler = lambda event, context: 1 / 0
    wspubsub_gateway.connect()
"""


@pytest.mark.slow
def test_an_app_that_reads_the_environment_is_tested_as_it_is(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("WSPUBSUB_TABLE", "production")
    monkeypatch.delenv("WSPUBSUB_ENDPOINT", raising=False)
    pytester.makepyfile(app=APP, test_app=TESTS)

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["E * ZeroDivisionError: division by zero"])


def test_without_moto_the_fixture_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "moto", None)

    with (
        pytest.raises(UsageError, match=r"pip install 'moto\[dynamodb\]'"),
        run_account(Faults()),
    ):
        pass


def test_the_double_is_a_fixture_too(
    wspubsub_connections: RecordingConnections,
) -> None:
    wspubsub_connections.connect("a")

    wspubsub_connections.post("a", b"x")

    assert wspubsub_connections.messages("a") == [b"x"]


class TestAuthorized:
    @pytest.fixture
    def wspubsub_config(self) -> GatewayConfig:
        sources = ("route.request.querystring.token",)
        return GatewayConfig(has_authorizer=True, identity_sources=sources)

    def test_the_gateway_takes_an_authorizer(
        self, wspubsub_gateway: InProcessGateway
    ) -> None:
        wspubsub_gateway.handler = Router()
        wspubsub_gateway.authorizer = lambda event, _context: {
            "principalId": event["queryStringParameters"]["token"],
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Action": "execute-api:Invoke",
                        "Effect": "Allow",
                        "Resource": event["methodArn"],
                    }
                ],
            },
        }

        with pytest.raises(HandshakeRefused, match="401"):
            wspubsub_gateway.connect()
        client = wspubsub_gateway.connect(query={"token": "alice"})

        client.send("x")
        context = wspubsub_gateway.invocations[-1].event["requestContext"]
        assert context["authorizer"]["principalId"] == "alice"


@pytest.mark.slow
def test_the_stream_of_the_account_delivers_what_a_pubsub_publishes(
    wspubsub_aws: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSPUBSUB_STREAM", wspubsub_aws.stream_arn)
    pubsub = PubSub.from_environment()
    pubsub.connect(lambda _request: User("ada"))
    room = pubsub.topic("room:{room_id}", history=History())
    room.subscribe(ANYONE)
    gateway = InProcessGateway(pubsub)
    gateway.add_event_source(wspubsub_aws.stream)
    client = gateway.connect()
    client.send({"id": 1, "connect": {}})
    client.send({"id": 2, "subscribe": {"channel": "room:1"}})
    client.receive_all()

    pubsub.publish("room:1", "hello")
    client.expect_nothing()
    gateway.run_event_sources()

    (push,) = client.receive_all_json()
    assert push["push"]["pub"]["data"] == "hello"


class TestOverridden:
    @pytest.fixture
    def wspubsub_config(self) -> GatewayConfig:
        return GatewayConfig(stage="prod")

    def test_the_configuration_can_be_overridden(
        self, wspubsub_gateway: InProcessGateway
    ) -> None:
        assert wspubsub_gateway.config.stage == "prod"


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    [entry_point] = entry_points(group="pytest11", name="wspubsub")

    assert entry_point.load().__name__ == "wspubsub.testing.plugin"


def test_the_plugin_loads_nothing_heavy() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); "
        "import wspubsub.testing.plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )

    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    loaded = run.stdout.split()
    assert "wspubsub.testing.plugin" in loaded
    assert [name for name in loaded if name in HEAVY] == []


def test_everything_public_is_exported_in_order() -> None:
    assert testing.__all__ == sorted(
        testing.__all__, key=lambda name: (not name.isupper(), name)
    )
    assert all(hasattr(testing, name) for name in testing.__all__)


@pytest.mark.parametrize(
    "module", [gateway, recording, events, scripted, pubsub_client]
)
def test_the_examples_in_docstrings_run(module: ModuleType) -> None:
    names = {
        **{name: getattr(testing, name) for name in testing.__all__},
        "MemoryMemberStore": MemoryMemberStore,
        "MemorySubscriptionStore": MemorySubscriptionStore,
        "Publisher": Publisher,
        "Router": Router,
    }

    results = doctest.testmod(
        module, extraglobs=names, optionflags=doctest.IGNORE_EXCEPTION_DETAIL
    )

    assert results.attempted > 0
    assert results.failed == 0
