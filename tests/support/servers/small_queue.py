"""A queue in memory, for tests with many thousands of messages."""

import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

BATCH_SIZE = 2


class SmallQueue:
    """A queue whose messages come at once, and again if they fail."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._waiting: deque[dict[str, Any]] = deque()

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        for entry in request["Entries"]:
            self._waiting.append(
                {
                    "messageId": str(next(self._numbers)),
                    "body": entry["MessageBody"],
                    "eventSource": "aws:sqs",
                }
            )
        return {}

    def work_off(self, worker: Callable[[object], dict[str, Any] | None]) -> None:
        """Invoke a worker until the queue is empty; None says that it has died."""
        while self._waiting:
            size = min(BATCH_SIZE, len(self._waiting))
            records = [self._waiting.popleft() for _ in range(size)]
            answer = worker({"Records": records})
            failed = (
                {record["messageId"] for record in records}
                if answer is None
                else {each["itemIdentifier"] for each in answer["batchItemFailures"]}
            )
            self._waiting.extend(
                record for record in records if record["messageId"] in failed
            )
