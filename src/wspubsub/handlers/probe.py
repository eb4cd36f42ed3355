"""Reports what a handler's module has set up to the process that started this one.

It is run by its path, in a process of its own: the module finds an environment where
nothing leads to AWS, and what it does to the interpreter ends with it.

    python -P probe.py [--optional=VARIABLE ...] HANDLER [OTHER_HANDLER ...]

An optional variable is found only by a module that cannot do without it: one that asks
for it by `os.environ["NAME"]`, not by `get` or `in`.

One JSON object goes to the standard output; what the module prints goes to the
standard error stream.
"""

import importlib
import json
import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any

_PREFIX = "WSPUBSUB_"
_read: set[str] = set()
_listed: set[str] = set()
_optional: set[str] = set()
_own: set[str] = set()


class _Environ(os._Environ):  # type: ignore[type-arg] # noqa: SLF001 - what os.environ is
    """Notes which variables are asked for by name rather than copied with the rest."""

    def __iter__(self) -> Iterator[str]:
        for key in super().__iter__():
            if key not in _optional:
                _listed.add(key)
                yield key

    def __contains__(self, key: object) -> bool:
        if key in _optional:
            return False
        try:
            super().__getitem__(key)
        except (KeyError, TypeError):
            return False
        return True

    def __getitem__(self, key: str) -> str:
        if key in _listed:
            # Whoever copies the environment lists its names, then reads each of them.
            _listed.discard(key)
        elif key.startswith(_PREFIX) and key not in _own:
            _read.add(key)
        value: str = super().__getitem__(key)
        return value

    def __setitem__(self, key: str, value: str) -> None:
        _own.add(key)
        _optional.discard(key)
        super().__setitem__(key, value)

    def get(self, key: str, default: object = None) -> object:
        # Who asks so can do without, so it is not noted.
        if key in _optional:
            return default
        try:
            return super().__getitem__(key)
        except KeyError:
            return default


class ProbeError(Exception):
    """The handler cannot be used."""


def describe(handler: str) -> dict[str, Any] | None:
    """Return what a handler declares by name, or None if it has no router.

    Raises:
        ProbeError: It cannot be imported.
    """
    value = _import_handler(handler)
    # After the module: it must not find modules that only this program has loaded.
    import dataclasses  # noqa: PLC0415 - as said

    from wspubsub.handlers.declaration import read_declaration  # noqa: PLC0415 - as said

    declared = read_declaration(value)
    return None if declared is None else dataclasses.asdict(declared)


def _import_handler(handler: str) -> object:
    place, _, name = handler.rpartition(".")
    try:
        module = importlib.import_module(place)
    except BaseException as error:
        raise ProbeError(
            f"importing {place} failed: {_reason(error, place)}"
        ) from error
    value = getattr(module, name, None)
    if not callable(value):
        raise ProbeError(
            f"{place} has no function {name}; define it, or correct the name"
        )
    return value


def _reason(error: BaseException, place: str) -> str:
    said = "".join(traceback.format_exception_only(error)).strip()
    ending = f"{place.replace('.', os.sep)}.py"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.endswith(ending)
    ]
    where = f" (line {lines[-1]})" if lines else ""
    advice = ""
    if isinstance(error, KeyError) and str(error.args[0]).isupper():
        name = error.args[0]
        advice = (
            f"; if that is an environment variable, set it, name it in a file for "
            f"--env-file, or let the template have it: --variable {name}"
        )
    return f"{said}{where}{advice}"


def main(arguments: list[str]) -> None:
    """Describe the first handler and check that the others exist."""
    options = [each for each in arguments if each.startswith("--")]
    handlers = arguments[len(options) :]
    _optional.update(each.removeprefix("--optional=") for each in options)
    answers = os.dup(1)
    os.dup2(2, 1)
    os.environ.__class__ = _Environ  # it has the same layout
    try:
        answer: dict[str, Any] = {"declaration": describe(handlers[0])}
        for other in handlers[1:]:
            _import_handler(other)
    except ProbeError as error:
        answer = {"error": str(error)}
    answer["variables"] = sorted(_read)
    with os.fdopen(answers, "w", encoding="utf-8") as stream:
        json.dump(answer, stream, default=sorted)  # sets have no JSON form
    # Threads that the module has started may not keep the answer waiting.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
