"""Logical IDs of routes: letters and digits, and never the same for two keys.

A route's ID depends on its own key only, so that adding a route does not rename
another, which would have CloudFormation replace it.
"""

import hashlib
import re

from wspubsub.errors import UsageError
from wspubsub.selection import PREDEFINED

_PLAIN = re.compile(r"[a-z][A-Za-z0-9]{0,99}")
_TAKEN = {key.removeprefix("$") for key in PREDEFINED}


def route_id(route_key: str) -> str:
    """Return the logical ID of a route."""
    if route_key in PREDEFINED:
        return f"{route_key.removeprefix('$').capitalize()}Route"
    words = "".join(re.findall(r"[A-Za-z0-9]+", route_key))[:100]
    name = words[:1].upper() + words[1:]
    if _PLAIN.fullmatch(route_key) and route_key not in _TAKEN:
        return f"{name}Route"
    # Two such keys may have the same letters and digits.
    return f"{name}{hashlib.sha256(route_key.encode()).hexdigest()[:8]}Route"


def sam_route_ids(route_keys: list[str]) -> dict[str, str]:
    """Return the logical IDs that SAM gives routes, by route key.

    Raises:
        UsageError: SAM does not take a key, or makes the same ID of two.
    """
    ids: dict[str, str] = {}
    for key in route_keys:
        word = key.removeprefix("$")
        if not (word.isascii() and word.isalnum()):
            raise UsageError(
                f"SAM accepts only letters and digits in route keys, not {key!r}: "
                "use --format cloudformation, or rename the route"
            )
        found = f"Api{word.capitalize()}Route"
        if found in ids.values():
            raise UsageError(
                f"SAM does not distinguish {key!r} from another route key that "
                "differs only in capitals or $: use --format cloudformation, or "
                "rename the route"
            )
        ids[key] = found
    return ids
