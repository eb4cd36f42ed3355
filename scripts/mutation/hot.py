"""One pytest session whose forks try the mutants of functions."""

import importlib
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import coverage
import hypothesis
import pytest

from mutation.forks import KILLED, SURVIVED
from mutation.mutants import Mutant
from mutation.patches import LoadedFunctions, changed_functions
from mutation.selection import Lines, Measured, chosen_modules

ARGUMENTS = (
    "-o",
    "addopts=--import-mode=importlib",
    *("-p", "no:cacheprovider", "--timeout=0"),
    *("-n0", "-q", "-s", "-m", "not integration"),
    # Hypothesis and others are imported already when pytest begins.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
    # Some tests run none of the code that is measured.
    *("-W", "ignore::coverage.exceptions.CoverageWarning"),
)


def prepare() -> None:
    """Have Hypothesis try the same examples each time, and keep none."""
    hypothesis.settings.register_profile("mutation", derandomize=True, database=None)
    hypothesis.settings.load_profile("mutation")


class Session:
    """A pytest plugin: when the tests are collected, does something with them.

    Attributes:
        items: The tests by their node IDs.
    """

    def __init__(self, act: Callable[["Session"], None]) -> None:
        self.items: dict[str, pytest.Item] = {}
        self._act = act

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Act, instead of running the tests."""
        self.plugins = session.config.pluginmanager
        self.plugins.unregister(self.plugins.get_plugin("terminalreporter"))
        self.items = {item.nodeid: item for item in session.items}
        _import_modules()
        self.functions = LoadedFunctions()
        self._act(self)
        return True

    def run(self, names: Iterable[str]) -> None:
        """Run tests one after the other."""
        items = [self.items[name] for name in names]
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)

    def kill(self, mutant: Mutant, tests: Iterable[str]) -> int:
        """Change the functions in this process, and run tests until one fails."""
        self.plugins.register(EndAtFailure())
        self.functions.patch(changed_functions(mutant))
        self.run(tests)
        return SURVIVED


class EndAtFailure:
    """A pytest plugin that ends the process at the first failure."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """End, unless the test went well."""
        if report.failed:
            os._exit(KILLED)


class Measure:
    """A pytest plugin that measures each test.

    Attributes:
        tests: What was measured, by node ID.
        failed: Tests that fail without any change.
    """

    def __init__(self) -> None:
        self.tests: dict[str, Measured] = {}
        self.failed: list[str] = []
        self._coverage = _coverage()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        """Measure one test."""
        self._coverage.erase()
        self._coverage.start()
        started = time.process_time()
        result = yield
        seconds = time.process_time() - started
        self._coverage.stop()
        self.tests[item.nodeid] = Measured(seconds, _lines(self._coverage))
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notice a failure."""
        if report.failed:
            self.failed.append(report.nodeid)


def measure_import() -> Lines:
    """Import the modules, and return which of their lines that has run."""
    measuring = _coverage()
    measuring.start()
    _import_modules()
    measuring.stop()
    return _lines(measuring)


def _import_modules() -> None:
    for path in chosen_modules(()):
        name = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
        importlib.import_module(name.removesuffix(".__init__"))


def _coverage() -> coverage.Coverage:
    source = Path("src/wspubsub").resolve()
    return coverage.Coverage(data_file=None, config_file=False, include=[f"{source}/*"])


def _lines(measured: coverage.Coverage) -> Lines:
    data = measured.get_data()
    here = Path.cwd()
    return {
        str(Path(path).relative_to(here)): frozenset(data.lines(path) or ())
        for path in data.measured_files()
    }


def warm_up(modules: Iterable[str]) -> None:
    """Import what the tests will need, so that no fork has to do it."""
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001, S112 - some are meant to be imported otherwise
            continue


def foreign_modules() -> list[str]:
    """Return the loaded modules that are neither the project's nor its tests'."""
    own = (
        "wspubsub",
        "tests",
        "conftest",
        "docs",
        "mutation",
        "__main__",
        "benchmarks",
    )
    return sorted(name for name in sys.modules if name.split(".")[0] not in own)
