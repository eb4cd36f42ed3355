"""A small chat with one planted mistake, because of which nobody gets anything.

MISTAKE says which: `topic` (clients are subscribed to another topic), `raise` (the
handler of messages raises) or `forbidden` (posts go to a stage that is not there).
"""

import os

from wspubsub import ConnectEvent, DisconnectEvent, MessageEvent, Publisher, Router
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore

MISTAKE = os.environ["MISTAKE"]
ENDPOINT = os.environ["WSPUBSUB_ENDPOINT"]

if MISTAKE == "forbidden":
    ENDPOINT = ENDPOINT.replace("/dev", "/prod")

store = DynamoDBSubscriptionStore(os.environ["WSPUBSUB_TABLE"])
publisher = Publisher(store, ManagementApi(ENDPOINT))
router = Router()


@router.connect
def connect(event: ConnectEvent) -> None:
    store.connect(event.connection)


@router.route("subscribe")
def subscribe(event: MessageEvent) -> None:
    (topic,) = event.fields(topic=str)
    if MISTAKE == "topic":
        topic = topic.title()
    store.subscribe(event.connection_id, topic)


@router.route("message")
def message(event: MessageEvent) -> None:
    topic, text = event.fields(topic=str, text=str)
    sender = {"raise": {}}.get(MISTAKE, {"name": "somebody"})
    data = {"text": text, "from": sender["name"]}
    publisher.publish(topic, data, exclude={event.connection_id})


@router.disconnect
def disconnect(event: DisconnectEvent) -> None:
    store.disconnect(event.connection_id)


handler = router
