"""Publishing with a log: its time, its keys, and what becomes of failures."""

import pytest

from tests.contracts.tables import Clock
from tests.faulty_dynamodb import faulty_moto, refusal
from wspubsub import MemorySubscriptionStore, Publisher, StoreError
from wspubsub.dynamodb import DynamoDBTopicLog
from wspubsub.testing import RecordingConnections

TABLE = "log"


@pytest.mark.parametrize(
    ("publisher_seconds", "call_seconds", "least"), [(25, 1, 0.4), (2, None, 1.4)]
)
def test_a_log_that_takes_nothing_keeps_a_publish_no_longer_than_its_time(
    publisher_seconds: float, call_seconds: float | None, least: float
) -> None:
    clock = Clock()
    with faulty_moto(TABLE) as client:
        client.fail("put_item", refusal("ThrottlingException"), times=1000)
        log = DynamoDBTopicLog(TABLE, client=client, now=clock, sleep=clock.advance)
        publisher = Publisher(
            MemorySubscriptionStore(),
            RecordingConnections(),
            log=log,
            timeout_seconds=publisher_seconds,
            clock=clock,
        )
        before = clock.time

        with pytest.raises(StoreError, match="in time"):
            publisher.publish("news", "hello", timeout_seconds=call_seconds)

    seconds = publisher_seconds if call_seconds is None else call_seconds
    assert least < clock.time - before < seconds
