"""Changed source files: the workers start again, and the API is deployed again."""

import asyncio
from collections.abc import Callable, Coroutine

from wspubsub.errors import UsageError
from wspubsub.handlers.application import QUEUE, STREAM, Application
from wspubsub.local.apigateway.shell import GatewayShell
from wspubsub.local.declared import describe_api, read_served, warn_of_silence
from wspubsub.local.functions.deployed import DeployedFunctions
from wspubsub.local.functions.reload import Sources
from wspubsub.local.journal import Journal
from wspubsub.local.settings import LocalSettings

RELOAD_SECONDS = 0.5
"""How often files are checked for changes."""


class Reloading:
    """Lets a running gateway follow its source files.

    Args:
        settings: What the gateway is set to.
        journal: Hears what happens.
        functions: What runs the code.
        shell: What has the API.
        warm_up: Starts workers, and reports those that do not start.
    """

    def __init__(
        self,
        settings: LocalSettings,
        journal: Journal,
        functions: DeployedFunctions,
        shell: GatewayShell,
        warm_up: Callable[[], Coroutine[object, object, None]],
    ) -> None:
        self._settings = settings
        self._config = settings.config
        self._journal = journal
        self._functions = functions
        self._shell = shell
        self._warm_up = warm_up
        self._has_changed = asyncio.Event()

    async def watch(self, sources: Sources) -> None:
        """Look for changes until this is canceled.

        A change that takes long to import does not keep the next one from being seen.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_routes())
            while True:
                await asyncio.sleep(RELOAD_SECONDS)
                changed = await asyncio.to_thread(sources.find_change)
                if changed is None:
                    continue
                self._journal.note(
                    f"{changed.name} has changed: restarting the workers"
                )
                self._journal.forget_errors()
                self._has_changed.set()
                await self._functions.renew()
                tasks.create_task(self._warm_up())

    async def _follow_routes(self) -> None:
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            await self._redeploy()

    async def _redeploy(self) -> None:
        settings = self._settings
        application, problem = await asyncio.to_thread(
            read_served,
            settings.target,
            settings.choices.sources,
            settings.environ,
            settings.functions,
        )
        if problem is not None:
            return  # what keeps it from running is said when it is started
        self._functions.declare(application)
        for source in sorted(self._find_missing_sources(application)):
            self._journal.warn(
                f"the handler needs the {source} now: restart, so that it is there"
            )
        try:
            config = settings.choices.configure(self._config, application)
        except UsageError as error:
            self._journal.warn(f"the routes stay unchanged: {error}")
            return
        if config != self._config:
            self._config = config
            self._shell.deploy(config)
            for name, text in describe_api(config).items():
                self._journal.note(f"{name}: {text}")
            for warning in warn_of_silence(config, application):
                self._journal.warn(warning)

    def _find_missing_sources(self, application: Application) -> frozenset[str]:
        settings = self._settings
        given = {STREAM: settings.stream, QUEUE: settings.queue}
        here = {source for source, chosen in given.items() if chosen is not None}
        return application.needed_sources - here - settings.choices.declined
