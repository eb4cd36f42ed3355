"""Time that passes at once, for the gateway, its workers and its DynamoDB."""

from collections.abc import Mapping
from importlib.util import find_spec

from wspubsub.errors import WspubsubError
from wspubsub.local.apigateway.shell import GatewayShell
from wspubsub.local.clock import Clock
from wspubsub.local.dynamodb.embedded import EmbeddedDynamoDB
from wspubsub.local.functions.deployed import DeployedFunctions
from wspubsub.local.inspector.methods import Json, Method, MethodError, read_number
from wspubsub.local.journal import Journal

MAX_SECONDS = 2_678_400
"""How far the clock may be advanced at a time: 31 days."""


class ClockAdvance:
    """Advances the clock, for good.

    The workers are replaced by new ones, whose `time.time` and `datetime` are ahead; so
    are those of the embedded DynamoDB, its streams and SQS, and items whose time to
    live is over are deleted. Timeouts of the gateway that fall due fire at once.
    Monotonic clocks, the timers of event loops, a DynamoDB elsewhere, and processes
    other than these do not move.

    Args:
        clock: The clock.
        shell: Acts on what falls due.
        functions: Their workers are replaced.
        embedded: The embedded DynamoDB, if there is one.
        journal: Is told of it.
    """

    def __init__(
        self,
        clock: Clock,
        shell: GatewayShell,
        functions: DeployedFunctions,
        embedded: EmbeddedDynamoDB | None,
        journal: Journal,
    ) -> None:
        self._clock = clock
        self._shell = shell
        self._functions = functions
        self._embedded = embedded
        self._journal = journal

    @property
    def methods(self) -> Mapping[str, Method]:
        """Methods of the inspector by name."""
        return {"advance": self._advance}

    async def _advance(self, arguments: Json) -> Json:
        if find_spec("time_machine") is None:
            raise MethodError(
                "the workers' clock needs time-machine: pip install 'wspubsub[local]'"
            )
        seconds = read_number(
            arguments, "seconds", default=0, least=1, most=MAX_SECONDS
        )
        self._clock.advance(seconds)
        self._journal.note(
            f"the clock was advanced by {seconds:g} s: restarting the workers"
        )
        await self._functions.renew()
        expired = await self._expire()
        self._shell.catch_up()
        return {"clock_offset": self._clock.offset, "expired": expired}

    async def _expire(self) -> int:
        """Advance the embedded DynamoDB; return how many items were deleted."""
        if self._embedded is None:
            return 0
        try:
            expired = await self._embedded.advance(self._clock.offset)
        except WspubsubError as error:
            raise MethodError(str(error), status=502) from None
        if expired:
            self._journal.note(f"DynamoDB has deleted {expired} expired items")
        return expired
