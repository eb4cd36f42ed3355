"""A chat that loses the second message and sends the third twice."""

import os
from typing import Any

from wspubsub import MessageEvent, Publisher, Router
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore

store = DynamoDBSubscriptionStore(os.environ["WSPUBSUB_TABLE"])
publisher = Publisher(store, ManagementApi(os.environ["WSPUBSUB_ENDPOINT"]))
router = Router(route_selection_expression="$request.body.type")


@router.route("subscribe")
def subscribe(event: MessageEvent) -> None:
    (topic,) = event.fields(topic=str)
    store.subscribe(event.connection_id, topic)
    publisher.post(event.connection_id, {"type": "subscribed", "topic": topic})


@router.route("message")
def message(event: MessageEvent) -> None:
    body: dict[str, Any] = event.json()
    for _ in range({2: 0, 3: 2}.get(body["message"], 1)):
        publisher.publish(body["topic"], body, exclude={event.connection_id})


handler = router
