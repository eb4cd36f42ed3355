"""Says what a handler's module has set up, for whoever started this process.

It is run by its path, in a process of its own: the module finds an environment where
nothing leads to AWS, and what it does to the interpreter ends with it.

    python -P probe.py HANDLER [OTHER_HANDLER ...]

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


class _Environ(os._Environ):  # type: ignore[type-arg] # noqa: SLF001 - what os.environ is
    """Notes which variables are asked for by name, and not copied with all others."""

    def __iter__(self) -> Iterator[str]:
        for key in super().__iter__():
            _listed.add(key)
            yield key

    def __getitem__(self, key: str) -> str:
        if key in _listed:
            # Whoever copies the environment lists its names, then reads each of them.
            _listed.discard(key)
        elif key.startswith(_PREFIX):
            _read.add(key)
        value: str = super().__getitem__(key)
        return value

    def get(self, key: str, default: object = None) -> object:
        # Who asks so can do without, so it is not noted.
        try:
            return super().__getitem__(key)
        except KeyError:
            return default


class ProbeError(Exception):
    """The handler cannot be used."""


def describe(handler: str) -> dict[str, Any]:
    """Return what a template has to know of a handler.

    Raises:
        ProbeError: It is not, or has not, a `Router`.
    """
    from wspubsub import Router  # noqa: PLC0415 - the one that the module will use

    value = _unwrap(_import_handler(handler))
    router = value if isinstance(value, Router) else getattr(value, "router", None)
    if not isinstance(router, Router):
        raise ProbeError(
            f"{handler} is not a Router and has no attribute `router` that is one; if "
            "it is a function that calls a router, set its attribute: "
            f"{handler.rpartition('.')[2]}.router = router"
        )
    return {
        "route_keys": sorted(router.route_keys),
        "route_selection_expression": router.route_selection_expression,
        "takes_records": router is not value,
    }


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
        raise ProbeError(f"{place} has no function {name}")
    return value


def _unwrap(handler: object) -> object:
    # What `functools.wraps` says of the function inside; one with a router is enough.
    while not hasattr(handler, "router") and hasattr(handler, "__wrapped__"):
        handler = handler.__wrapped__
    return handler


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
        advice = "; if that is an environment variable, set it for this command"
    return f"{said}{where}{advice}"


def main(handlers: list[str]) -> None:
    """Describe the first handler and see that the others exist."""
    answers = os.dup(1)
    os.dup2(2, 1)
    os.environ.__class__ = _Environ  # it has the same layout
    try:
        answer = describe(handlers[0])
        for other in handlers[1:]:
            _import_handler(other)
    except ProbeError as error:
        answer = {"error": str(error)}
    answer["variables"] = sorted(_read)
    with os.fdopen(answers, "w", encoding="utf-8") as stream:
        json.dump(answer, stream)
    # Threads that the module has started may not keep the answer waiting.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
