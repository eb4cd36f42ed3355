"""Which errors of handlers fail a test: all, unless it expects them."""

import logging
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from typing_extensions import override

from wspubsub.testing.errors import NoErrorError

_log = logging.getLogger("wspubsub")


class Failures:
    """Decides whether the error of a handler is raised in the test.

    Args:
        is_raising: Whether errors are raised that the test does not expect.
    """

    def __init__(self, *, is_raising: bool) -> None:
        self._is_raising = is_raising
        self._expecting: list[_Expected] = []

    @contextmanager
    def expect(self, kind: type[Exception], match: str) -> Iterator[None]:
        """Expect errors of this kind while the block runs, and at least one."""
        expected = _Expected(kind, match)
        self._expecting.append(expected)
        try:
            yield
        finally:
            self._expecting.remove(expected)
        if not expected.is_met:
            said = f" that says {match!r}" if match else ""
            raise NoErrorError(f"no handler failed with a {kind.__name__}{said}")

    def judge(self, errors: Iterable[Exception]) -> Exception | None:
        """Return the first of some errors that is to be raised in the test, or None."""
        unexpected = [each for each in errors if not self._is_expected(each)]
        return unexpected[0] if unexpected and self._is_raising else None

    def _is_expected(self, error: Exception) -> bool:
        met = [each for each in self._expecting if each.take(error)]
        return bool(met)


class _Expected:
    def __init__(self, kind: type[Exception], match: str) -> None:
        self.is_met = False
        self._kind = kind
        self._match = match

    def take(self, error: Exception) -> bool:
        is_it = isinstance(error, self._kind) and re.search(self._match, str(error))
        self.is_met = self.is_met or bool(is_it)
        return bool(is_it)


class _Collector(logging.Handler):
    """Collects the errors that the library logs in this thread, instead of raising."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[Exception] = []
        self._thread = threading.get_ident()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, Exception) and record.thread == self._thread:
            self.errors.append(error)


@contextmanager
def collect_logged() -> Iterator[list[Exception]]:
    """Collect what fails without failing its invocation, such as a rule of a PubSub."""
    collector = _Collector()
    _log.addHandler(collector)
    try:
        yield collector.errors
    finally:
        _log.removeHandler(collector)
