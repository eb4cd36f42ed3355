"""Make small changes to the code, and list those that no test notices."""

import argparse
import os
import random
import sys
import time
from collections import Counter

from mutation.hot import prepare
from mutation.mutants import Mutant, find_mutants
from mutation.outcomes import (
    FOLDER,
    equivalent_keys,
    last_survivors,
    report,
)
from mutation.selection import chosen_modules, test_files
from mutation.trying import Limits, try_mutants


def main() -> int:
    """Run the command."""
    arguments = _parse()
    FOLDER.mkdir(exist_ok=True)
    prepare()
    started = time.monotonic()
    mutants, equivalent = _choose(arguments)
    files = arguments.tests or test_files()
    limits = Limits(arguments.jobs, arguments.budget, files)
    outcomes = try_mutants(mutants, limits)
    report(outcomes, equivalent)
    print(f"{len(outcomes)} mutants in {time.monotonic() - started:.0f} s")
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument(
        "module",
        nargs="*",
        help="a module such as headers or dynamodb/log, or a package (default: all)",
    )
    parser.add_argument("--sample", type=int, metavar="N", help="try N at random")
    parser.add_argument("--seed", type=int, default=1, help="which N (default: 1)")
    parser.add_argument(
        "--again", action="store_true", help="only what survived the last time"
    )
    parser.add_argument(
        "--budget",
        type=float,
        default=20,
        metavar="SECONDS",
        help="of tests for a mutant, the quick ones first (default: 20)",
    )
    parser.add_argument(
        "--tests",
        nargs="+",
        metavar="FILE",
        help="files of tests (default: all that test these modules)",
    )
    cores = os.cpu_count() or 1
    parser.add_argument("--jobs", type=int, default=cores, help="default: one per core")
    return parser.parse_args()


def _choose(arguments: argparse.Namespace) -> tuple[list[Mutant], Counter[str]]:
    """Return what is to be tried, and how many in each module change nothing."""
    modules = chosen_modules(arguments.module)
    found = [mutant for module in modules for mutant in find_mutants(module)]
    known = equivalent_keys()
    equivalent = Counter(one.module for one in found if one.key in known)
    mutants = [mutant for mutant in found if mutant.key not in known]
    if arguments.again:
        last = last_survivors()
        mutants = [mutant for mutant in mutants if mutant.key in last]
    if arguments.sample is not None and arguments.sample < len(mutants):
        chosen = random.Random(arguments.seed)  # noqa: S311 - nothing secret
        mutants = sorted(chosen.sample(mutants, arguments.sample))
    return mutants, equivalent


if __name__ == "__main__":
    sys.exit(main())
