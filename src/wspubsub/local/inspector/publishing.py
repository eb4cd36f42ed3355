"""Publishing as the server to a `PubSub`, which knows what its topics are."""

import json
from collections.abc import Awaitable, Callable

from wspubsub.errors import MessageError
from wspubsub.local.inspector.entries import describe_report
from wspubsub.local.inspector.invocations import PageInvocations
from wspubsub.local.inspector.methods import Json, read_text
from wspubsub.messages import read_json


class Publishing:
    """Publishes by the application's own `publish`.

    Which history a topic has, and whether it has any, is said in the application and
    not in the table.

    Args:
        invocations: Has the handler publish.
        otherwise: Publishes where the handler has no method for it, such as a function
            that calls a `PubSub`.
    """

    def __init__(
        self,
        invocations: PageInvocations,
        otherwise: Callable[[Json], Awaitable[Json]],
    ) -> None:
        self._invocations = invocations
        self._otherwise = otherwise

    async def publish(self, arguments: Json) -> Json:
        """Publish `text` to `topic`: as JSON data if it is that, else as a string."""
        topic = read_text(arguments, "topic")
        data = _read_data(read_text(arguments, "text"))
        report = await self._invocations.publish(topic, data)
        if report is None:
            return await self._otherwise({"topic": topic, "text": json.dumps(data)})
        return describe_report(report)


def _read_data(text: str) -> object:
    try:
        return read_json(text)
    except MessageError:
        return text
