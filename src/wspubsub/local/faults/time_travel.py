"""Jumps of the gateway's clock, and of its workers'."""

from collections.abc import Mapping
from importlib.util import find_spec

from wspubsub.local.apigateway.shell import GatewayShell
from wspubsub.local.clock import Clock
from wspubsub.local.functions.deployed import DeployedFunctions
from wspubsub.local.inspector.methods import Json, Method, MethodError, read_number
from wspubsub.local.journal import Journal

MAX_SECONDS = 2_678_400
"""How far a jump may go: 31 days."""


class TimeTravel:
    """Moves the clock ahead, for good.

    Timeouts of the gateway that fall due fire at once. The workers are replaced by new
    ones, whose `time.time` and `datetime` are ahead. Monotonic clocks, the timers of
    event loops, DynamoDB, and processes other than these do not move.

    Args:
        clock: The clock.
        shell: Acts on what falls due.
        functions: Their workers are replaced.
        journal: Is told of each jump.
    """

    def __init__(
        self,
        clock: Clock,
        shell: GatewayShell,
        functions: DeployedFunctions,
        journal: Journal,
    ) -> None:
        self._clock = clock
        self._shell = shell
        self._functions = functions
        self._journal = journal

    @property
    def methods(self) -> Mapping[str, Method]:
        """Methods of the inspector by name."""
        return {"jump": self._jump}

    async def _jump(self, arguments: Json) -> Json:
        if find_spec("time_machine") is None:
            raise MethodError(
                "the workers' clock needs time-machine: pip install 'wspubsub[local]'"
            )
        seconds = read_number(
            arguments, "seconds", default=0, least=1, most=MAX_SECONDS
        )
        self._clock.jump(seconds)
        self._journal.note(
            f"the clock has jumped {seconds:g} s: restarting the workers"
        )
        await self._functions.renew()
        self._shell.jump()
        return {"clock_offset": self._clock.offset}
