"""The pytest plugin: fixtures for applications that are built on wspubsub.

pytest loads it by itself where wspubsub is installed, so it stays as light as
`import wspubsub`: no AWS SDK, no event loop, no sockets.
"""

import pytest

from wspubsub.subscriptions import MemorySubscriptionStore


@pytest.fixture
def wspubsub_store() -> MemorySubscriptionStore:
    """Return an empty subscription store in memory."""
    return MemorySubscriptionStore()
