"""Greets who connects, as soon as the connection is there."""

import os

from wspubsub import ConnectEvent, Connection, Publisher, Router
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore, DynamoDBTopicLog
from wspubsub.eventsources import EventSources, StreamHandler
from wspubsub.fanout import StreamFanout

TABLE = os.environ["WSPUBSUB_TABLE"]

store = DynamoDBSubscriptionStore(TABLE)
publisher = Publisher(
    store,
    ManagementApi(os.environ["WSPUBSUB_ENDPOINT"]),
    log=DynamoDBTopicLog(TABLE),
    fanout=StreamFanout(),
)
router = Router()


@router.connect
def connect(event: ConnectEvent) -> None:
    store.connect(event.connection)


def greet(connection: Connection) -> None:
    publisher.post(connection.id, f"welcome {connection.id}")


handler = EventSources(router, stream=StreamHandler(publisher, on_ready=greet))
