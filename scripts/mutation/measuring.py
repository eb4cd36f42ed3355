"""Measures which lines each test runs, and keeps that for as long as it is true."""

import hashlib
import os
import pickle
import traceback
from pathlib import Path

from mutation.hot import Measure, Session, foreign_modules
from mutation.outcomes import FOLDER
from mutation.selection import Measured, glob, test_files

MAX_FAILURES = 5
_FRESH = FOLDER / "fresh.pickle"
_KEPT = FOLDER / "baseline.pickle"


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
    def load(cls, session: Session) -> "Baseline":
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
            _measure_in_fork(session, missing)
            tests, modules = pickle.loads(_FRESH.read_bytes())  # noqa: S301
            self.tests |= tests
            self.modules = sorted({*self.modules, *modules})
        _KEPT.write_bytes(pickle.dumps(self))
        self.tests = {n: t for n, t in self.tests.items() if n in session.items}
        return self

    def _is_current(self, name: str, known: "Baseline") -> bool:
        path = name.partition("::")[0]
        return known.digests.get(path) == self.digests.get(path)


def _measure_in_fork(session: Session, names: list[str]) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            measure = Measure(Path("src/wspubsub").resolve())
            session.plugins.register(measure)
            session.run(names)
            # A test that fails by itself, on a busy machine, can find out nothing.
            for name in measure.failed:
                measure.tests.pop(name, None)
            _FRESH.write_bytes(pickle.dumps((measure.tests, foreign_modules())))
            os._exit(1 if len(measure.failed) > MAX_FAILURES else 0)
        except BaseException:  # noqa: BLE001 - the process ends here, whatever it was
            traceback.print_exc()
        os._exit(2)
    _pid, status = os.waitpid(pid, 0)
    if status:
        raise SystemExit("the tests fail without any change; see `pytest -n0`")


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
        baseline: Baseline = pickle.loads(_KEPT.read_bytes())  # noqa: S301 - our own
    except FileNotFoundError:
        return None
    return baseline
