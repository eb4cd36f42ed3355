"""A queue that carries the parts of a fan-out."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from wspubsub.aws.choice import boto3_client, is_engine_fit
from wspubsub.aws.endpoints import region_of_queue
from wspubsub.backoff import attempts
from wspubsub.errors import UsageError, WspubsubError

MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 1_048_576
"""Of one queue message, and of all in a batch ("Amazon SQS message quotas")."""

MAX_DELAY_SECONDS = 900
MAX_ATTEMPTS = 5


class QueueError(WspubsubError):
    """A queue did not accept a message that continues the fan-out.

    Attributes:
        code: The error code that SQS gave, or the name of why there was no answer;
            None where nothing was sent.
    """

    def __init__(self, queue_url: str, reason: str, code: str | None = None) -> None:
        super().__init__(f"the queue {queue_url} did not accept a message: {reason}")
        self.code = code


class QueueClient(Protocol):
    """The part of `boto3.client("sqs")` that wspubsub uses."""

    def send_message_batch(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Send up to 10 messages."""
        ...


class Queue:
    """Sends queue messages, in as few requests as fit.

    Args:
        url: URL of a standard queue.
        client: A `boto3.client("sqs")`, or anything with its method.
        sleep: Waits before entries that SQS left over are sent again.

    Raises:
        UsageError: The URL is empty, or that of a FIFO queue.
    """

    def __init__(
        self,
        url: str,
        *,
        client: QueueClient | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if not url:
            raise UsageError(
                "queue_url must not be empty; pass the URL of the SQS queue"
            )
        if url.endswith(".fifo"):
            raise UsageError(
                f"{url} is a FIFO queue, which would deliver the parts one after "
                "another; use a standard queue"
            )
        # Whoever has no queue does not pay for it.
        from wspubsub.aws.forks import reconnect_after_fork

        self.url = url
        self._client = reconnect_after_fork(client)
        self._sleep = sleep

    def send(
        self,
        bodies: Iterable[str],
        *,
        delay_seconds: int = 0,
        taken: Callable[[str], object] | None = None,
    ) -> None:
        """Send messages, whose bodies are ASCII text.

        Args:
            bodies: Their bodies.
            delay_seconds: How long they stay invisible, at most 900.
            taken: Called with each body that SQS has taken.

        Raises:
            QueueError: SQS did not take one; those before it may have been taken.
        """
        for batch in self._batches(bodies):
            self._send_batch(batch, delay_seconds, taken)

    def _batches(self, bodies: Iterable[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        size = 0
        for body in bodies:
            if len(body) > MAX_BATCH_BYTES:
                raise QueueError(
                    self.url,
                    f"it has {len(body):,} bytes, but SQS accepts at most "
                    f"{MAX_BATCH_BYTES:,}; exclude fewer connections",
                )
            if len(batch) == MAX_BATCH_ENTRIES or size + len(body) > MAX_BATCH_BYTES:
                yield batch
                batch, size = [], 0
            batch.append(body)
            size += len(body)
        if batch:
            yield batch

    def _send_batch(
        self,
        bodies: list[str],
        delay_seconds: int,
        taken: Callable[[str], object] | None,
    ) -> None:
        left = dict(enumerate(bodies))
        failed: dict[int, dict[str, Any]] = {}
        for _ in attempts(self._sleep, most=MAX_ATTEMPTS):
            failed = self._try_batch(left, delay_seconds)
            for number, body in left.items():
                if taken is not None and number not in failed:
                    taken(body)
            if not failed:
                return
            if any(each.get("SenderFault") for each in failed.values()):
                break
            left = {number: left[number] for number in failed}
        raise self._refusal(next(iter(failed.values())))

    def _refusal(self, entry: Mapping[str, Any]) -> QueueError:
        code = entry.get("Code")
        return QueueError(self.url, entry.get("Message") or f"{code}", code)

    def _try_batch(
        self, bodies: dict[int, str], delay_seconds: int
    ) -> dict[int, dict[str, Any]]:
        entries = [
            {
                "Id": str(number),
                "MessageBody": body,
                "DelaySeconds": min(delay_seconds, MAX_DELAY_SECONDS),
            }
            for number, body in bodies.items()
        ]
        try:
            answer = self._open().send_message_batch(QueueUrl=self.url, Entries=entries)
        except Exception as error:
            raise self._failure(error) from error
        return {int(each["Id"]): each for each in answer.get("Failed", ())}

    def _failure(self, error: Exception) -> QueueError:
        # A cold start in which nothing fails does not pay for reading errors.
        from wspubsub.aws.client_errors import failure_of
        from wspubsub.aws.denials import explain

        failure = failure_of(error)
        return QueueError(self.url, explain(failure.text), failure.code)

    def _open(self) -> QueueClient:
        # A message that is published inline needs no queue, so a cold start does not
        # pay for it.
        if self._client is None:
            self._client = _default_client(self.url)
        return self._client


def _default_client(url: str) -> QueueClient:
    from wspubsub.aws.sqs import SqsClient

    region = region_of_queue(url)
    if is_engine_fit(os.environ):
        return SqsClient(region=region)
    from wspubsub.aws.sdk_access import prefer_engine

    client: QueueClient = boto3_client("sqs", region=region)
    return prefer_engine(client, SqsClient)
