"""Gives functions that are loaded already the code of a mutant."""

import gc
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

from mutation.mutants import Mutant, mutate

_OPTIMIZED = 0x1  # CO_OPTIMIZED: a function, and not a module or the body of a class


class ImportTimeError(Exception):
    """The change is in what is done when the module is imported."""


def changed_functions(mutant: Mutant) -> list[tuple[CodeType, CodeType]]:
    """Return the code of the functions that a mutant changes, old and new.

    Raises:
        ImportTimeError: It changes something else as well.
    """
    path = str(Path(mutant.module).resolve())
    old = compile(Path(path).read_text(encoding="utf-8"), path, "exec")
    return list(_changes(old, compile(mutate(mutant), path, "exec")))


def _changes(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    nested = list(_nested(old)), list(_nested(new))
    if len(nested[0]) != len(nested[1]):
        raise ImportTimeError
    if not _same(old, new):
        if not old.co_flags & _OPTIMIZED:
            raise ImportTimeError
        yield old, new
    for before, after in zip(*nested, strict=True):
        changes = list(_changes(before, after))
        if changes and old.co_flags & _OPTIMIZED:
            yield old, new
        yield from changes


def _nested(code: CodeType) -> Iterator[CodeType]:
    return (const for const in code.co_consts if isinstance(const, CodeType))


def _same(old: CodeType, new: CodeType) -> bool:
    """Compare everything but the nested code and the places in the source."""
    return _essence(old) == _essence(new)


def _essence(code: CodeType) -> tuple[object, ...]:
    constants = [repr(c) for c in code.co_consts if not isinstance(c, CodeType)]
    names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
    return code.co_code, constants, names, code.co_exceptiontable, code.co_argcount


class LoadedFunctions:
    """The functions of this process, found by their code."""

    def __init__(self) -> None:
        self._by_code: dict[Identity, list[FunctionType]] = {}
        for thing in gc.get_objects():
            if type(thing) is FunctionType:
                same = self._by_code.setdefault(_identity(thing.__code__), [])
                same.append(thing)

    def patch(self, changes: list[tuple[CodeType, CodeType]]) -> None:
        """Give every function that has one of the old codes the new one."""
        for old, new in changes:
            for function in self._by_code.get(_identity(old), ()):
                function.__code__ = new


Identity = tuple[str, str, int]


def _identity(code: CodeType) -> Identity:
    return code.co_filename, code.co_qualname, code.co_firstlineno
