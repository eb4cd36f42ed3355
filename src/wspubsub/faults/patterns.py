"""Patterns in rules, in which `*` stands for any characters."""


def is_like(text: str, pattern: str) -> bool:
    """Return whether a text has a pattern's form, in which `*` is any characters."""
    head, *parts = pattern.split("*")
    if not parts:
        return text == pattern
    *middle, tail = parts
    at, end = len(head), len(text) - len(tail)
    if not text.startswith(head) or not text.endswith(tail):
        return False
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return at <= end


def covers(pattern: str, other: str) -> bool:
    """Return whether a pattern matches all that another pattern matches.

    It may be wrong about two that both have a `*`, and says no then.
    """
    if pattern == other:
        return True
    if "*" not in pattern:
        return False
    return not pattern.strip("*") or ("*" not in other and is_like(other, pattern))
