"""One function for everything that invokes it."""

import pytest

from wspubsub import EventError, Router
from wspubsub.eventsources import EventSources
from wspubsub.testing import connect_event

STREAM = {"Records": [{"eventSource": "aws:dynamodb"}]}
QUEUE = {"Records": [{"eventSource": "aws:sqs"}]}


def test_each_event_goes_to_its_handler_with_the_context() -> None:
    handler = EventSources(
        Router(), stream=lambda *_: "stream", queue=lambda *_: "queue"
    )

    assert handler(connect_event(), None) == {"statusCode": 200}
    assert handler(STREAM) == "stream"
    assert handler(QUEUE, None) == "queue"


def test_the_context_is_handed_on() -> None:
    context = object()
    handler = EventSources(Router(), queue=lambda *arguments: arguments)

    assert handler(QUEUE, context) == (QUEUE, context)


def test_tools_find_the_router() -> None:
    router = Router()

    assert EventSources(router).router is router


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (None, "not NoneType"),
        ({}, "no eventSource"),
        ({"Records": []}, "no eventSource"),
        ({"Records": [None]}, "no eventSource"),
        ({"Records": [{"eventSource": 1}]}, "no eventSource"),
        ({"Records": [{"eventSource": "aws:s3"}]}, "aws:s3"),
        ({"source": "aws.events"}, "not an event of"),
        (STREAM, "stream="),
        (QUEUE, "queue="),
    ],
)
def test_any_other_event_is_a_clear_error(event: object, text: str) -> None:
    handler = EventSources(Router())

    with pytest.raises(EventError, match=text):
        handler(event)
