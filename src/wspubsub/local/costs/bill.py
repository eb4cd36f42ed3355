"""What the inspector's page is told about costs."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from wspubsub.local.costs.estimate import estimate
from wspubsub.local.costs.meter import count_by_topic
from wspubsub.local.dynamodb.embedded import EmbeddedDynamoDB
from wspubsub.local.inspector.methods import Json, Method
from wspubsub.local.inspector.recorder import Recorder

DEFAULT_MEMORY_MB = 1024
"""Memory of the functions where `--memory` does not say, as in `wspubsub template`."""

_NOTHING: dict[str, Any] = {"dynamodb": {}, "requests": []}
ANSWER_SECONDS = 5.0
"""How long the embedded DynamoDB has to say what it has counted."""


class Bill:
    """What the traffic of a gateway would cost.

    Args:
        recorder: Has counted messages and invocations.
        memory_mb: Memory of the functions.
    """

    def __init__(self, recorder: Recorder, memory_mb: int | None) -> None:
        self._recorder = recorder
        self._memory_mb = memory_mb or DEFAULT_MEMORY_MB
        self._embedded: EmbeddedDynamoDB | None = None
        self._is_table_counted = False
        self._asked: list[asyncio.Future[dict[str, Any]]] = []

    @property
    def methods(self) -> Mapping[str, Method]:
        """Methods of the inspector by name."""
        return {"costs": self._costs}

    def connect(self, embedded: EmbeddedDynamoDB | None, *, has_table: bool) -> None:
        """Take the services that count what they are asked.

        Args:
            embedded: DynamoDB and SQS; None if there are none.
            has_table: Whether the table is there, and not elsewhere.
        """
        self._embedded = embedded
        self._is_table_counted = has_table

    def take_message(self, message: dict[str, Any]) -> None:
        """Take what the embedded DynamoDB has counted."""
        if "units" in message:
            for each in self._asked:
                if not each.done():
                    each.set_result(message["units"])
            self._asked.clear()

    async def _costs(self, _arguments: Json) -> Json:
        ring = self._recorder.ring
        entries = () if ring is None else ring.entries()
        return {
            "is_table_counted": self._is_table_counted,
            **estimate(
                self._recorder.measure(),
                **await self._ask(),
                topics=count_by_topic(entries),
                memory_mb=self._memory_mb,
                now=time.time(),
            ),
        }

    async def _ask(self) -> dict[str, Any]:
        if self._embedded is None:
            return _NOTHING
        asked: asyncio.Future[dict[str, Any]]
        asked = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        self._embedded.send({"measure": True})
        await asyncio.wait({asked}, timeout=ANSWER_SECONDS)
        return asked.result() if asked.done() else _NOTHING
