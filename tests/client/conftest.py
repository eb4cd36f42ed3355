"""What the tests of the clients share."""

import pytest

from tests.support.client.simulated import Server


@pytest.fixture
def server() -> Server:
    """A server with a topic that has a history."""
    server = Server()
    server.topic()
    return server
