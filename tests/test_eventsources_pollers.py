"""Polling a stream and a queue, with servers that do what servers do."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.servers.scripted import Answer, Handler, Heard, Scripted, refused
from wspubsub import UsageError
from wspubsub.local.eventsources.clients import Endpoint
from wspubsub.local.eventsources.queue_poller import QueuePoller
from wspubsub.local.eventsources.queues import Queue
from wspubsub.local.eventsources.settings import QueueSettings, StreamSettings
from wspubsub.local.eventsources.sources import EventSources
from wspubsub.local.eventsources.stream_poller import (
    LATEST,
    TRIM_HORIZON,
    StreamPoller,
    list_shards,
)
from wspubsub.local.eventsources.verdicts import Verdict
from wspubsub.local.threads import in_thread

STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.0"
QUEUE = Queue(
    url="http://127.0.0.1/queue",
    arn="arn:aws:sqs:eu-west-1:123456789012:wspubsub",
    dead_letter_url="http://127.0.0.1/dead",
)
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
    verdicts: tuple[Verdict, ...] = (),
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
    assert journal.count("the stream of the table cannot be used: Could not") == 1
    assert journal.count("the stream of the table can be used again") == 1


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
    failed = Verdict(failed=frozenset({"1", "2"}))
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


def message(number: int, body: str = "{}") -> dict[str, Any]:
    return {
        "MessageId": f"m{number}",
        "ReceiptHandle": f"r{number}",
        "Body": body,
        "MD5OfBody": "99914b93",
        "Attributes": {"ApproximateReceiveCount": str(number)},
    }


def poll_queue(
    client: Scripted,
    until: Callable[[Handler, Heard], Awaitable[None]],
    *,
    wanted: int = 1,
    verdicts: tuple[Verdict, ...] = (),
    visibility_seconds: int = 30,
) -> Handler:
    settings = QueueSettings(visibility_timeout_seconds=visibility_seconds)

    async def run() -> Handler:
        handler, heard = Handler(wanted, *verdicts), Heard()
        poller = QueuePoller(client, QUEUE, settings, heard.journal)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(poller.close)
            poller.start(handler.deliver, max_concurrency=1)
            await until(handler, heard)
        return handler

    return asyncio.run(run())


async def enough(handler: Handler, _heard: Heard) -> None:
    await handler.wait()


def deleted(client: Scripted) -> list[list[str]]:
    requests = client.of("delete_message_batch")
    return [[entry["ReceiptHandle"] for entry in each["Entries"]] for each in requests]


def test_what_succeeded_is_deleted_and_the_rest_is_left() -> None:
    client = Scripted(
        receive_message=[
            UNREACHABLE,
            {},
            {"Messages": [message(1), message(2)]},
            {"Messages": [message(3)]},
            {"Messages": [message(4)]},
        ],
        delete_message_batch=[{}],
    )
    verdicts = Verdict(failed=frozenset({"m1"})), Verdict(failed=frozenset({"m3"}))

    # With one batch at a time, the third is there when two are over.
    handler = poll_queue(client, enough, wanted=3, verdicts=verdicts)

    assert [list(each.items) for each in handler.deliveries[:3]] == [
        ["m1", "m2"],
        ["m3"],
        ["m4"],
    ]
    assert [each.retries for each in handler.deliveries[:3]] == [1, 2, 3]
    assert deleted(client)[0] == ["r2"]
    assert ["r3"] not in deleted(client)


def test_messages_that_are_too_large_together_are_delivered_one_by_one() -> None:
    large = "x" * 900_000
    messages = [message(number, large) for number in range(1, 8)]
    client = Scripted(
        receive_message=[{"Messages": messages}, {}], delete_message_batch=[{}]
    )

    handler = poll_queue(client, enough, wanted=2)

    assert [len(each.items) for each in handler.deliveries] == [6, 1]


def test_a_deletion_that_fails_is_tried_again_for_what_is_left() -> None:
    failed = {"Failed": [{"Id": "1", "Message": "later"}]}
    client = Scripted(
        receive_message=[
            {"Messages": [message(1), message(2)]},
            {"Messages": [message(3)]},
        ],
        delete_message_batch=[failed, {}],
    )

    poll_queue(client, enough, wanted=2)

    assert deleted(client)[:2] == [["r1", "r2"], ["r2"]]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"Failed": [{"Id": "0", "Message": "the receipt is old"}]}, "receipt is old"),
        (UNREACHABLE, "Could not connect"),
    ],
)
def test_a_message_that_cannot_be_deleted_in_time_is_told_of(
    answer: Answer, told: str
) -> None:
    client = Scripted(
        receive_message=[{"Messages": [message(1)]}, {}],
        delete_message_batch=[answer],
    )

    async def warned(_handler: Handler, heard: Heard) -> None:
        await heard.wait_for("1 message(s) that were handled may come again")
        await heard.wait_for(told)

    poll_queue(client, warned, visibility_seconds=0)

    assert deleted(client) == [["r1"]]


def test_a_stream_that_cannot_be_asked_for_is_told_of() -> None:
    nobody = Endpoint(url="http://127.0.0.1:1", region="eu-west-1", is_embedded=True)
    sources = EventSources(Heard().journal)

    with pytest.raises(UsageError, match=r"cannot read the stream of table 't' at"):
        asyncio.run(sources.open_stream(StreamSettings(), nobody, "t"))


def test_the_streams_of_aws_have_a_host_of_their_own() -> None:
    urls = [
        "https://dynamodb.eu-west-1.amazonaws.com",
        "https://dynamodb.cn-north-1.amazonaws.com.cn",
        "http://127.0.0.1:8000",
    ]

    streams = [
        Endpoint(url=url, region="eu-west-1", is_embedded=False).of_streams().url
        for url in urls
    ]

    assert streams == [
        "https://streams.dynamodb.eu-west-1.amazonaws.com",
        "https://streams.dynamodb.cn-north-1.amazonaws.com.cn",
        "http://127.0.0.1:8000",
    ]


def test_a_call_that_nobody_waits_for_any_more_is_forgotten() -> None:
    client = Scripted(receive_message=[{}])
    seen: list[str] = []

    async def run() -> None:
        waiting = asyncio.ensure_future(in_thread(client.receive_message))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        seen.append(str(await in_thread(client.receive_message)))

    asyncio.run(run())

    assert seen == ["{}"]
