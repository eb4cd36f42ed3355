"""Finds what belongs together: from an API to its functions, tables and queues."""

from collections.abc import Iterable, Iterator
from typing import Any

from wspubsub.deployment.description.deployment import QUEUE_VARIABLE, TABLE_VARIABLE
from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.deployment.live.account import Account, Answer
from wspubsub.deployment.live.arns import (
    FunctionRef,
    find_function,
    find_queue,
    find_region,
    find_table,
)
from wspubsub.deployment.live.functions import LiveFunction
from wspubsub.deployment.live.stack import Stack as Resources
from wspubsub.deployment.live.storage import find_dead_letters, read_queue, read_table
from wspubsub.deployment.live.vitals import Absence
from wspubsub.deployment.reading.identities import FUNCTION

_OWN = "WSPUBSUB_"


class Gathering:
    """All that works with some APIs, as far as it may be read.

    Args:
        account: Where it is.
        resources: The stack that names it.

    Attributes:
        functions: Functions by name.
        tables: Tables by name, as AWS describes them.
        queues: Queues by URL, as AWS describes them.
        event_sources: Event source mappings by UUID, as AWS describes them.
        absences: What functions look for in vain.
        is_whole: Whether all event source mappings could be read.
    """

    def __init__(self, account: Account, resources: Resources) -> None:
        self._account = account
        self._resources = resources
        self.functions: dict[str, LiveFunction] = {}
        self.tables: dict[str, Answer] = {}
        self.queues: dict[str, Answer] = {}
        self.event_sources: dict[str, Answer] = {}
        self.absences: list[Absence] = []
        self.is_whole = True
        self._closed: set[str] = set()  # names of queues that may not be read

    def gather(self, invoked: Iterable[FunctionRef]) -> None:
        """Read functions and all that they work with.

        Args:
            invoked: Those that the APIs invoke, and others that the user names.
        """
        for ref in invoked:
            self._add_function(ref)
        for name in self._resources.of_kind(FUNCTION):
            self._add_function(FunctionRef(name), is_related=False)
        done: set[str] = set()
        while waiting := [e for n, e in self.functions.items() if n not in done]:
            for function in waiting:
                done.add(function.ref.name)
                self._add_storage(function)
                self._add_sources(FunctionName=function.ref.name)

    def read_dead_letters(self) -> Iterator[tuple[str, Answer]]:
        """Yield URL and attributes of the queues for what could not be handled."""
        arns = [find_dead_letters(each) for each in self.queues.values()]
        for each in self.event_sources.values():
            destination = (each.get("DestinationConfig") or {}).get("OnFailure") or {}
            arns.append(destination.get("Destination"))
        for arn in dict.fromkeys(filter(None, arns)):
            name = find_queue(arn)
            url = self._find_url(name) if name else None
            found = read_queue(self._account, url) if url else None
            if url is not None and found is not None and found is not UNKNOWN:
                yield url, found

    def _add_function(self, ref: FunctionRef, *, is_related: bool = True) -> None:
        if ref.name in self.functions:
            return
        function = LiveFunction(self._account, self._resources, ref)
        variables = function.variables
        uses_library = variables is not UNKNOWN and any(
            each.startswith(_OWN) for each in variables
        )
        if is_related or uses_library:
            self.functions[ref.name] = function

    def _add_storage(self, function: LiveFunction) -> None:
        table = function.find_variable(TABLE_VARIABLE)
        if table and self._is_here(function, TABLE_VARIABLE, table, "table"):
            self._add_table(function, table)
        queue = function.find_variable(QUEUE_VARIABLE)
        if queue and self._is_here(function, QUEUE_VARIABLE, queue, "queue"):
            self._add_queue(function, queue)

    def _is_here(
        self, function: LiveFunction, variable: str, value: str, kind: str
    ) -> bool:
        region = find_region(value)
        if region in (None, self._account.region):
            return True
        self.absences.append(
            Absence(
                function=function.name,
                variable=variable,
                value=value,
                kind=kind,
                region=region,
            )
        )
        return False

    def _add_table(self, function: LiveFunction, value: str) -> None:
        name = find_table(value) or value
        if name not in self.tables:
            found = read_table(self._account, value)
            if found is None:
                self._miss(function, TABLE_VARIABLE, value, "table")
            elif found is not UNKNOWN:
                self.tables[name] = found
                if stream := found.get("LatestStreamArn"):
                    self._add_sources(EventSourceArn=stream)

    def _add_queue(self, function: LiveFunction, url: str) -> None:
        if url not in self.queues:
            found = read_queue(self._account, url)
            if found is None:
                self._miss(function, QUEUE_VARIABLE, url, "queue")
            elif found is UNKNOWN:
                self._closed.add(url.rpartition("/")[2])
            else:
                self.queues[url] = found
                self._add_sources(EventSourceArn=found["QueueArn"])

    def _miss(
        self, function: LiveFunction, variable: str, value: str, kind: str
    ) -> None:
        self.absences.append(
            Absence(function=function.name, variable=variable, value=value, kind=kind)
        )

    def _add_sources(self, **parameters: str) -> None:
        found = self._account.ask_items(
            "lambda", "list_event_source_mappings", "EventSourceMappings", **parameters
        )
        if found is UNKNOWN:
            self.is_whole = False
            return
        for each in found:
            self._add_source(each)

    def _add_source(self, each: dict[str, Any]) -> None:
        if each["UUID"] in self.event_sources:
            return
        self.event_sources[each["UUID"]] = each
        function = find_function(each["FunctionArn"])
        if function is not None:
            self._add_function(function)
        name = find_queue(each.get("EventSourceArn", ""))
        if name is None or name in self._closed:
            return
        if not self._knows_queue(each["EventSourceArn"]):
            url = self._find_url(name)
            found = read_queue(self._account, url) if url else None
            if url is not None and found is not None and found is not UNKNOWN:
                self.queues[url] = found

    def _knows_queue(self, arn: str) -> bool:
        return any(each["QueueArn"] == arn for each in self.queues.values())

    def _find_url(self, name: str) -> str | None:
        answer = self._account.ask("sqs", "get_queue_url", QueueName=name)
        if answer is None or answer is UNKNOWN:
            return None
        found: str = answer["QueueUrl"]
        return found
