"""Tries mutants, each in a fork, with the tests that may notice it."""

import gc
import os
import pickle
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import pytest

from mutation import cold, hot
from mutation.forks import KILLED, SURVIVED, run_in_forks
from mutation.measuring import Baseline
from mutation.mutants import Mutant
from mutation.outcomes import FOLDER, Outcome, Outcomes
from mutation.patches import ImportTimeError, changed_functions
from mutation.selection import Lines, Measured, is_run, tests_for

_RESULT = FOLDER / "functions.pickle"
_IMPORTS = FOLDER / "imports.pickle"


class Limits(NamedTuple):
    """How much is done.

    Attributes:
        jobs: How many forks at a time.
        budget: Seconds of tests for a mutant.
        files: Files of tests.
    """

    jobs: int
    budget: float
    files: list[str]


class _Task(NamedTuple):
    mutant: Mutant
    tests: list[str]
    seconds: float


def try_mutants(mutants: list[Mutant], limits: Limits) -> Outcomes:
    """Return what became of each mutant.

    What survives in a fork of the session is tried again from the import on, if it is
    run then: what it did cannot be changed any more.
    """
    at_import = _lines_run_at_import()
    outcomes, baseline = _try_functions(mutants, limits)
    rest = [
        mutant
        for mutant in mutants
        if mutant not in outcomes
        or (outcomes[mutant] is Outcome.SURVIVED and is_run(mutant, at_import))
    ]
    hot.warm_up(baseline.modules)
    gc.freeze()
    tasks = [_task(mutant, baseline.tests, limits, runs=False) for mutant in rest]
    return outcomes | _run(tasks, cold.kill, limits)


def _lines_run_at_import() -> Lines:
    """Return the lines that are run when the modules are imported."""

    def measure(_task: int) -> int:
        _IMPORTS.write_bytes(pickle.dumps(hot.measure_import()))
        return 0

    _IMPORTS.unlink(missing_ok=True)
    list(run_in_forks([0], measure, jobs=1, limit=lambda _task: 60))
    lines: Lines = pickle.loads(_IMPORTS.read_bytes())
    return lines


def _try_functions(mutants: list[Mutant], limits: Limits) -> tuple[Outcomes, Baseline]:
    """Try what a fork of a pytest session can try, in a process of its own.

    This process has to stay without the modules of the library.
    """
    _RESULT.unlink(missing_ok=True)

    def act(session: hot.Session) -> None:
        baseline = Baseline.load(session, limits.jobs)
        hot.warm_up(baseline.modules)
        gc.freeze()
        outcomes = _try_hot(session, baseline, mutants, limits)
        _RESULT.write_bytes(pickle.dumps((outcomes, baseline)))

    pid = os.fork()
    if pid == 0:
        _run_session(act, limits.files)
    os.waitpid(pid, 0)
    if not _RESULT.exists():
        raise SystemExit("the functions could not be tried")
    result: tuple[Outcomes, Baseline]
    result = pickle.loads(_RESULT.read_bytes())
    return result


def _run_session(act: Callable[[hot.Session], None], files: list[str]) -> None:
    try:
        pytest.main([*hot.ARGUMENTS, *files], plugins=[hot.Session(act)])
    except BaseException:  # noqa: BLE001 - the process ends here, whatever it was
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(0)


def _try_hot(
    session: hot.Session, baseline: Baseline, mutants: Iterable[Mutant], limits: Limits
) -> Outcomes:
    tasks = []
    for mutant in mutants:
        try:
            changed_functions(mutant)
        except ImportTimeError:
            continue
        tasks.append(_task(mutant, baseline.tests, limits, runs=True))
    return _run(tasks, session.kill, limits)


def _task(
    mutant: Mutant, tests: Mapping[str, Measured], limits: Limits, *, runs: bool
) -> _Task:
    chosen = tests_for(mutant, tests, limits.budget, runs=runs)
    return _Task(mutant, chosen, sum(tests[name].seconds for name in chosen))


def _run(
    tasks: list[_Task], kill: Callable[[Mutant, list[str]], int], limits: Limits
) -> Outcomes:
    outcomes: Outcomes = {}
    ended = run_in_forks(
        tasks,
        lambda task: kill(task.mutant, task.tests),
        jobs=limits.jobs,
        limit=lambda task: 5 + 2 * task.seconds,
    )
    for number, (task, status) in enumerate(ended, start=1):
        outcomes[task.mutant] = _outcome(status)
        if number % 50 == 0 or number == len(tasks):
            print(f"{number} of {len(tasks)} tried", flush=True)
    return outcomes


def _outcome(status: int | None) -> Outcome:
    if status == SURVIVED:
        return Outcome.SURVIVED
    return Outcome.KILLED if status == KILLED else Outcome.TIMEOUT
