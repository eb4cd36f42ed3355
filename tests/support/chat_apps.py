"""Small applications behind the in-process gateway."""

from collections.abc import Callable
from typing import Any

from wspubsub import (
    ConnectEvent,
    DisconnectEvent,
    MemorySubscriptionStore,
    MessageEvent,
    Publisher,
    PublishReport,
    Router,
    Unauthorized,
)
from wspubsub.testing import (
    InProcessGateway,
    LambdaContext,
)

Handler = Callable[[Any, Any], object]


class Chat:
    """The smallest application, with all that its tests want to look into."""

    def __init__(self, gateway: InProcessGateway) -> None:
        self.store = MemorySubscriptionStore(now=gateway.now)
        self.publisher = Publisher(self.store, gateway.connections)
        self.reports: list[PublishReport] = []
        router = Router()
        router.connect(self.connect)
        router.disconnect(self.disconnect)
        router.route("subscribe")(self.subscribe)
        router.route("publish")(self.publish)
        gateway.handler = router

    def connect(self, event: ConnectEvent) -> None:
        if event.query.get("token") == "bad":
            raise Unauthorized
        self.store.connect(event.connection)

    def disconnect(self, event: DisconnectEvent) -> None:
        self.store.disconnect(event.connection_id)

    def subscribe(self, event: MessageEvent) -> None:
        (topic,) = event.fields(topic=str)
        self.store.subscribe(event.connection_id, topic)

    def publish(self, event: MessageEvent) -> None:
        topic, data = event.fields(topic=str, data=object)
        report = self.publisher.publish(
            topic,
            data,
            exclude={event.connection_id},
            timeout_seconds=event.remaining_seconds(),
        )
        self.reports.append(report)


def ok(_event: Any, _context: Any) -> dict[str, Any]:
    return {"statusCode": 200}


def on_message(function: Callable[[Any, LambdaContext], object]) -> Handler:
    """A handler that lets everybody in and calls a function for messages."""

    def handler(event: Any, context: Any) -> object:
        if event["requestContext"]["eventType"] == "MESSAGE":
            return function(event, context)
        return {"statusCode": 200}

    return handler


def subscribe(topic: str) -> dict[str, str]:
    return {"action": "subscribe", "topic": topic}


def publish(topic: str, data: object) -> dict[str, object]:
    return {"action": "publish", "topic": topic, "data": data}
