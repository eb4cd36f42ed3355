"""A WebSocket API with what it invokes, and the application that it is to run."""

import re
from dataclasses import dataclass, field
from functools import cached_property

from wspubsub.deployment.description.parts import (
    Api,
    EventSource,
    Function,
    Permission,
    Queue,
    Route,
    Table,
)
from wspubsub.deployment.description.texts import is_literal, may_equal
from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.handlers.application import SOURCE_VARIABLES, Application

TABLE_VARIABLE, ENDPOINT_VARIABLE = "WSPUBSUB_TABLE", "WSPUBSUB_ENDPOINT"
QUEUE_VARIABLE = SOURCE_VARIABLES["queue"]

_SEPARATORS = re.compile(r"[./]")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One WebSocket API and what it works with.

    Attributes:
        application: What it is to run.
        module: Path of the application's module without suffix, if that is known.
        api: The API.
        functions: All functions.
        permissions: Who may invoke them.
        tables: All tables.
        queues: All queues.
        event_sources: All event source mappings.
        publishers: Handlers that only publish, as the user says.
        is_open: Whether there may be parts that are not described here.
        regions: Regions that it may be bound to, since parts of it name them.
    """

    application: Application
    module: str | None = None
    api: Api
    functions: tuple[Function, ...]
    permissions: tuple[Permission, ...] = ()
    tables: tuple[Table, ...] = ()
    queues: tuple[Queue, ...] = ()
    event_sources: tuple[EventSource, ...] = ()
    publishers: tuple[str, ...] = ()
    is_open: bool = False
    regions: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def running(self) -> list[Function]:
        """The functions that certainly run the application."""
        found = self.find_handlers(self.application.handler)
        if self.module is not None:
            exact = [each for each in found if each.module == self.module]
            if exact:
                return exact
        # Some frameworks name every handler alike, each in a folder of its own.
        codes = {each.code for each in found}
        return found if len(codes) == 1 else self._find_only()

    @cached_property
    def is_running_known(self) -> bool:
        """Whether it is known which functions run the application."""
        return bool(self.running) or not any(
            each.handler is UNKNOWN or _names_handler(each, self.application.handler)
            for each in self.functions
        )

    @cached_property
    def invoked_functions(self) -> list[Function]:
        """The functions that the routes invoke, as far as they are known."""
        names = [self.function_of(route) for route in self.api.routes]
        return [each for each in self.functions if each.name in names]

    @cached_property
    def workers(self) -> list[tuple[EventSource, Function]]:
        """The event source mappings whose function is described, and that function."""
        functions = {each.name: each for each in self.functions}
        return [
            (each, functions[each.function])
            for each in self.event_sources
            if isinstance(each.function, str) and each.function in functions
        ]

    @cached_property
    def own_workers(self) -> list[Function]:
        """The workers whose event source is their own table or queue."""
        return [
            function
            for source, function in self.workers
            if self.is_own_source(source, function)
        ]

    def runs_application(self, name: str) -> Maybe[bool]:
        """Return whether a function runs the application."""
        if any(each.name == name for each in self.running):
            return True
        function = next((f for f in self.functions if f.name == name), None)
        if function is None or function.handler is UNKNOWN or not self.running:
            return UNKNOWN
        return False

    def function_of(self, route: Route) -> Maybe[str] | None:
        """Return the name of the function that a route invokes; None for none."""
        integration = route.integration
        if integration is None or integration is UNKNOWN:
            return integration
        return integration.function

    def find_table(self, function: Function) -> Table | None:
        """Return the table that a function's variable certainly names."""
        value = find_variable(function, TABLE_VARIABLE)
        return next((t for t in self.tables if value in (t.table_name, t.arn)), None)

    def find_queue(self, function: Function) -> Queue | None:
        """Return the queue that a function's variable certainly names."""
        value = find_variable(function, QUEUE_VARIABLE)
        return next((q for q in self.queues if value == q.url), None)

    def is_own_source(self, source: EventSource, function: Function) -> bool:
        """Return whether an event source is the table or queue of a function."""
        table, queue = self.find_table(function), self.find_queue(function)
        return (table is not None and source.table == table.name) or (
            queue is not None and source.queue == queue.name
        )

    def _find_only(self) -> list[Function]:
        """Return the function that all routes invoke, if it may run anything."""
        targets = {self.function_of(route) for route in self.api.routes}
        found = [each for each in self.functions if {each.name} == targets]
        return [each for each in found if each.handler is UNKNOWN]

    def find_handlers(self, handler: str) -> list[Function]:
        """Return the functions whose handler is called like that."""
        return [each for each in self.functions if _names_handler(each, handler)]

    def is_publisher(self, function: Function) -> bool:
        """Return whether the user says that a function publishes."""
        return any(_names_handler(function, each) for each in self.publishers)


def _names_handler(function: Function, handler: str) -> bool:
    """Whether a function's handler is called as another one.

    A handler may be given from another folder: `chat/app.handler` may be
    `app.handler`. Wrappers, which layers bring, find it in a variable.
    """
    if isinstance(function.handler, str) and _is_alike(function.handler, handler):
        return True
    variables = function.variables
    return variables is not UNKNOWN and any(
        "HANDLER" in name.upper() and is_literal(value) and _is_alike(value, handler)
        for name, value in variables.items()
    )


def _is_alike(left: str, right: str) -> bool:
    theirs, ours = (_SEPARATORS.split(each) for each in (left, right))
    shorter = min(len(theirs), len(ours))
    return shorter > 1 and theirs[-shorter:] == ours[-shorter:]


def find_variable(function: Function, name: str) -> Maybe[str] | None:
    """Return an environment variable of a function as a text; None if it has none."""
    if function.variables is UNKNOWN:
        return UNKNOWN
    return function.variables.get(name)


def names_stage(text: str, api: Api) -> bool:
    """Return whether a text may be the name of a stage of the API."""
    return api.has_other_stages or any(
        may_equal(text, stage.stage_name) for stage in api.stages
    )
