"""Items of every kind that the library writes, and one of an application's own."""

from collections.abc import Callable
from typing import Any

from tests.contracts.members import begin, open_session
from wspubsub import Connection, Position
from wspubsub.dynamodb import (
    DynamoDBMemberStore,
    DynamoDBSubscriptionStore,
    DynamoDBTopicLog,
)
from wspubsub.dynamodb.log_items import Tail, entry_after, entry_item
from wspubsub.dynamodb.log_offers import offer_item, offer_of
from wspubsub.log.drafts import draft
from wspubsub.log.rules import DEFAULT_HISTORY
from wspubsub.subscriptions.sessions import Presence


def write_every_kind(client: Any, table: str, now: Callable[[], float]) -> None:
    """Write at least one item of each kind."""
    store = DynamoDBSubscriptionStore(table, client=client, now=now)
    store.connect(Connection(id="c=", connected_at=now()))
    store.subscribe("c=", "kinds")
    store.mark_ready("c=")
    members = DynamoDBMemberStore(table, client=client, now=now)
    ann = open_session(members)
    begin(members, ann, 1, topic="kinds", has_presence=True)
    who = Presence(connection_id="a=", user="ann", info='{"name":"Ann"}')
    members.stays.begin("kinds", who, grace_seconds=10)
    DynamoDBTopicLog(table, client=client, now=now).append("talk", b"hi", key="k")
    write_carried(client, table, now())
    own = {"pk": {"S": "QUIZ#1"}, "sk": {"S": "x"}}
    client.put_item(TableName=table, Item=own)


def write_carried(client: Any, table: str, now: float) -> None:
    """Write an entry with three messages, and an offer, as many writers do."""
    drafts = [draft("news", data, None, {"z="}, None) for data in (b"1", b"\xff", b"3")]
    tail = Tail(Position("e", 0), now, int(now) + 10**6)
    entry = entry_after(tail, drafts[0], DEFAULT_HISTORY, now, drafts[1:])
    offer = offer_of(drafts[0], tail.position, "p", now)
    for item in (entry_item(entry), offer_item(offer)):
        client.put_item(TableName=table, Item=item)
