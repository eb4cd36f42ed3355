"""Polling a stream, with servers that do what servers do."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.support.servers.scripted import Answer, Handler, Heard, Scripted, refused
from wspubsub import UsageError
from wspubsub.local.eventsources.clients import ServiceEndpoint
from wspubsub.local.eventsources.sources import EventSourceMappings
from wspubsub.local.eventsources.streams.poller import (
    LATEST,
    TRIM_HORIZON,
    StreamPoller,
)
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.mappings.lineage import list_shards
from wspubsub.mappings.settings import StreamSettings
from wspubsub.mappings.verdicts import BatchVerdict

STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.0"
UNREACHABLE = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


def shard(shard_id: str, parent: str = "", *, closed: bool = False) -> dict[str, Any]:
    numbers = {"StartingSequenceNumber": "1"}
    if closed:
        numbers["EndingSequenceNumber"] = "9"
    found = {"ShardId": shard_id, "SequenceNumberRange": numbers}
    return {**found, "ParentShardId": parent} if parent else found


def page(*numbers: int, follows: str | None = "next") -> Answer:
    records = [
        {
            "eventID": str(number),
            "eventName": "INSERT",
            "dynamodb": {
                "SequenceNumber": str(number),
                "ApproximateCreationDateTime": datetime.now(UTC),
                "NewImage": {},
            },
        }
        for number in numbers
    ]
    return {"Records": records} | ({"NextShardIterator": follows} if follows else {})


def iterators(*names: str) -> list[Answer]:
    return [{"ShardIterator": name} for name in names]


def description(*shards: dict[str, Any], last: str | None = None) -> Answer:
    more = {"LastEvaluatedShardId": last} if last else {}
    return {"StreamDescription": {"Shards": list(shards), **more}}


def poll_stream(
    client: Scripted,
    *shards: dict[str, Any],
    wanted: int,
    verdicts: tuple[BatchVerdict, ...] = (),
    start: str = TRIM_HORIZON,
    settings: StreamSettings | None = None,
) -> tuple[list[list[str]], str]:
    """Return the sequence numbers of each batch, and what the journal says."""

    async def run() -> tuple[list[list[str]], str]:
        handler, heard = Handler(wanted, *verdicts), Heard()
        poller = StreamPoller(
            client, STREAM, settings or StreamSettings(), heard.journal
        )
        async with AsyncExitStack() as stack:
            stack.push_async_callback(poller.close)
            await poller.open(shards, start=start)
            poller.start(handler.deliver)
            await handler.wait()
        return [list(each.items) for each in handler.deliveries], heard.getvalue()

    return asyncio.run(run())


def test_a_child_is_read_after_its_parent_from_its_beginning() -> None:
    parent, child = shard("a", closed=True), shard("b", "a")
    client = Scripted(
        get_shard_iterator=iterators("of a", "of b"),
        get_records=[page(1, 2), page(3, follows=None), page(4), page()],
        describe_stream=[description(parent, child)],
    )

    delivered, _ = poll_stream(client, parent, child, wanted=2)

    assert delivered == [["1", "2", "3"], ["4"]]
    assert [each["ShardId"] for each in client.of("get_shard_iterator")] == ["a", "b"]
    assert {each["ShardIteratorType"] for each in client.of("get_shard_iterator")} == {
        "TRIM_HORIZON"
    }


def test_from_now_on_means_without_the_shards_that_are_closed() -> None:
    client = Scripted(
        get_shard_iterator=iterators("of b"), get_records=[page(7), page()]
    )

    delivered, _ = poll_stream(
        client, shard("a", closed=True), shard("b", "a"), wanted=1, start=LATEST
    )

    (request,) = client.of("get_shard_iterator")
    assert (request["ShardId"], request["ShardIteratorType"]) == ("b", "LATEST")
    assert delivered == [["7"]]


def test_an_iterator_that_has_expired_is_renewed_where_it_was() -> None:
    client = Scripted(
        get_shard_iterator=iterators("first", "second"),
        get_records=[
            page(1),
            page(),
            refused("ExpiredIteratorException"),
            page(2),
            page(),
        ],
    )

    delivered, journal = poll_stream(client, shard("a"), wanted=2)

    assert delivered == [["1"], ["2"]]
    renewed = client.of("get_shard_iterator")[1]
    assert renewed["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER"
    assert renewed["SequenceNumber"] == "1"
    assert journal == ""


def test_what_the_stream_has_dropped_is_passed_over() -> None:
    client = Scripted(
        get_shard_iterator=[
            *iterators("first"),
            refused("TrimmedDataAccessException"),
            *iterators("third"),
        ],
        get_records=[
            page(1),
            page(),
            refused("ExpiredIteratorException"),
            page(5),
            page(),
        ],
    )

    delivered, _ = poll_stream(client, shard("a"), wanted=2)

    assert delivered == [["1"], ["5"]]
    assert client.of("get_shard_iterator")[2]["ShardIteratorType"] == "TRIM_HORIZON"


def test_a_server_that_is_away_is_told_of_once_and_waited_for() -> None:
    throttled = refused("LimitExceededException")
    client = Scripted(
        get_shard_iterator=iterators("first"),
        get_records=[UNREACHABLE, throttled, page(1), page()],
    )

    delivered, journal = poll_stream(client, shard("a"), wanted=1)

    assert delivered == [["1"]]
    assert journal.count("the stream of the table is unavailable: Could not") == 1
    assert journal.count("the stream of the table is available again") == 1


def test_more_records_than_a_page_make_one_batch() -> None:
    client = Scripted(
        get_shard_iterator=iterators("first"),
        get_records=[page(*range(1, 1001)), page(*range(1001, 1501)), page()],
    )

    delivered, _ = poll_stream(
        client, shard("a"), wanted=1, settings=StreamSettings(batch_size=1500)
    )

    assert [len(items) for items in delivered] == [1500]
    assert [each["Limit"] for each in client.of("get_records")[:2]] == [1000, 500]


def test_records_that_are_given_up_are_told_of() -> None:
    failed = BatchVerdict(failed=frozenset({"1", "2"}))
    client = Scripted(
        get_shard_iterator=iterators("first"),
        get_records=[page(1, 2), page(), page(3), page()],
    )

    delivered, journal = poll_stream(
        client,
        shard("a"),
        wanted=3,
        verdicts=(failed, failed),
        settings=StreamSettings(max_retries=1),
    )

    assert delivered == [["1", "2"], ["1", "2"], ["3"]]
    assert "2 record(s) of the stream are not delivered" in journal
    assert '"startSequenceNumber": "1", "endSequenceNumber": "2"' in journal


def test_all_pages_of_shards_are_listed() -> None:
    client = Scripted(
        describe_stream=[description(shard("a"), last="a"), description(shard("b"))]
    )

    found = list_shards(client, STREAM)

    assert [each["ShardId"] for each in found] == ["a", "b"]
    assert client.of("describe_stream") == [
        {"StreamArn": STREAM},
        {"StreamArn": STREAM, "ExclusiveStartShardId": "a"},
    ]


def test_a_stream_that_cannot_be_asked_for_is_told_of() -> None:
    nobody = ServiceEndpoint(
        url="http://127.0.0.1:1", region="eu-west-1", is_embedded=True
    )
    sources = EventSourceMappings(Heard().journal, Recorder())

    with pytest.raises(UsageError, match=r"cannot read the stream of table 't' at"):
        asyncio.run(sources.open_stream(StreamSettings(), nobody, "t"))


def test_the_streams_of_aws_have_a_host_of_their_own() -> None:
    urls = [
        "https://dynamodb.eu-west-1.amazonaws.com",
        "https://dynamodb.cn-north-1.amazonaws.com.cn",
        "http://127.0.0.1:8000",
    ]

    streams = [
        ServiceEndpoint(url=url, region="eu-west-1", is_embedded=False).of_streams().url
        for url in urls
    ]

    assert streams == [
        "https://streams.dynamodb.eu-west-1.amazonaws.com",
        "https://streams.dynamodb.cn-north-1.amazonaws.com.cn",
        "http://127.0.0.1:8000",
    ]
