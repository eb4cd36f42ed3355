"""Clients of AWS services whose answers a test writes down beforehand."""

import asyncio
import io
import threading
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from wspubsub.local.eventsources.deliveries import BatchDelivery
from wspubsub.local.journal import Journal
from wspubsub.mappings.verdicts import BatchVerdict

PATIENCE_SECONDS = 10.0

Answer = Mapping[str, Any] | Exception


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Operation")


class Scripted:
    """A client that gives each operation's answers in turn, and the last one for ever.

    Args:
        answers: By operation.
    """

    def __init__(self, **answers: list[Answer]) -> None:
        self._answers = answers
        self._lock = threading.Lock()
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def of(self, operation: str) -> list[dict[str, Any]]:
        """Return the requests for an operation."""
        return [request for name, request in self.requests if name == operation]

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def answer(**request: Any) -> Any:
            with self._lock:
                self.requests.append((operation, request))
                answers = self._answers[operation]
                found = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(found, Exception):
                raise found
            return found

        return answer


class Handler:
    """Takes what is delivered, until there is as much as a test wants.

    Args:
        wanted: So many batches.
        verdicts: How the first of them end; the others succeed.
    """

    def __init__(self, wanted: int, *verdicts: BatchVerdict) -> None:
        self.deliveries: list[BatchDelivery] = []
        self._wanted = wanted
        self._verdicts = list(verdicts)
        self._done = asyncio.Event()

    async def deliver(self, delivery: BatchDelivery) -> BatchVerdict:
        self.deliveries.append(delivery)
        if len(self.deliveries) >= self._wanted:
            self._done.set()
        return (
            self._verdicts.pop(0)
            if self._verdicts
            else BatchVerdict(failed=frozenset())
        )

    async def wait(self) -> None:
        await asyncio.wait_for(self._done.wait(), PATIENCE_SECONDS)


class Heard(io.StringIO):
    """What a journal writes, and a way to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = Journal(self)
        self._news = asyncio.Event()

    def write(self, text: str) -> int:
        self._news.set()
        return super().write(text)

    async def wait_for(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in self.getvalue():
                self._news.clear()
                await self._news.wait()
