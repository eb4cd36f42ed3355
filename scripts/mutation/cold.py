"""Tries the mutants of what is done at import, without our modules loaded before."""

import sys
from collections.abc import Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from mutation.forks import KILLED, SURVIVED
from mutation.hot import ARGUMENTS, EndAtFailure
from mutation.mutants import Mutant, mutate


class _Loader(SourceFileLoader):
    """Compiles a changed source in the place of a file's."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - as a loader has it
        return compile(self._source, self.path, "exec")


class _Finder(MetaPathFinder):
    """Finds one module changed."""

    def __init__(self, mutant: Mutant) -> None:
        self._path = str(Path(mutant.module).resolve())
        self._source = mutate(mutant)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if not fullname.startswith("wspubsub"):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin != self._path:
            return None
        loader: Loader = _Loader(fullname, self._path, self._source)
        spec.loader = loader
        return spec


def kill(mutant: Mutant, tests: Iterable[str]) -> int:
    """Import everything with the change, and run tests until one fails."""
    loaded = [name for name in sys.modules if name.split(".")[0] == "wspubsub"]
    assert not loaded, loaded  # noqa: S101 - or it could not be cold
    sys.meta_path.insert(0, _Finder(mutant))
    status = pytest.main([*ARGUMENTS, *tests], plugins=[EndAtFailure()])
    return SURVIVED if status == pytest.ExitCode.OK else KILLED
