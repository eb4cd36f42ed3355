"""wspubsub's publisher."""

from benchmarks.publishers import Publish
from wspubsub import Publisher
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore

_SECONDS = 900.0
"""As long as a Lambda function may run."""


def open_publisher(table: str, endpoint: str) -> Publish:
    """Return what publishes with `Publisher`."""
    publisher = Publisher(
        DynamoDBSubscriptionStore(table),
        ManagementApi(endpoint),
        timeout_seconds=_SECONDS,
    )

    def publish(topic: str, data: bytes) -> int:
        return publisher.publish(topic, data).delivered

    return publish
