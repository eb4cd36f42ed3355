"""Publishing as the server: by the application's own code, or as from elsewhere."""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from wspubsub.errors import MessageError
from wspubsub.gateway import InvocationResult, Raised, Returned
from wspubsub.local.functions.waiting import InvocationOutcome
from wspubsub.local.inspector.entries import describe_report
from wspubsub.local.inspector.invocations import (
    PUBLISH,
    PageInvocations,
    make_invocation,
)
from wspubsub.local.inspector.methods import Json, MethodError, read_text
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.messages import read_json

PublishElsewhere = Callable[[Json], Awaitable[Mapping[str, Any]]]


class Publishing:
    """Publishes what a page asks for.

    A `PubSub` does it by its own `publish`: which history a topic has, and whether it
    has any, is said in the application and not in the table.

    Args:
        recorder: Is told of it, so that what it causes is seen.
        invocations: Has the handler publish; None if it is not a `PubSub`, or its
            runtime cannot be asked for that.
        elsewhere: Publishes `text` to `topic` from the gateway's own process; what it
            posts carries the header `trace`. Returns the report's fields.
    """

    def __init__(
        self,
        recorder: Recorder,
        invocations: PageInvocations | None,
        elsewhere: PublishElsewhere,
    ) -> None:
        self._recorder = recorder
        self._invocations = invocations
        self._elsewhere = elsewhere

    async def publish(self, arguments: Json) -> Json:
        """Publish `text` to `topic`.

        To a `PubSub` as JSON data if it is that, and else as a string.
        """
        topic, text = read_text(arguments, "topic"), read_text(arguments, "text")
        if self._invocations is not None:
            data = _read_data(text)
            report = await self._invocations.publish(topic, data)
            if report is not None:
                return describe_report(report)
            text = json.dumps(data)
        return await self._publish_elsewhere(topic, text)

    async def _publish_elsewhere(self, topic: str, text: str) -> Json:
        invocation = make_invocation({"topic": topic, "data": text}, method=PUBLISH)
        number = self._recorder.add_invocation(0, invocation, function="")
        began = time.perf_counter()
        result: InvocationResult = Raised("Error", "it was given up")
        try:
            asked = {"topic": topic, "text": text, "trace": invocation.trace_id}
            report = describe_report(await self._elsewhere(asked))
            result = Returned(report)
        except MethodError as error:
            result = Raised("Error", str(error))
            raise
        finally:
            seconds = time.perf_counter() - began
            outcome = InvocationOutcome(result=result, seconds=seconds)
            self._recorder.add("result", number, 0, outcome)
        return report


def _read_data(text: str) -> object:
    try:
        return read_json(text)
    except MessageError:
        return text
