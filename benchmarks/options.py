"""What can be said of a benchmark on the command line."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a benchmark is to be run.

    Attributes:
        tiny: Only see that it works, in seconds; the figures then mean nothing.
        rounds: How many rounds each figure is the median of.
        sink: What takes the posts: `nginx`, `built-in` or `auto`.
        node_modules: Where Node packages are, if not in the cache.
        serverless_offline: Node modules with serverless-offline, if it is installed.
        largest: Most subscribers that are published to.
    """

    tiny: bool = False
    rounds: int
    sink: str = "auto"
    node_modules: Path | None = None
    serverless_offline: Path | None = None
    largest: int
