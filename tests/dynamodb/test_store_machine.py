"""The memory and the DynamoDB store in lockstep: what one says, the other says."""

from collections import Counter

import boto3
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from moto import mock_aws

from tests.contracts.stores import CREDENTIALS
from tests.support.virtual_time import Clock
from wspubsub import Connection, MemorySubscriptionStore
from wspubsub.dynamodb import DynamoDBSubscriptionStore, create_table

CONNECTION_IDS = ("a=", "b=", "#", "T#x")
TOPICS = ("news", "a#b", "#", "0#news")
TABLE = "lockstep"

connection_ids = st.sampled_from(CONNECTION_IDS)
topics = st.sampled_from(TOPICS)


class StoresInLockstep(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.aws = mock_aws()
        self.aws.start()
        self.clock = Clock()
        self.client = boto3.client("dynamodb", **CREDENTIALS)
        create_table(TABLE, client=self.client)
        self.memory = MemorySubscriptionStore(now=self.clock)
        self.shards = 1
        self.dynamodb = self._store(1)

    def _store(self, previous: int) -> DynamoDBSubscriptionStore:
        return DynamoDBSubscriptionStore(
            TABLE,
            client=self.client,
            now=self.clock,
            shards=self.shards,
            previous_shards=previous,
        )

    def teardown(self) -> None:
        self.aws.stop()

    @initialize(shards=st.integers(1, 4))
    def begin(self, shards: int) -> None:
        self.shards = shards
        self.dynamodb = self._store(shards)

    @rule(connection_id=connection_ids, name=st.text(max_size=3))
    def connect(self, connection_id: str, name: str) -> None:
        connection = Connection(
            id=connection_id,
            connected_at=self.clock.time,
            attributes={"name": name} if name.isascii() else {},
        )
        self.memory.connect(connection)
        self.dynamodb.connect(connection)

    @rule(connection_id=connection_ids, topic=topics)
    def subscribe(self, connection_id: str, topic: str) -> None:
        self.memory.subscribe(connection_id, topic)
        self.dynamodb.subscribe(connection_id, topic)

    @rule(connection_id=connection_ids, topic=topics)
    def unsubscribe(self, connection_id: str, topic: str) -> None:
        self.memory.unsubscribe(connection_id, topic)
        self.dynamodb.unsubscribe(connection_id, topic)

    @rule(connection_id=connection_ids)
    def disconnect(self, connection_id: str) -> None:
        expected = self.memory.disconnect(connection_id)

        assert self.dynamodb.disconnect(connection_id) == expected

    @rule(ids=st.lists(connection_ids, max_size=4))
    def prune(self, ids: list[str]) -> None:
        self.memory.prune(ids)
        self.dynamodb.prune(ids)

    @rule(seconds=st.sampled_from([1.0, 3599.5, 7800.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(shards=st.integers(1, 4))
    def the_number_of_shards_changes(self, shards: int) -> None:
        # As documented: the plan before this one may only have expired subscriptions.
        self.clock.advance(7801)
        previous, self.shards = self.shards, shards
        self.dynamodb = self._store(previous)

    @invariant()
    def both_say_the_same(self) -> None:
        for topic in TOPICS:
            expected = Counter(self.memory.subscribers(topic))
            assert Counter(self.dynamodb.subscribers(topic)) == expected
        for connection_id in CONNECTION_IDS:
            expected_topics = self.memory.topics(connection_id)
            assert self.dynamodb.topics(connection_id) == expected_topics
            expected_connection = self.memory.connection(connection_id)
            assert self.dynamodb.connection(connection_id) == expected_connection


TestStoresInLockstep = pytest.mark.slow(StoresInLockstep.TestCase)
TestStoresInLockstep.settings = settings(
    max_examples=8, stateful_step_count=12, deadline=None, derandomize=True
)
