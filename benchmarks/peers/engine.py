"""wspubsub's own engine."""

import time

from benchmarks.peers import Post
from wspubsub.aws import ManagementApi
from wspubsub.connections import Outcome

_SECONDS = 600.0


def open_peer(endpoint: str) -> Post:
    """Return what posts with `ManagementApi`."""
    connections = ManagementApi(endpoint)

    def post(connection_ids: list[str], data: bytes) -> int:
        deadline = time.monotonic() + _SECONDS
        return sum(
            result.outcome is Outcome.DELIVERED
            for result in connections.post_many(connection_ids, data, deadline=deadline)
        )

    return post
