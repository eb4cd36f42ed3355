"""One Lambda function for everything that invokes it."""

from collections.abc import Callable, Mapping
from typing import Any

from wspubsub.errors import EventError
from wspubsub.messages import Json

LambdaHandler = Callable[[Any, Any], Any]

_SOURCES = {"aws:dynamodb": "stream", "aws:sqs": "queue"}


class EventSources:
    """Passes an invocation to the right handler; it is itself the Lambda handler.

    Args:
        router: Handles the events of the WebSocket API.
        stream: Handles those of the table's stream, such as a `StreamHandler`.
        queue: Handles those of the queue, such as a `QueueHandler`.

    Attributes:
        router: As given; tools read the routes from it.
        event_sources: `stream` and `queue`, as far as there is a handler; tools read
            from it what invokes the function.
    """

    def __init__(
        self,
        router: LambdaHandler,
        *,
        stream: LambdaHandler | None = None,
        queue: LambdaHandler | None = None,
    ) -> None:
        self.router = router
        # Decorators for Lambda handlers ask for the name of the function.
        self.__name__ = self.__qualname__ = "event_sources"
        self._handlers = {"stream": stream, "queue": queue}
        self.event_sources = frozenset(
            name for name, handler in self._handlers.items() if handler is not None
        )

    def __call__(self, event: object, context: object = None) -> Json:
        """Handle one Lambda invocation.

        Raises:
            EventError: Nothing here handles such an event.
        """
        return self._handler(event)(event, context)

    def _handler(self, event: object) -> LambdaHandler:
        if not isinstance(event, Mapping):
            raise EventError(f"an event must be an object, not {type(event).__name__}")
        if "requestContext" in event:
            return self.router
        source = _source(event)
        name = _SOURCES.get(source)
        if name is None:
            raise EventError(
                "this is not an event of a WebSocket API, DynamoDB Streams or SQS "
                f"({source or 'it has no eventSource'}); handle it before "
                "EventSources"
            )
        handler = self._handlers[name]
        if handler is None:
            raise EventError(
                f"EventSources has no handler for events of {source}; pass {name}="
            )
        return handler


def _source(event: Mapping[Any, Any]) -> str:
    records = event.get("Records")
    first = records[0] if isinstance(records, list) and records else None
    source = first.get("eventSource") if isinstance(first, Mapping) else None
    return source if isinstance(source, str) else ""
