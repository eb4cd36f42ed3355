"""Rounds: peers take turns, and of each figure the median counts.

On a machine that others use as well, a slow moment then falls on every peer, and a
single one does not decide.
"""

from collections.abc import Callable, Mapping
from statistics import median

Figures = dict[str, float]
Measure = Callable[[], Figures]

ROUNDS = 5
"""Fewest rounds that a published figure is the median of."""


def measure_in_turns(
    peers: Mapping[str, Measure], *, rounds: int
) -> dict[str, list[Figures]]:
    """Run A, B, C, A, B, C … and return the figures of each peer's rounds."""
    measured: dict[str, list[Figures]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, measure in peers.items():
            measured[name].append(measure())
    return measured


def medians(rounds: list[Figures]) -> Figures:
    """Return the median of each figure."""
    return {name: median(each[name] for each in rounds) for name in rounds[0]}


def times_as_much(figure: str, theirs: list[Figures], ours: list[Figures]) -> float:
    """Return the median of how many times ours theirs was, round by round."""
    return median(
        each[figure] / own[figure] for each, own in zip(theirs, ours, strict=True)
    )
