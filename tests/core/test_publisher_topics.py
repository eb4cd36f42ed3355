"""Publishing where some topics have a log and others have none."""

from typing import Any

import pytest

from wspubsub import (
    History,
    LoggedMessage,
    MemorySubscriptionStore,
    MemoryTopicLog,
    MessageTooLargeError,
    Publisher,
    UsageError,
)
from wspubsub.fanout import StreamFanout
from wspubsub.testing import RecordingConnections


class Chat:
    """A client of "news", which has a log, and of "typing", which has none."""

    def __init__(self, **options: Any) -> None:
        store = MemorySubscriptionStore()
        store.subscribe("a=", "news", "typing")
        self.connections = RecordingConnections({"a="})
        self.log = MemoryTopicLog(history={"news": History()})
        self.publisher = Publisher(store, self.connections, log=self.log, **options)

    @property
    def received(self) -> list[bytes]:
        return list(self.connections.messages("a="))


def with_info(message: LoggedMessage) -> dict[str, Any]:
    info = "" if message.info is None else message.info.decode()
    return {"text": message.data.decode(), "by": info}


def test_a_message_of_a_topic_without_a_log_is_sent_as_without_a_log() -> None:
    chat = Chat(envelope=with_info)

    logged = chat.publisher.publish("news", "one")
    plain = chat.publisher.publish("typing", "two")

    assert logged.position == chat.log.position("news")
    assert plain.position is None
    assert (logged.delivered, plain.delivered) == (1, 1)
    assert chat.received == [b'{"text":"one","by":""}', b"two"]


def test_the_stream_never_brings_a_message_of_a_topic_without_a_log() -> None:
    chat = Chat(fanout=StreamFanout())

    logged = chat.publisher.publish("news", "one")
    plain = chat.publisher.publish("typing", "two")

    assert (logged.queued, plain.queued) == (True, False)
    assert chat.received == [b"two"]


@pytest.mark.parametrize("options", [{"key": "k"}, {"info": b"ann"}])
def test_a_topic_without_a_log_takes_neither_keys_nor_info(
    options: dict[str, Any],
) -> None:
    chat = Chat()

    with pytest.raises(UsageError, match="'typing' has none"):
        chat.publisher.publish("typing", "hello", **options)

    assert chat.received == []
    assert chat.publisher.publish("news", "hello", **options).is_complete


def test_info_comes_to_the_envelope() -> None:
    chat = Chat(envelope=with_info)

    chat.publisher.publish("news", "hello", info=b"ann")

    assert chat.received == [b'{"text":"hello","by":"ann"}']
    [message] = chat.log.read("news").messages
    assert message.info == b"ann"


def test_an_envelope_with_info_counts_before_the_message_is_logged() -> None:
    chat = Chat(envelope=with_info)
    most = 131_072 - len('{"text":"","by":"ann"}')

    with pytest.raises(MessageTooLargeError):
        chat.publisher.publish("news", "x" * (most + 1), info=b"ann")
    assert chat.log.position("news") is None

    assert chat.publisher.publish("news", "x" * most, info=b"ann").delivered == 1
