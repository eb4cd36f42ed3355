"""Calls a method of a function's handler instead of the handler, for the inspector.

The bootstrap loads this file by its path, so it needs nothing but the standard library.
"""

import json
from types import MappingProxyType
from typing import Any


def call_method(handler: object, name: str, arguments: dict[str, Any]) -> bytes:
    """Call a method of the handler, or of what it wraps; `null` if it has none."""
    while handler is not None and not hasattr(handler, name):
        handler = getattr(handler, "__wrapped__", None)
    result = None if handler is None else getattr(handler, name)(**arguments)
    return json.dumps(result, default=_show).encode()


def _show(value: object) -> object:
    # What JSON has no form for: sets, views of mappings, and objects with fields.
    if isinstance(value, set | frozenset):
        return sorted(value)
    return dict(value) if isinstance(value, MappingProxyType) else vars(value)
