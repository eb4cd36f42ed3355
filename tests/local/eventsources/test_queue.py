"""Receiving from a queue, with servers that do what servers do."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.support.servers.scripted import Answer, Handler, Heard, Scripted
from wspubsub.local.eventsources.queues.poller import QueuePoller
from wspubsub.local.eventsources.queues.queue import LocalQueue
from wspubsub.local.threads import in_thread
from wspubsub.mappings.settings import QueueSettings
from wspubsub.mappings.verdicts import BatchVerdict

QUEUE = LocalQueue(
    url="http://127.0.0.1/queue",
    arn="arn:aws:sqs:eu-west-1:123456789012:wspubsub",
    dead_letter_url="http://127.0.0.1/dead",
)
UNREACHABLE = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


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
    verdicts: tuple[BatchVerdict, ...] = (),
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
    verdicts = (
        BatchVerdict(failed=frozenset({"m1"})),
        BatchVerdict(failed=frozenset({"m3"})),
    )

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
        await heard.wait_for("1 processed message(s) could not be deleted")
        await heard.wait_for(told)

    poll_queue(client, warned, visibility_seconds=0)

    assert deleted(client) == [["r1"]]


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
