"""Receives a queue's messages and delivers them, several batches at a time.

"Using Lambda with Amazon SQS": messages that were processed are deleted; the others are
redelivered after the visibility timeout, until the queue's redrive policy removes them.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from wspubsub.local.eventsources.clients import ServiceCaller
from wspubsub.local.eventsources.deliveries import BatchDelivery, Deliver
from wspubsub.local.eventsources.queues.queue import LocalQueue
from wspubsub.local.journal import Journal
from wspubsub.local.tasks import Tasks
from wspubsub.local.threads import in_thread
from wspubsub.mappings.clients import SourceQueueClient
from wspubsub.mappings.payloads import Record, batches
from wspubsub.mappings.queue_records import SOURCE, queue_record
from wspubsub.mappings.settings import QueueSettings

MAX_CONCURRENCY = 5
"""How many batches Lambda begins with at a time."""

WAIT_SECONDS = 20
"""How long ReceiveMessage waits for messages: the most that SQS allows."""

READ_SECONDS = WAIT_SECONDS + 5

DELETION_SECONDS = 0.5
"""Between two attempts to delete what was processed."""


class QueuePoller:
    """One queue.

    Args:
        client: A `boto3.client("sqs")` that waits `READ_SECONDS` for an answer.
        queue: The queue.
        settings: How it is delivered.
        journal: Hears what goes wrong.
    """

    def __init__(
        self,
        client: SourceQueueClient,
        queue: LocalQueue,
        settings: QueueSettings,
        journal: Journal,
    ) -> None:
        self._client = client
        self._caller = ServiceCaller("the queue", journal)
        self._queue = queue
        self._settings = settings
        self._journal = journal
        self._tasks = Tasks()

    def start(self, deliver: Deliver, *, max_concurrency: int) -> None:
        """Begin to deliver, at most this many batches at a time."""
        slots = asyncio.Semaphore(min(MAX_CONCURRENCY, max_concurrency))
        self._tasks.spawn(self._poll(slots, deliver))

    async def close(self) -> None:
        """Stop; what has not been deleted will be received again."""
        await self._tasks.close()

    async def _poll(self, slots: asyncio.Semaphore, deliver: Deliver) -> None:
        while True:
            # Messages are hidden from the moment of their reception, so there must
            # be room for them before it.
            await slots.acquire()
            messages = await self._receive()
            if messages:
                self._tasks.spawn(self._handle(messages, slots, deliver))
            else:
                slots.release()

    async def _receive(self) -> list[Mapping[str, Any]]:
        answer = await self._caller.insist(
            lambda: self._client.receive_message(
                QueueUrl=self._queue.url,
                MaxNumberOfMessages=self._settings.batch_size,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageAttributeNames=["All"],
                # Newer SDKs call it MessageSystemAttributeNames, and take both.
                AttributeNames=["All"],
            )
        )
        messages: list[Mapping[str, Any]] = answer.get("Messages", [])
        return messages

    async def _handle(
        self,
        messages: Sequence[Mapping[str, Any]],
        slots: asyncio.Semaphore,
        deliver: Deliver,
    ) -> None:
        records = [
            queue_record(message, queue_arn=self._queue.arn) for message in messages
        ]
        try:
            for batch in batches(records, size=self._settings.batch_size):
                verdict = await deliver(
                    BatchDelivery(
                        source=SOURCE,
                        records=batch,
                        items=[record["messageId"] for record in batch],
                        retries=_retries(batch),
                    )
                )
                await self._delete(
                    [each for each in batch if each["messageId"] not in verdict.failed]
                )
        finally:
            slots.release()

    async def _delete(self, records: Sequence[Record]) -> None:
        if not records:
            return
        entries = [
            {"Id": str(number), "ReceiptHandle": record["receiptHandle"]}
            for number, record in enumerate(records)
        ]
        # Later than this, somebody else may have received them.
        until = time.monotonic() + self._settings.visibility_timeout_seconds
        while True:
            entries, problem = await self._try_to_delete(entries)
            if not entries:
                return
            if time.monotonic() > until:
                break
            await asyncio.sleep(DELETION_SECONDS)
        self._journal.warn(
            f"{len(entries)} processed message(s) could not be deleted and may be "
            f"redelivered: {problem}"
        )

    async def _try_to_delete(
        self, entries: list[dict[str, str]]
    ) -> tuple[list[dict[str, str]], str]:
        try:
            answer = await in_thread(
                lambda: self._client.delete_message_batch(
                    QueueUrl=self._queue.url, Entries=entries
                )
            )
        except (BotoCoreError, ClientError) as error:
            return entries, str(error)
        failed = {each["Id"]: each for each in answer.get("Failed", [])}
        left = [entry for entry in entries if entry["Id"] in failed]
        return left, "; ".join({str(each.get("Message")) for each in failed.values()})


def _retries(batch: Sequence[Record]) -> int:
    counts = (
        int(each["attributes"].get("ApproximateReceiveCount", 1)) for each in batch
    )
    return max(counts) - 1
