"""The pytest plugin and what the package says about itself."""

import doctest
import subprocess
import sys
from importlib.metadata import entry_points
from types import ModuleType

import pytest

from wspubsub import (
    MemorySubscriptionStore,
    MessageEvent,
    Publisher,
    Router,
    testing,
)
from wspubsub.testing import (
    GatewayConfig,
    InProcessGateway,
    RecordingConnections,
    events,
    gateway,
    recording,
)

HEAVY = (
    "asyncio", "aiohttp", "awslambdaric", "boto3", "botocore", "h11", "http.client",
    "moto", "socket", "ssl", "websockets",
)  # fmt: skip


def test_the_fixtures_work_together(
    wspubsub_gateway: InProcessGateway, wspubsub_store: MemorySubscriptionStore
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


def test_the_double_is_a_fixture_too(
    wspubsub_connections: RecordingConnections,
) -> None:
    wspubsub_connections.connect("a")

    wspubsub_connections.post("a", b"x")

    assert wspubsub_connections.messages("a") == [b"x"]


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


@pytest.mark.parametrize("module", [gateway, recording, events])
def test_the_examples_in_docstrings_run(module: ModuleType) -> None:
    names = {
        "MemorySubscriptionStore": MemorySubscriptionStore,
        "Publisher": Publisher,
        "Router": Router,
    }

    results = doctest.testmod(
        module, extraglobs=names, optionflags=doctest.IGNORE_EXCEPTION_DETAIL
    )

    assert results.attempted > 0
    assert results.failed == 0
