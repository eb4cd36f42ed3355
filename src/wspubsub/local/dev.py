"""Everything that `wspubsub dev` starts, set up and torn down again."""

import asyncio
import shlex
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from wspubsub import __version__
from wspubsub.errors import UsageError
from wspubsub.handlers.environ import (
    Surroundings,
    isolate_environ,
    uses_proxy,
)
from wspubsub.local.apigateway.hosts import AllowedHosts, find_own_names, url_host
from wspubsub.local.apigateway.listener import explain_bind
from wspubsub.local.apigateway.server import GatewayServer
from wspubsub.local.apigateway.shell import GatewayShell
from wspubsub.local.apigateway.tls import Tls
from wspubsub.local.clock import Clock
from wspubsub.local.costs.bill import Bill
from wspubsub.local.declared import describe_api
from wspubsub.local.deploying import deploy_functions
from wspubsub.local.dynamodb.embedded import EmbeddedDynamoDB, check_table
from wspubsub.local.eventsources.opened import OpenedSources, locate_table
from wspubsub.local.facts import (
    describe_functions,
    find_watched_folders,
    name_handlers,
)
from wspubsub.local.faults.clock_advance import ClockAdvance
from wspubsub.local.faults.methods import make_methods
from wspubsub.local.faults.shaking import Shaking
from wspubsub.local.functions.deployed import DeployedFunctions
from wspubsub.local.functions.environment import OutputLine
from wspubsub.local.functions.reload import Sources
from wspubsub.local.inspector.inspector import Inspector
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.inspector.ring import Ring
from wspubsub.local.journal import Journal
from wspubsub.local.reloading import RELOAD_SECONDS, Reloading
from wspubsub.local.running import RunningGateway, try_announcing
from wspubsub.local.settings import LocalSettings
from wspubsub.local.setup import run_setup
from wspubsub.local.tasks import Tasks


