"""A file of environment variables, `NAME=VALUE` in each line, as many tools read it."""

import re
from pathlib import Path

from wspubsub.errors import UsageError

_LINE = re.compile(
    r"""(?:export\s+)?
    (?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=
    (?:\s*(?:
        "(?P<double>(?:[^"\\]|\\.)*)" | '(?P<single>[^']*)' | (?P<plain>[^"'\s].*?)
    ))??
    (?:\s+\#.*)?""",
    re.VERBOSE,
)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def read_env_file(path: Path) -> dict[str, str]:
    r"""Return the variables of a file.

    A line is `NAME=VALUE`, empty, or a comment that begins with `#`. A value in double
    quotes may have `\n`, `\t` and `\"`; one in single quotes stands for itself.

    Raises:
        UsageError: It cannot be read, or a line is not a variable.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the variables in {path}: {error}") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None or "\0" in text:
            raise UsageError(
                f"line {number} of {path} is not a variable; use NAME=VALUE, with "
                "quotes that end in the same line"
            )
        found[match["name"]] = _unquote(match)
    return found


def _unquote(match: re.Match[str]) -> str:
    if (text := match["double"]) is not None:
        return re.sub(r"\\(.)", lambda each: _ESCAPED.get(each[1], each[1]), text)
    return match["single"] or match["plain"] or ""
