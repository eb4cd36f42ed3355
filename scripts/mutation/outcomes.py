"""What became of the mutants, and how it is told."""

import pickle
import tomllib
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from mutation.mutants import Mutant

FOLDER = Path(".mutation")
"""What a run leaves for the next one, and for its reader."""

SURVIVORS = FOLDER / "survivors.txt"
_KEYS = FOLDER / "survivors.pickle"
_EQUIVALENT = Path("scripts/mutation/equivalent.toml")

Key = tuple[str, str, str]


class Outcome(Enum):
    """What became of one."""

    KILLED = "killed"
    TIMEOUT = "timeout"
    SURVIVED = "survived"


Outcomes = dict[Mutant, Outcome]


def equivalent_keys() -> set[Key]:
    """Return the changes that somebody has found to change nothing."""
    table = tomllib.loads(_EQUIVALENT.read_text(encoding="utf-8"))
    return {
        (f"src/wspubsub/{module}.py", one["before"], one["after"])
        for module, entries in table.items()
        for one in entries
    }


def last_survivors() -> set[Key]:
    """Return what survived the last run."""
    return set(pickle.loads(_KEYS.read_bytes()))


def line_about(mutant: Mutant) -> str:
    """Return a mutant in one line."""
    place = f"{mutant.module}:{mutant.line} {mutant.operator}"
    return f"{place}: {mutant.before}  =>  {mutant.after}"


def report(outcomes: Outcomes, equivalent: Counter[str]) -> None:
    """Print a table and write the survivors to a file."""
    survivors = sorted(m for m, one in outcomes.items() if one is Outcome.SURVIVED)
    _KEYS.write_bytes(pickle.dumps([mutant.key for mutant in survivors]))
    text = "".join(f"{line_about(mutant)}\n" for mutant in survivors)
    SURVIVORS.write_text(text, encoding="utf-8")
    head = f"{'mutants':>8}{'killed':>8}{'survived':>10}{'equivalent':>12}"
    print(f"{'module':40}{head}")
    for row in _rows(outcomes, equivalent):
        print(row)
    print(f"survivors: {SURVIVORS}")


def _rows(outcomes: Outcomes, equivalent: Counter[str]) -> Iterator[str]:
    for module in [*sorted({mutant.module for mutant in outcomes}), ""]:
        counts = Counter(o for m, o in outcomes.items() if module in ("", m.module))
        killed = counts[Outcome.KILLED] + counts[Outcome.TIMEOUT]
        same = equivalent[module] if module else equivalent.total()
        yield (
            f"{module.removeprefix('src/wspubsub/') or 'all':40}"
            f"{counts.total():8}{killed:8}{counts[Outcome.SURVIVED]:10}{same:12}"
            f"{100 * killed / counts.total():7.1f} %"
        )
