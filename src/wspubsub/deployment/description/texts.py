"""Texts of which parts are known later only, and what can be said of them today.

Such a part is a hole, `${…}`. There are three kinds:

- `${AWS::Region}` and its like: one name or number, the same wherever it stands;
- `${Table}`: what AWS itself calls a resource of the deployment, so never the same as
  `${Queue}`;
- `${?Name}`: anything at all, the same wherever that name stands; `${?}` is not even
  that.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

ANYTHING = "${?}"
"""A text of which nothing is known."""

_TOKEN = re.compile(r"\$\{([^}]*)\}|(.)", re.DOTALL)
_WORD = re.compile(r"[\w.-]")
_UNKNOWN = "?"
_REGION = re.compile(
    r"(?<![\w-])(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-gov|-iso\w?)?-[a-z]+-\d(?![\w-])"
)


class _Token(NamedTuple):
    kind: str  # literal, hole, unknown, any, one
    text: str = ""


def name_unknown(name: str) -> str:
    """Return a hole for a value of which only a name is known."""
    return f"${{?{name}}}"


def is_known(text: str) -> bool:
    """Return whether a text has no part that may be anything."""
    return "${?" not in text


def is_literal(text: str) -> bool:
    """Return whether a text has no hole at all."""
    return "${" not in text


def find_regions(text: str) -> list[str]:
    """Return the names of AWS Regions in a text."""
    return _REGION.findall(text)


def split_text(text: str, separator: str) -> list[str]:
    """Return the parts of a text; a separator in the name of a hole does not count."""
    parts = [""]
    for match in _TOKEN.finditer(text):
        parts[-1] += match[0]
        if match[1] is None and parts[-1].endswith(separator):
            parts[-1] = parts[-1].removesuffix(separator)
            parts.append("")
    return parts


def may_equal(left: str, right: str) -> bool:
    """Return whether two texts may turn out to be equal."""
    return _matches(left, right, is_pattern=False, is_certain=False)


def may_match(pattern: str, text: str) -> bool:
    """Return whether a pattern of IAM, with `*` and `?`, may cover a text.

    "IAM JSON policy elements: Resource": both match across `/` and `:`.
    """
    return _matches(pattern, text, is_pattern=True, is_certain=False)


def must_match(pattern: str, text: str) -> bool:
    """Return whether a pattern of IAM covers a text, whatever is in the holes."""
    return _matches(pattern, text, is_pattern=True, is_certain=True)


@lru_cache(maxsize=4096)
def _matches(pattern: str, text: str, *, is_pattern: bool, is_certain: bool) -> bool:
    left, right = _read(pattern, is_pattern=is_pattern), _read(text, is_pattern=False)
    compare = _must if is_certain else _may
    # Whether what is left of the one matches what is left of the other, from the end.
    after: list[bool] = []
    for i in range(len(left), -1, -1):
        row = [False] * (len(right) + 1)
        for j in range(len(right), -1, -1):
            if i == len(left) and j == len(right):
                row[j] = True
                continue
            row[j] = any(
                (after if down else row)[j + along]
                for down, along in compare(left[i : i + 1], right[j : j + 1])
                if j + along <= len(right) and i + down <= len(left)
            )
        after = row
    return after[0]


_BOTH, _LEFT, _RIGHT = (1, 1), (1, 0), (0, 1)


def _must(left: Sequence[_Token], right: Sequence[_Token]) -> list[tuple[int, int]]:
    """Return which steps are possible: on the left, on the right, or on both."""
    if left and left[0].kind == "any":
        return [_LEFT, *([_RIGHT] if right else [])]
    if not left or not right:
        return []
    if left[0].kind == "one":
        return [_BOTH] if right[0].kind == "literal" else []
    return [_BOTH] if left[0] == right[0] and left[0].text != _UNKNOWN else []


def _may(left: Sequence[_Token], right: Sequence[_Token]) -> list[tuple[int, int]]:
    """Return which steps are possible, if the holes are filled as it suits."""
    if left == right and left[0].kind != "any" and left[0].text != _UNKNOWN:
        return [_BOTH]
    if (left and left[0].kind in ("any", "unknown")) or (
        right and right[0].kind == "unknown"
    ):
        return [*([_LEFT] if left else []), *([_RIGHT] if right else [])]
    if not left or not right:
        return []
    kinds = {left[0].kind, right[0].kind}
    if kinds in ({"hole", "literal"}, {"hole", "one"}):
        is_left = left[0].kind == "hole"
        other = right[0] if is_left else left[0]
        is_word = other.kind == "one" or _WORD.match(other.text)
        return [_BOTH, _RIGHT if is_left else _LEFT] if is_word else []
    return [_BOTH] if left[0].kind == "one" and right[0].kind == "literal" else []


@lru_cache(maxsize=1024)
def _read(text: str, *, is_pattern: bool) -> tuple[_Token, ...]:
    tokens = []
    for match in _TOKEN.finditer(text):
        hole, char = match.groups()
        if hole is not None:
            kind = "unknown" if hole.startswith(_UNKNOWN) else "hole"
            tokens.append(_Token(kind, hole))
        elif is_pattern and char in "*?":
            tokens.append(_Token("any" if char == "*" else "one"))
        else:
            tokens.append(_Token("literal", char))
    return tuple(tokens)
