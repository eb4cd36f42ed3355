"""The served table as the page shows it: items, topics, and publishing to them."""

import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from threading import Lock
from typing import Any

from wspubsub.errors import MessageError, UsageError, WspubsubError
from wspubsub.local.apigateway.shell import TRACE_HEADER
from wspubsub.local.dynamodb.senders import Sender
from wspubsub.local.eventsources.clients import ServiceEndpoint
from wspubsub.local.inspector.entries import describe_json
from wspubsub.local.inspector.methods import Json, MethodError, read_text
from wspubsub.local.threads import in_thread
from wspubsub.operations import Summary, decode_item, make_json
from wspubsub.operations.acting import publish
from wspubsub.operations.deployments import Deployment, open_management
from wspubsub.operations.scans import scan_pages
from wspubsub.operations.topics import read_newest, read_presence, read_subscribers

MAX_ITEMS = 1_000
"""How many items the page gets; if the table has more, the answer says so."""

MAX_ENTRIES = 100
"""How many entries of a topic's log the page gets, the newest."""

MAX_SCANNED = 5_000
"""How many items are read to find topics, and what connections have."""

READ_SECONDS = 10.0


class Table:
    """Reads a table and publishes, in threads.

    Args:
        table: Where the table is.
        management: Where the Management API is.
        name: Name of the table.
        by_stream: Whether the table's stream delivers what is logged.
        now: Clock of the gateway, in seconds since the epoch.
    """

    def __init__(
        self,
        table: ServiceEndpoint,
        management: ServiceEndpoint,
        name: str,
        *,
        by_stream: bool,
        now: Callable[[], float],
    ) -> None:
        self._name = name
        self._now = now
        # So that looking at the table is not among what is seen.
        client = table.client(
            "dynamodb", read_seconds=READ_SECONDS, sender=Sender.INSPECTOR
        )
        posting = management.client(
            "apigatewaymanagementapi", read_seconds=READ_SECONDS
        )
        # One publish at a time, so that each post names the one that it is of.
        self._turn = Lock()
        self._trace = ""
        posting.meta.events.register("before-call", self._name_cause)
        self._client = client
        self._deployment = Deployment(
            table=name,
            client=client,
            management=open_management(posting),
            by_stream=by_stream,
        )

    @property
    def methods(self) -> Mapping[str, Callable[[Json], Awaitable[Json]]]:
        """What a page may ask and do."""
        return {
            "items": lambda _arguments: in_thread(self._read_items),
            "known_connections": self._know_connections,
            "topics": lambda _arguments: in_thread(self._read_topics),
            "topic": self._topic,
            "publish": self._publish,
        }

    async def _know_connections(self, _arguments: Json) -> Json:
        """Return what the table has about connections, by ID."""
        summary = await in_thread(self._summarize)
        return {each["connection"]: each for each in summary.connections()}

    async def _topic(self, arguments: Json) -> Json:
        topic = read_text(arguments, "topic")
        return await in_thread(lambda: self._read_topic(topic))

    async def _publish(self, arguments: Json) -> Json:
        topic = read_text(arguments, "topic")
        text, trace = read_text(arguments, "text"), read_text(arguments, "trace")
        return await in_thread(lambda: self._publish_text(topic, text, trace))

    def _publish_text(self, topic: str, text: str, trace: str) -> Json:
        try:
            with self._turn:
                self._trace = trace
                report = publish(self._deployment, topic, text, now=self._now)
        except WspubsubError as error:
            is_asked_wrongly = isinstance(error, MessageError | UsageError)
            status = 400 if is_asked_wrongly else 502
            raise MethodError(str(error), status=status) from None
        return vars(report)

    def _name_cause(self, params: dict[str, Any], **_others: object) -> None:
        params["headers"][TRACE_HEADER] = self._trace

    def _read_items(self) -> Json:
        found = list(itertools.islice(self._scan(), MAX_ITEMS + 1))
        items = []
        for item in found[:MAX_ITEMS]:
            kind, fields = decode_item(item)
            raw = describe_json("raw", make_json(item))
            items.append({"kind": kind.value, "decoded": fields, **raw})
        return {"items": items, "cut": len(found) > MAX_ITEMS}

    def _read_topics(self) -> Json:
        found = self._summarize().topics()
        return {"topics": [{**each, "presence": each["present"]} for each in found]}

    def _read_topic(self, topic: str) -> Json:
        table, now = self._deployment.access, self._now()
        try:
            return {
                "topic": topic,
                "subscribers": [*read_subscribers(table, topic, now=now)],
                "presence": read_presence(table, topic, now=now),
                "history": read_newest(table, topic, MAX_ENTRIES, now=now),
            }
        except WspubsubError as error:
            raise MethodError(str(error), status=502) from None

    def _summarize(self) -> Summary:
        summary = Summary(self._now())
        summary.add(itertools.islice(self._scan(), MAX_SCANNED))
        return summary

    def _scan(self) -> Iterator[dict[str, Any]]:
        if not self._deployment.is_local:
            raise MethodError(
                "the table is not on this machine, and reading all of it would cost: "
                "use wspubsub connections and wspubsub topics, which say how much"
            )
        try:
            for page in scan_pages(self._client, self._name):
                yield from page
        except WspubsubError as error:
            raise MethodError(str(error), status=502) from None
