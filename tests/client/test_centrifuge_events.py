"""What the SDK reports of a subscription, in the order in which it happens."""

import asyncio
from typing import Any

import centrifuge
import pytest

from tests.client.test_server_topics import Listener
from wspubsub import Position
from wspubsub.client.centrifuge_events import SubscriptionEvents
from wspubsub.client.sdk import Publication, SubscribeReply

INTERRUPTED = centrifuge.SubscribingContext(code=1, reason="transport closed")
ENDED = centrifuge.UnsubscribedContext(code=2500, reason="insufficient state")


def subscribed(offset: int) -> centrifuge.SubscribedContext:
    return centrifuge.SubscribedContext(
        channel="room",
        recoverable=True,
        positioned=True,
        stream_position=centrifuge.StreamPosition(offset=offset, epoch="a"),
        was_recovering=False,
        recovered=False,
        data=None,
    )


def published(offset: int) -> centrifuge.PublicationContext:
    return centrifuge.PublicationContext(
        pub=centrifuge.Publication(
            offset=offset, data=offset, info=None, tags={}, delta=False
        )
    )


def told_of(*happened: Any) -> list[Any]:
    """Return what a listener is told of what happens in one turn of the event loop."""
    listener = Listener()

    async def report() -> None:
        events = SubscriptionEvents(listener)
        for each in happened:
            match each:
                case centrifuge.SubscribedContext():
                    await events.on_subscribed(each)
                case centrifuge.PublicationContext():
                    await events.on_publication(each)
                case centrifuge.SubscribingContext():
                    await events.on_subscribing(each)
                case _:
                    await events.on_unsubscribed(each)
        await asyncio.sleep(0)
        await events.on_publication(published(9))

    asyncio.run(report())
    return listener.told


def test_what_comes_in_the_same_turn_came_with_the_reply() -> None:
    came = tuple(Publication(each, each) for each in (1, 2))

    told = told_of(subscribed(2), published(1), published(2))

    assert told == [SubscribeReply(Position("a", 2), came), 9]


@pytest.mark.parametrize(
    ("after", "told"),
    [(INTERRUPTED, "interrupted"), (ENDED, (2500, "insufficient state"))],
)
def test_a_reply_is_not_told_after_the_end_of_what_it_began(
    after: Any, told: object
) -> None:
    assert told_of(subscribed(1), published(1), after) == [told, 9]


def test_what_came_with_one_reply_is_not_told_with_another() -> None:
    told = told_of(subscribed(1), published(1), INTERRUPTED, subscribed(2))

    assert told == ["interrupted", SubscribeReply(Position("a", 2)), 9]
