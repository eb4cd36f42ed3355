"""The whole of a small application with wspubsub, all routes in one function."""

import os

from wspubsub import ConnectEvent, DisconnectEvent, MessageEvent, Publisher, Router
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore

store = DynamoDBSubscriptionStore(os.environ["WSPUBSUB_TABLE"])
publisher = Publisher(store, ManagementApi(os.environ["WSPUBSUB_ENDPOINT"]))
router = Router()


@router.connect
def connect(event: ConnectEvent) -> None:
    """Record the connection."""
    store.connect(event.connection)


@router.route("subscribe")
def subscribe(event: MessageEvent) -> None:
    """Subscribe to a topic."""
    (topic,) = event.fields(topic=str)
    store.subscribe(event.connection_id, topic)


@router.route("message")
def message(event: MessageEvent) -> None:
    """Publish to a topic."""
    topic, text = event.fields(topic=str, text=str)
    publisher.publish(topic, {"text": text}, exclude={event.connection_id})


@router.disconnect
def disconnect(event: DisconnectEvent) -> None:
    """Forget the connection."""
    store.disconnect(event.connection_id)


handler = router
