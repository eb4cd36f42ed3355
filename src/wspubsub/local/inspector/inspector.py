"""The inspector of one gateway, put together."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from wspubsub.handlers.application import MEMBERS
from wspubsub.local.apigateway.hosts import AllowedHosts
from wspubsub.local.apigateway.shell import GatewayShell
from wspubsub.local.clock import Clock
from wspubsub.local.functions.deployed import DeployedFunctions
from wspubsub.local.functions.environment import Runtime
from wspubsub.local.inspector.access import Access
from wspubsub.local.inspector.feed import Attention, Feed
from wspubsub.local.inspector.files import PageFiles
from wspubsub.local.inspector.invocations import PageInvocations
from wspubsub.local.inspector.methods import Json, MethodError, Methods
from wspubsub.local.inspector.publishing import Publishing
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.inspector.ring import Ring
from wspubsub.local.inspector.site import InspectorSite
from wspubsub.local.journal import Journal
from wspubsub.local.settings import LocalSettings
from wspubsub.local.threads import in_thread

if TYPE_CHECKING:
    from wspubsub.local.eventsources.clients import ServiceEndpoint
    from wspubsub.local.inspector.table import Table


_OF_TABLE = ("items", "known_connections", "topic", "topics")


class Served(Protocol):
    """A gateway that is reached under some URLs, which it knows once it listens."""

    @property
    def url(self) -> str:
        """The URL that clients connect to."""

    @property
    def management_url(self) -> str:
        """Endpoint of the Management API."""


class Inspector:
    """Shows what a gateway's recorder keeps.

    Args:
        gateway: The gateway.
        settings: What it is set to.
        ring: What has happened.
        recorder: Fills it.
        shell: Its clients.
        functions: Its functions.
        journal: Hears of each login, with the link for the next one.
        clock: The gateway's, which pages may advance.

    Attributes:
        attention: Whether a page follows.
        facts: What `state` answers besides what is known here, by name.
        methods: What pages may ask; more may be added.
        site: What the gateway's port serves.
    """

    def __init__(
        self,
        gateway: Served,
        settings: LocalSettings,
        *,
        ring: Ring,
        recorder: Recorder,
        shell: GatewayShell,
        functions: DeployedFunctions,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._gateway = gateway
        self._settings = settings
        self._shell = shell
        self._functions = functions
        self._journal = journal
        self._clock = clock
        # A star would let in every name that was made to mean this machine.
        names = (each for each in settings.allowed_hosts if each != "*")
        self._access = Access(AllowedHosts(settings.host, names))
        self.methods = Methods()
        self.methods.add({"state": self._state, "connections": self._connections})
        self.attention = Attention()
        self.facts: dict[str, Callable[[], object]] = {}
        self.methods.add(Feed(ring, self.attention).methods)
        self._recorder = recorder
        self._invocations = PageInvocations(ring, recorder, functions)
        self.methods.add(self._invocations.methods)
        self.site = InspectorSite(
            self._access, PageFiles(), self.methods, self._announce
        )

    @property
    def url(self) -> str:
        """The link that opens the page, once."""
        page = self._gateway.management_url.rpartition("/")[0]
        return f"{page}/#token={self._access.token}"

    def show_table(
        self,
        find_endpoint: Callable[[], "ServiceEndpoint"],
        ca_bundle: Path | None = None,
    ) -> None:
        """Let pages look into the table, which is opened when the first one does.

        Args:
            find_endpoint: Returns where the table is.
            ca_bundle: With which to trust the gateway; None trusts whom SDKs do.
        """

        @cache
        def open_table() -> "Table":
            from wspubsub.local.eventsources.clients import ServiceEndpoint
            from wspubsub.local.inspector.table import Table

            return Table(
                find_endpoint(),
                ServiceEndpoint(
                    url=self._gateway.management_url,
                    region=self._settings.config.region,
                    is_embedded=True,
                    ca_bundle=ca_bundle,
                ),
                self._settings.table,
                by_stream=self._settings.stream is not None,
                now=self._clock.now,
            )

        async def call(name: str, arguments: Json) -> Json:
            # In a thread: the import of AWS's SDK takes its time.
            table = await in_thread(open_table)
            return await table.methods[name](arguments)

        for name in _OF_TABLE:
            self.methods.add({name: partial(call, name)})
        can_ask = self._is_pubsub and self._settings.runtime is Runtime.BUILT_IN
        invocations = self._invocations if can_ask else None
        elsewhere = partial(call, "publish")
        publishing = Publishing(self._recorder, invocations, elsewhere)
        self.methods.add({"publish": publishing.publish})

    async def _connections(self, _arguments: Json) -> Json:
        try:
            known = await self.methods.call("known_connections", {})
        except MethodError:
            known = {}  # the clients are there, whatever became of the table
        return {
            "connections": [
                {
                    "user": self._shell.find_principal(connection_id),
                    **_pick(known.get(connection_id, {})),
                    "id": connection_id,
                    "since": client.since,
                    "in": client.received,
                    "out": client.sent,
                    "bytes_in": client.received_bytes,
                    "bytes_out": client.sent_bytes,
                    "queued_bytes": client.socket.backlog_bytes,
                    "bytes_per_second": client.socket.bytes_per_second,
                }
                for connection_id, client in self._shell.open_clients()
            ]
        }

    @property
    def _is_pubsub(self) -> bool:
        application = self._settings.application
        return application is not None and MEMBERS in application.table_uses

    def _announce(self) -> None:
        self._journal.log_inspector(self.url)

    def _state(self, _arguments: Json) -> Json:
        config = self._shell.config
        return {
            "url": self._gateway.url,
            "management_url": self._gateway.management_url,
            "stage": config.stage,
            "region": config.region,
            "routes": sorted(config.routes),
            "two_way": sorted(config.two_way),
            "table": self._settings.table,
            "is_embedded": self._settings.dynamodb_url is None,
            "is_pubsub": self._is_pubsub,
            "clock_offset": self._clock.offset,
            "functions": [each.name for each in self._functions],
            "methods": self.methods.names,
            **{name: find() for name, find in self.facts.items()},
        }


def _pick(known: Json) -> Json:
    return {name: known[name] for name in ("user", "topics") if name in known}