class LocalGateway:
    """A gateway with its functions and its DynamoDB; an async context manager.

    Args:
        settings: What it is set to.
        journal: Hears what happens.

    Raises:
        UsageError: On entering: it cannot start with these settings.
        WspubsubError: On entering: the embedded DynamoDB does not start.
    """

    def __init__(self, settings: LocalSettings, journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        self._stack = AsyncExitStack()
        self._tasks = Tasks()
        self._functions = DeployedFunctions()
        self._tls: Tls | None = None
        self._own_names: list[str] = []
        self._address = ""
        self._recorder = Recorder(Ring() if settings.has_inspector else None)
        self._shaking = Shaking(journal, self._recorder, settings.faults)
        self._clock = Clock()
        self._bill = Bill(self._recorder, settings.memory_mb)
        self._inspector: Inspector | None = None
        self._dynamodb_url = ""
        self._embedded: EmbeddedDynamoDB | None = None
        self._embedded_url: str | None = None
        self._sources = OpenedSources(
            settings, journal, self._recorder, self._clock.now
        )

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._stack.aclose()

    @property
    def url(self) -> str:
        """The URL that clients connect to."""
        scheme = "wss" if self._settings.is_tls else "ws"
        return f"{scheme}://{self._address}/{self._settings.config.stage}"

    @property
    def management_url(self) -> str:
        """Endpoint of the Management API."""
        scheme = "https" if self._settings.is_tls else "http"
        return f"{scheme}://{self._address}/{self._settings.config.stage}"

    async def run(self) -> int:
        """Serve until this is canceled, or cannot go on; return the exit status."""
        if self._embedded is None:
            await asyncio.Event().wait()
        else:
            reason = await self._embedded.wait_for_end()
            self._journal.warn(
                f"the embedded DynamoDB has ended ({reason}), and the table with it: "
                "the gateway ends too; start it again"
            )
        return 1

    def facts(self) -> dict[str, str]:
        """Return what the user needs to know, by name."""
        settings = self._settings
        python = shlex.quote(sys.executable)
        return {
            "Serving": f"wspubsub {__version__} serves {name_handlers(settings)}",
            "URL": self.url,
            "Management URL": self.management_url,
            "Table": settings.table,
            "Region": settings.config.region,
            "DynamoDB URL": self._dynamodb_url,
            **self._sources.facts,
            **describe_api(settings.config),
            **describe_functions(settings),
            **({"Certificate": str(self._tls.trusted)} if self._tls else {}),
            **({"Inspector": self._inspector.url} if self._inspector else {}),
            "Connect": f"{self._connect_variables()}{python} -m websockets {self.url}",
        }

    def _connect_variables(self) -> str:
        variables = ""
        if self._tls and self._settings.is_tls:
            variables += f"SSL_CERT_FILE={shlex.quote(str(self._tls.trusted))} "
        if uses_proxy(self._settings.environ):
            host = self._address.rpartition(":")[0].strip("[]")
            variables += f"no_proxy={host} "
        return f"env {variables}" if variables else ""

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        # moto takes the longest to start, so it starts first, beside all the rest.
        await self._provide_table(stack)
        server = await self._bound_server(stack)
        await self._find_table()
        if self._inspector is not None:
            self._inspector.show_table(
                lambda: locate_table(settings, self._embedded_url),
                self._tls.bundle if self._tls else None,
            )
        surroundings = await self._surroundings()
        if settings.setup is not None or settings.data is not None:
            await self._wait_for_table()
        await run_setup(settings, surroundings, self._journal)
        stack.push_async_callback(self._functions.close)
        deploy_functions(
            self._functions,
            settings,
            surroundings,
            self._take_output,
            faults=self._shaking.faults,
            clock=self._clock,
        )
        if settings.application is not None:
            self._functions.declare(settings.application)
        # Clients go first, then what serves them.
        stack.push_async_callback(server.close)
        stack.push_async_callback(self._tasks.close)
        if settings.faults is not None:
            self._tasks.spawn(self._watch_rules())
        if settings.reloads:
            # Looked at before they are imported, so that no change is missed.
            sources = await asyncio.to_thread(Sources, find_watched_folders(settings))
            self._tasks.spawn(
                Reloading(
                    settings, self._journal, self._functions, self._shell, self._warm_up
                ).watch(sources)
            )
        server.serve()
        await self._warm_up()
        await self._wait_for_table()
        for warning in settings.warnings:
            self._journal.warn(warning)
        stack.push_async_callback(self._sources.close)
        self._sources.start(self._functions.handler)
        self._announce(stack, surroundings)

    def _announce(self, stack: AsyncExitStack, surroundings: Surroundings) -> None:
        port = int(self._address.rpartition(":")[2])
        running = RunningGateway(port=port, url=self.url, surroundings=surroundings)
        if reason := try_announcing(stack, running, self._settings.environ):
            self._journal.warn(f"commands will not find this gateway: {reason}")

    def _take_output(self, line: OutputLine) -> None:
        self._journal.log_output(line)
        cause = self._recorder.find(line.invocation_id)
        self._recorder.add("output", cause, len(line.text), line)

    async def _bound_server(self, stack: AsyncExitStack) -> GatewayServer:
        settings = self._settings
        self._own_names = await asyncio.to_thread(find_own_names, settings.host)
        self._tls = self._prepare_tls(stack)
        # The functions are added before anybody is let in.
        self._shell = GatewayShell(
            settings.config,
            self._functions,
            self._journal,
            self._recorder,
            self._clock,
        )
        if self._recorder.ring is not None:
            self._inspector = self._make_inspector(self._recorder.ring)
        server = GatewayServer(
            self._shell,
            self._journal,
            self._recorder,
            hosts=AllowedHosts(settings.host, settings.allowed_hosts),
            tls=self._tls,
            is_tls_only=settings.is_tls,
            max_buffer_bytes=settings.config.max_buffer_bytes,
            faults=self._shaking.faults,
            inspector=None if self._inspector is None else self._inspector.site,
        )
        try:
            port = await server.bind(settings.host, settings.port)
        except OSError as error:
            problem = explain_bind(settings.host, settings.port, error)
            raise UsageError(problem) from None
        stack.push_async_callback(server.close)
        self._address = f"{url_host(settings.host)}:{port}"
        return server

    def _make_inspector(self, ring: Ring) -> Inspector:
        inspector = Inspector(
            self,
            self._settings,
            ring=ring,
            recorder=self._recorder,
            shell=self._shell,
            functions=self._functions,
            journal=self._journal,
            clock=self._clock,
        )
        advance = ClockAdvance(
            self._clock, self._shell, self._functions, self._embedded, self._journal
        )
        inspector.methods.add(make_methods(self._shaking, self._shell, self._functions))
        inspector.methods.add(advance.methods)
        inspector.methods.add(self._bill.methods)
        inspector.facts["faults"] = lambda: self._shaking.describe()["rules"]
        return inspector

    def _prepare_tls(self, stack: AsyncExitStack) -> Tls | None:
        settings = self._settings
        folder = stack.enter_context(tempfile.TemporaryDirectory(suffix="-wspubsub"))
        allowed = {each for each in settings.allowed_hosts if each != "*"}
        return Tls.prepare(
            Path(folder),
            {*self._own_names, *allowed},
            own=settings.certificate,
            environ=settings.environ,
        )

    async def _provide_table(self, stack: AsyncExitStack) -> None:
        settings, region = self._settings, self._settings.config.region
        url = settings.dynamodb_url
        if url is not None:
            await asyncio.to_thread(check_table, settings.table, url=url, region=region)
        if url is None or settings.queue is not None:
            self._embedded = embedded = await EmbeddedDynamoDB.start(
                settings.table if url is None else None,
                isolate_environ(settings.environ, region),
                has_stream=settings.stream is not None,
                port=settings.dynamodb_port,
                data=settings.data,
                on_message=self._take_message,
                on_warning=self._journal.warn,
            )
            stack.push_async_callback(embedded.stop)
        own = self._embedded if url is None else None
        self._shaking.connect(own)
        self._bill.connect(self._embedded, has_table=own is not None)

    async def _find_table(self) -> None:
        if self._embedded is not None:
            self._embedded_url = await self._embedded.find_url()
            self._report_attention(self._embedded)
        self._dynamodb_url = self._settings.dynamodb_url or self._embedded_url or ""

    def _report_attention(self, embedded: EmbeddedDynamoDB) -> None:
        if self._inspector is not None:
            embedded.send({"count": True})
            self._inspector.attention.on_change = lambda is_on: embedded.send(
                {"record": is_on}
            )

    async def _wait_for_table(self) -> None:
        if self._embedded is not None:
            await self._embedded.wait_until_ready()

    async def _surroundings(self) -> Surroundings:
        settings = self._settings
        surroundings = Surroundings(
            region=settings.config.region,
            management_url=self.management_url,
            dynamodb_url=self._dynamodb_url,
            is_embedded=settings.dynamodb_url is None,
            table=settings.table,
            ca_bundle=self._tls.bundle if self._tls else None,
            own_names=tuple(self._own_names),
        )
        if not self._sources.are_wanted:
            return surroundings
        await self._wait_for_table()
        return await self._sources.open(surroundings, self._embedded_url)

    async def _warm_up(self) -> None:
        for problem in await self._functions.warm_up():
            if not self._settings.reloads:
                raise UsageError(problem)
            self._journal.warn(f"{problem}; waiting for a change in the source files")

    def _take_message(self, message: dict[str, Any]) -> None:
        self._shaking.take_message(message)
        self._bill.take_message(message)
        if "call" in message:
            self._recorder.add_call(message["call"])

    async def _watch_rules(self) -> None:
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            self._shaking.reread()
