"""The pytest plugin: fixtures for applications that are built on wspubsub.

pytest loads it by itself where wspubsub is installed, so it stays light: no AWS SDK,
no event loop, no sockets.
"""

import pytest

from wspubsub.gateway.config import GatewayConfig
from wspubsub.subscriptions.memory import MemorySubscriptionStore
from wspubsub.testing.gateway import InProcessGateway
from wspubsub.testing.recording import RecordingConnections


@pytest.fixture
def wspubsub_config() -> GatewayConfig | None:
    """Return None, so that the API is as the handler declares it; can be overridden."""
    return None


@pytest.fixture
def wspubsub_gateway(wspubsub_config: GatewayConfig | None) -> InProcessGateway:
    """Return a gateway in this process; set its `handler` before a client connects."""
    return InProcessGateway(config=wspubsub_config)


@pytest.fixture
def wspubsub_store(wspubsub_gateway: InProcessGateway) -> MemorySubscriptionStore:
    """Return an empty subscription store with the gateway's clock."""
    return MemorySubscriptionStore(now=wspubsub_gateway.now)


@pytest.fixture
def wspubsub_connections() -> RecordingConnections:
    """Return a double of the Management API that no one is connected to."""
    return RecordingConnections()
