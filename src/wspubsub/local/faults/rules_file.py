"""The file that rules are in."""

import json
from pathlib import Path
from typing import Any

from wspubsub.errors import UsageError
from wspubsub.faults import Rule, read_rules


class RulesFile:
    """A file of rules, as JSON.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: object = None

    def read(self) -> tuple[Rule, ...]:
        """Return the rules in it.

        Raises:
            UsageError: It cannot be read, or a rule is wrong.
        """
        self._seen = self._look()
        try:
            # Some editors begin a file with a mark of its encoding.
            text = self.path.read_text(encoding="utf-8-sig")
            value = json.loads(text, object_pairs_hook=_make_object)
            return read_rules(value, has_memory=False)
        except OSError as error:
            raise UsageError(f"cannot read {self.path}: {error.strerror}") from None
        except UsageError as error:
            raise UsageError(f"{self.path}: {error}") from None
        except ValueError as error:
            raise UsageError(f"{self.path} is not JSON: {error}") from None
        except RecursionError:
            raise UsageError(f"{self.path} is nested too deeply") from None

    def has_changed(self) -> bool:
        """Return whether it differs from when it was last read."""
        return self._look() != self._seen

    def _look(self) -> object:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise UsageError(f"the key {twice!r} is there twice in one object")
    return found
