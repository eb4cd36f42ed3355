"""The stream and the queue of one gateway: opened before it serves, started after.

What polls them is loaded only where there is one, because boto3 takes its time.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from wspubsub.handlers.environ import Surroundings
from wspubsub.local.functions.fleet import Fleet
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.journal import Journal
from wspubsub.local.settings import LocalSettings

if TYPE_CHECKING:
    from wspubsub.local.eventsources.clients import ServiceEndpoint
    from wspubsub.local.eventsources.sources import EventSourceMappings


class OpenedSources:
    """The event sources of a gateway besides its WebSocket API, if it has any.

    Args:
        settings: What the gateway is set to.
        journal: Hears what happens.
        recorder: Hears what happens, and why.
        now: Clock of the gateway's own services, in seconds since the epoch.

    Attributes:
        facts: What the user needs to know about them, by name.
    """

    def __init__(
        self,
        settings: LocalSettings,
        journal: Journal,
        recorder: Recorder,
        now: Callable[[], float],
    ) -> None:
        self._now = now
        self.facts: dict[str, str] = {}
        self._settings = settings
        self._journal = journal
        self._recorder = recorder
        self._mappings: EventSourceMappings | None = None

    @property
    def are_wanted(self) -> bool:
        """Whether the gateway is set to have a stream or a queue."""
        return self._settings.stream is not None or self._settings.queue is not None

    async def open(
        self, surroundings: Surroundings, embedded_url: str | None
    ) -> Surroundings:
        """Open what is wanted, and return the surroundings with where it is.

        Args:
            surroundings: What handlers find so far.
            embedded_url: Where the gateway's own services are; None without any.

        Raises:
            UsageError: The table has no stream, or it cannot be read.
        """
        from wspubsub.local.eventsources.sources import EventSourceMappings

        settings = self._settings
        mappings = self._mappings = EventSourceMappings(
            self._journal, self._recorder, self._now
        )
        if settings.stream is not None:
            endpoint = locate_table(settings, embedded_url)
            arn = await mappings.open_stream(settings.stream, endpoint, settings.table)
            self.facts["Stream"] = arn
            surroundings = replace(surroundings, stream_arn=arn)
        if settings.queue is not None:
            endpoint = _locate_embedded(settings, embedded_url)
            queue = await mappings.open_queue(settings.queue, endpoint)
            self.facts["Queue URL"] = queue.url
            self.facts["Dead letter queue URL"] = queue.dead_letter_url
            surroundings = replace(
                surroundings, queue_url=queue.url, queue_endpoint=embedded_url
            )
        return surroundings

    def start(self, fleet: Fleet) -> None:
        """Begin to deliver to a function."""
        if self._mappings is not None:
            self._mappings.start(fleet)

    async def close(self) -> None:
        """Stop delivering."""
        if self._mappings is not None:
            await self._mappings.close()


def locate_table(
    settings: LocalSettings, embedded_url: str | None
) -> "ServiceEndpoint":
    """Return where the table of a gateway is, its own or another one."""
    if settings.dynamodb_url is None:
        return _locate_embedded(settings, embedded_url)
    from wspubsub.local.eventsources.clients import ServiceEndpoint

    return ServiceEndpoint(
        url=settings.dynamodb_url, region=settings.config.region, is_embedded=False
    )


def _locate_embedded(
    settings: LocalSettings, embedded_url: str | None
) -> "ServiceEndpoint":
    from wspubsub.local.eventsources.clients import ServiceEndpoint

    return ServiceEndpoint(
        url=embedded_url or "", region=settings.config.region, is_embedded=True
    )
