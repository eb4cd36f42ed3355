"""The contract of `SegmentedStore`: a topic can be read in parts."""

from collections.abc import Callable
from itertools import chain

import pytest

from tests.support.virtual_time import Clock
from wspubsub import Segment, SegmentedStore, TopicError, UsageError

IDS = sorted(f"L0SM9cOFvHcCI{number:03}=" for number in range(30))


MakeSegmented = Callable[..., SegmentedStore]


def read(store: SegmentedStore, segment: Segment) -> list[str]:
    return list(store.segment("news", segment))


@pytest.mark.parametrize("shards", [1, 4])
@pytest.mark.parametrize("size", [1, 7, 29, 30, 100])
def test_segments_together_hold_each_subscriber_once(
    make_store: MakeSegmented, shards: int, size: int
) -> None:
    store = make_store(shards=shards)
    for connection_id in IDS:
        store.subscribe(connection_id, "news")

    segments = list(store.segments("news", size, store.whole("news")))

    read_ids = [read(store, segment) for segment in segments]
    assert sorted(chain.from_iterable(read_ids)) == IDS
    assert all(len(ids) <= size for ids in read_ids)


def test_the_whole_of_a_topic_is_a_segment_for_each_shard(
    make_store: MakeSegmented,
) -> None:
    assert make_store().whole("news") == (Segment(0),)


def test_a_topic_without_subscribers_has_no_segments(
    make_store: MakeSegmented,
) -> None:
    store = make_store(shards=3)

    assert list(store.segments("news", 10, store.whole("news"))) == []
    assert list(store.segments("news", 10, [])) == []


def test_who_subscribes_meanwhile_is_in_the_last_segment_of_the_shard(
    make_store: MakeSegmented,
) -> None:
    store = make_store()
    for connection_id in IDS[:20]:
        store.subscribe(connection_id, "news")
    segments = list(store.segments("news", 10, store.whole("news")))

    store.subscribe("z=", "news")

    assert len(segments) == 2
    assert read(store, segments[-1])[-1] == "z="


def test_a_segment_can_be_split_again(make_store: MakeSegmented) -> None:
    store = make_store()
    for connection_id in IDS:
        store.subscribe(connection_id, "news")
    middle = Segment(0, after=IDS[4], until=IDS[24])

    parts = list(store.segments("news", 8, [middle]))

    assert [read(store, part) for part in parts] == [
        IDS[5:13],
        IDS[13:21],
        IDS[21:25],
    ]
    assert parts[0].after == IDS[4]
    assert parts[-1].until == IDS[24]


def test_expired_subscriptions_are_in_no_segment(
    make_store: MakeSegmented, clock: Clock
) -> None:
    store = make_store()
    store.subscribe("a=", "news")
    clock.advance(8000)
    store.subscribe("b=", "news")

    segments = list(store.segments("news", 10, store.whole("news")))

    assert [read(store, segment) for segment in segments] == [["b="]]


def test_a_segment_is_not_empty_on_purpose(make_store: MakeSegmented) -> None:
    store = make_store()

    with pytest.raises(UsageError, match="at least 1"):
        list(store.segments("news", 0, store.whole("news")))


@pytest.mark.parametrize("topic", ["", "a\n"])
def test_an_illegal_topic_has_no_parts(make_store: MakeSegmented, topic: str) -> None:
    store = make_store()

    with pytest.raises(TopicError):
        store.whole(topic)
    with pytest.raises(TopicError):
        list(store.segments(topic, 1, [Segment(0)]))
    with pytest.raises(TopicError):
        list(store.segment(topic, Segment(0)))


def test_segments_are_read_consistently_too(make_store: MakeSegmented) -> None:
    store = make_store(shards=2)
    for connection_id in IDS:
        store.subscribe(connection_id, "news")

    parts = store.segments("news", 7, store.whole("news"), consistent=True)

    found = [list(store.segment("news", part, consistent=True)) for part in parts]
    assert sorted(chain.from_iterable(found)) == IDS
