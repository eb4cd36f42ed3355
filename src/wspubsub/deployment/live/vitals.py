"""What only a live account shows, beside the description that templates share."""

from dataclasses import dataclass

from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.deployment.live.network import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class StageState:
    """What became of a stage.

    Attributes:
        name: Name of the stage.
        failure: Why its last deployment failed; None if it did not.
        newer: Names of the routes and integrations that are newer than what the stage
            serves.
    """

    name: str
    failure: str | None = None
    newer: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionState:
    """What became of a function.

    Attributes:
        name: Name of the function.
        failure: Why it does not run, or not as it was last updated; None if it does.
        reach: What it reaches outside its VPC; None without a VPC.
    """

    name: str
    failure: str | None = None
    reach: Maybe[Reach] | None = None

    @property
    def is_cut_off(self) -> bool:
        """Whether it certainly reaches nothing outside its VPC."""
        reach = self.reach
        return isinstance(reach, Reach) and reach.is_closed and not reach.services


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What became of an event source mapping.

    Attributes:
        name: Name of the mapping.
        problem: What its last batch failed with; None if it did not.
        is_stale: Whether it reads a stream that its table no longer writes to.
    """

    name: str
    problem: str | None = None
    is_stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Something that a function's variable names and that is not there.

    Attributes:
        function: Name of the function.
        variable: Name of the variable.
        value: What it names.
        kind: `table` or `queue`.
        region: The Region that the value names, if it is another one.
    """

    function: str
    variable: str
    value: str
    kind: str
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """A queue for what could not be handled.

    Attributes:
        name: Name of the queue.
        messages: How many it holds, about.
    """

    name: str
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A quota of the account.

    Attributes:
        name: Its name, as AWS has it.
        value: What applies.
        default: What AWS gives accounts by default.
    """

    name: str
    value: float
    default: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What only a live account shows.

    Attributes:
        region: Where it was looked at.
        stages: The stages of the API.
        functions: The functions.
        sources: The event source mappings.
        absences: What functions look for in vain.
        dead_letters: The queues for what could not be handled.
        quotas: The quotas that count for all that the account runs.
        clock_skew_seconds: How far this machine's clock is ahead of AWS's.
    """

    region: str
    stages: tuple[StageState, ...] = ()
    functions: tuple[FunctionState, ...] = ()
    sources: tuple[SourceState, ...] = ()
    absences: tuple[Absence, ...] = ()
    dead_letters: tuple[DeadLetters, ...] = ()
    quotas: tuple[Quota, ...] = ()
    clock_skew_seconds: Maybe[float] = UNKNOWN
