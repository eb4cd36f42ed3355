"""Notices when the project's source files change, by their modification times."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

MAX_FILES = 20_000
"""No more files than this are checked: it would not be a project but a home folder."""

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})


class Sources:
    """The Python files under some folders.

    Args:
        folders: Where to look, with everything below.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)
        self._seen = self._times()

    def find_change(self) -> Path | None:
        """Return a file that was changed, added or removed since the last call."""
        before, self._seen = self._seen, self._times()
        if self._seen == before:
            return None
        differing = set(self._seen.items()) ^ set(before.items())
        return min(path for path, _ in differing)

    def _times(self) -> Mapping[Path, int]:
        times: dict[Path, int] = {}
        for path in self._files():
            try:
                times[path] = path.stat().st_mtime_ns
            except OSError:
                continue  # gone in the meantime
            if len(times) >= MAX_FILES:
                break
        return times

    def _files(self) -> Iterator[Path]:
        for root in self._folders:
            for folder, folders, names in os.walk(root):
                folders[:] = [name for name in folders if _is_project(folder, name)]
                for name in names:
                    if name.endswith(".py"):
                        yield Path(folder, name)


def _is_project(parent: str, name: str) -> bool:
    return not (
        name.startswith(".")
        or name in _SKIPPED
        or Path(parent, name, "pyvenv.cfg").exists()
    )
