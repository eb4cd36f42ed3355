"""The pytest plugin: fixtures for applications that are built on wspubsub.

pytest loads it by itself where wspubsub is installed, so it stays light: no AWS SDK,
no event loop, no sockets.
"""

from collections.abc import Iterator

import pytest

from wspubsub.faults import Faults
from wspubsub.gateway.config import GatewayConfig
from wspubsub.testing.account import Account, run_account
from wspubsub.testing.gateway import InProcessGateway
from wspubsub.testing.recording import RecordingConnections
from wspubsub.testing.scripted import ScriptedStore


@pytest.fixture
def wspubsub_config() -> GatewayConfig | None:
    """Return None, so that the API is as the handler declares it; can be overridden."""
    return None


@pytest.fixture
def wspubsub_faults() -> Faults:
    """Return the rules of what fails, which all of these fixtures obey."""
    return Faults()


@pytest.fixture
def wspubsub_gateway(
    wspubsub_config: GatewayConfig | None, wspubsub_faults: Faults
) -> InProcessGateway:
    """Return a gateway in this process; set its `handler` before a client connects."""
    return InProcessGateway(config=wspubsub_config, faults=wspubsub_faults)


@pytest.fixture
def wspubsub_store(wspubsub_gateway: InProcessGateway) -> ScriptedStore:
    """Return an empty store with the gateway's clock and its rules of faults."""
    return ScriptedStore(now=wspubsub_gateway.now, faults=wspubsub_gateway.faults)


@pytest.fixture
def wspubsub_connections(wspubsub_faults: Faults) -> RecordingConnections:
    """Return a double of the Management API that no one is connected to."""
    return RecordingConnections(faults=wspubsub_faults)


@pytest.fixture
def wspubsub_aws(wspubsub_faults: Faults) -> Iterator[Account]:
    """Have moto stand in for AWS: an empty table, and variables that name it.

    `WSPUBSUB_TABLE` and `WSPUBSUB_ENDPOINT` are set as `wspubsub dev` sets them. What
    reads them when it is imported must be imported after this, in a fixture or a test.
    """
    with run_account(wspubsub_faults) as account:
        yield account
