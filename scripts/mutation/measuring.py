"""Measures which lines each test runs, and keeps that for as long as it is true."""

import hashlib
import pickle
from pathlib import Path

from mutation.forks import run_in_forks
from mutation.hot import Measure, Session, foreign_modules
from mutation.outcomes import FOLDER
from mutation.selection import Measured, glob, test_files

MAX_FAILURES = 5
MAX_SECONDS = 1800
_KEPT = FOLDER / "baseline.pickle"

Result = tuple[dict[str, Measured], list[str]]


class Baseline:
    """What the tests do without any change.

    Attributes:
        tests: Every test that was measured, by its node ID.
        modules: Modules of others that they load.
        digests: What each file of tests was, with all that it uses.
    """

    def __init__(self) -> None:
        self.tests: dict[str, Measured] = {}
        self.modules: list[str] = []
        self.digests = {path: _digest(path) for path in test_files()}

    @classmethod
    def load(cls, session: Session, jobs: int) -> "Baseline":
        """Read what is known already, and measure the rest in a fork."""
        self, known = cls(), _read()
        if known is not None:
            self.modules = known.modules
            self.tests = {
                name: test
                for name, test in known.tests.items()
                if self._is_current(name, known)
            }
        missing = [name for name in session.items if name not in self.tests]
        if missing:
            print(f"measuring {len(missing)} tests", flush=True)
            for tests, modules in _measure(session, missing, jobs):
                self.tests |= tests
                self.modules = sorted({*self.modules, *modules})
        _KEPT.write_bytes(pickle.dumps(self))
        self.tests = {n: t for n, t in self.tests.items() if n in session.items}
        return self

    def _is_current(self, name: str, known: "Baseline") -> bool:
        path = name.partition("::")[0]
        return known.digests.get(path) == self.digests.get(path)


def _measure(session: Session, missing: list[str], jobs: int) -> list[Result]:
    """Measure tests in forks, the tests of a file in one of them."""
    for path in FOLDER.glob("fresh.*.pickle"):
        path.unlink()
    files = sorted({name.partition("::")[0] for name in missing})
    parts = [
        [name for name in missing if name.partition("::")[0] in files[job::jobs]]
        for job in range(jobs)
    ]
    tasks = [(job, names) for job, names in enumerate(parts) if names]
    for _task, status in run_in_forks(
        tasks,
        lambda task: _measure_here(session, *task),
        jobs=jobs,
        limit=lambda _task: MAX_SECONDS,
    ):
        if status:
            raise SystemExit("the tests fail without any change; see `pytest -n0`")
    return [pickle.loads(_fresh(job).read_bytes()) for job, _ in tasks]


def _measure_here(session: Session, job: int, names: list[str]) -> int:
    measure = Measure()
    session.plugins.register(measure)
    session.run(names)
    # A test that fails by itself, on a busy machine, can find out nothing.
    for name in measure.failed:
        measure.tests.pop(name, None)
    _fresh(job).write_bytes(pickle.dumps((measure.tests, foreign_modules())))
    if measure.failed:
        (FOLDER / f"failed.{job}.txt").write_text("\n".join(measure.failed))
    return 1 if len(measure.failed) > MAX_FAILURES else 0


def _fresh(job: int) -> Path:
    return FOLDER / f"fresh.{job}.pickle"


def _digest(path: str) -> str:
    """Hash a file of tests, the code, and all that the tests share."""
    tests = set(test_files())
    shared = {*glob("src/**/*.py"), *glob("tests/**/*.py")} - tests
    digest = hashlib.sha256()
    for one in [path, *sorted(shared)]:
        digest.update(Path(one).read_bytes())
    return digest.hexdigest()


def _read() -> Baseline | None:
    try:
        baseline: Baseline = pickle.loads(_KEPT.read_bytes())
    except FileNotFoundError:
        return None
    return baseline
