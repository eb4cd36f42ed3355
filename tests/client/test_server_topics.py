"""What came before somebody listens to a topic that the server has chosen."""

from collections.abc import Callable
from typing import Any

import pytest

from wspubsub import Position
from wspubsub.client import ClientInfo
from wspubsub.client.centrifuge_events import ServerTopic
from wspubsub.client.sdk import Publication, SubscribeReply

BEGIN = SubscribeReply(Position("a", 0))
ANN = ClientInfo(client="1", user="ann")


class Listener:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_subscribed(self, reply: SubscribeReply) -> None:
        self.told.append(reply)

    def on_publication(self, publication: Publication) -> None:
        self.told.append(publication.data)

    def on_interrupted(self) -> None:
        self.told.append("interrupted")

    def on_unsubscribed(self, code: int, reason: str) -> None:
        self.told.append((code, reason))

    def on_join(self, info: ClientInfo) -> None:
        self.told.append(("join", info.user))

    def on_leave(self, info: ClientInfo) -> None:
        self.told.append(("leave", info.user))


def told_by(*events: Callable[[ServerTopic], None]) -> list[Any]:
    """Return what a listener is told that comes after these."""
    topic, listener = ServerTopic(), Listener()
    for event in events:
        event(topic)
    topic.listen(listener)
    return listener.told


def reply(position: Position | None, *offsets: int) -> Callable[[ServerTopic], None]:
    came = tuple(Publication(each, each) for each in offsets)
    return lambda topic: topic.on_subscribed(SubscribeReply(position, came))


def push(offset: int) -> Callable[[ServerTopic], None]:
    return lambda topic: topic.on_publication(Publication(offset, offset))


def test_the_first_reply_and_the_newest_publication_are_kept() -> None:
    told = told_by(reply(Position("a", 0)), push(1), push(2), push(3))

    assert told == [BEGIN, 3]


def test_a_connection_that_was_lost_meanwhile_is_seen() -> None:
    told = told_by(reply(Position("a", 0)), push(1), reply(Position("a", 1), 2, 3))

    again = SubscribeReply(Position("a", 1), (Publication(2, 2), Publication(3, 3)))
    assert told == [BEGIN, again, 3]


@pytest.mark.parametrize(
    "other", [SubscribeReply(Position("b", 2)), SubscribeReply(None)]
)
def test_another_epoch_begins_again(other: SubscribeReply) -> None:
    told = told_by(
        reply(Position("a", 0)), push(1), lambda topic: topic.on_subscribed(other)
    )

    assert told == [other]


def test_without_a_history_what_has_passed_is_gone() -> None:
    assert told_by(reply(None), push(0)) == [SubscribeReply(None)]


def test_before_the_server_has_chosen_it_there_is_nothing() -> None:
    assert told_by() == []
    assert told_by(lambda topic: topic.on_interrupted()) == []


def test_what_has_ended_is_forgotten() -> None:
    events = (
        reply(Position("a", 0)),
        lambda topic: topic.on_unsubscribed(2000, "by the server"),
    )

    assert told_by(*events) == []


def test_whoever_listens_is_told_everything() -> None:
    topic, listener = ServerTopic(), Listener()
    topic.listen(listener)

    topic.on_subscribed(BEGIN)
    topic.on_publication(Publication(1, "one"))
    topic.on_join(ANN)
    topic.on_leave(ANN)
    topic.on_interrupted()
    topic.on_unsubscribed(2000, "by the server")

    assert listener.told == [
        BEGIN,
        "one",
        ("join", "ann"),
        ("leave", "ann"),
        "interrupted",
        (2000, "by the server"),
    ]


@pytest.mark.parametrize(
    ("events", "position"),
    [
        ([reply(Position("a", 2)), push(3)], Position("a", 3)),
        ([reply(Position("a", 2))], Position("a", 2)),
        ([reply(None)], None),
    ],
)
def test_whoever_listens_later_begins_where_the_topic_stands(
    events: list[Callable[[ServerTopic], None]], position: Position | None
) -> None:
    topic, first, second = ServerTopic(), Listener(), Listener()
    topic.listen(first)
    for event in events:
        event(topic)

    topic.leave()
    topic.on_join(ANN)
    topic.on_leave(ANN)
    topic.listen(second)

    assert second.told == [SubscribeReply(position)]


def test_nobody_has_to_have_listened() -> None:
    topic, listener = ServerTopic(), Listener()

    topic.leave()
    topic.listen(listener)

    assert listener.told == []
