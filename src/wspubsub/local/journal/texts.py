"""How the log writes names, reasons and texts."""

import re

RED, GREEN, YELLOW, DIM = "31", "32", "33", "2"
MAX_TEXT = 200
"""A longer text is cut, in characters."""

_ID_CHARACTERS = 4
_COLOR = re.compile(r"\x1b\[\d+m")
# What a client sent must not move the cursor of the developer's terminal.
_VISIBLE = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


def abbreviate(name: str) -> str:
    """Return the beginning of an ID, enough to find it in a handler's output."""
    short = name[:_ID_CHARACTERS]
    return short if short == name else f"{short}…"


def fold(text: str, width: int) -> list[str]:
    """Return a text in lines of at most a width, broken at spaces if possible."""
    lines = [""]
    for number, word in enumerate(text.split(" ")):
        longer = f"{lines[-1]} {word}" if number else word
        if len(_COLOR.sub("", longer)) <= width:
            lines[-1] = longer
        elif "\x1b" in word:  # a color must stay as it is
            lines.append(word)
        else:
            lines += [word[at : at + width] for at in range(0, len(word), width)]
    return lines


def because(detail: str) -> str:
    """Return a reason in brackets; an empty text if there is no reason."""
    return f" ({show(detail)})" if detail else ""


def shorten(text: str) -> str:
    """Return a text in one line, cut if it is long."""
    text = show(text)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def show(text: str) -> str:
    """Return a text in one line, in which nothing commands a terminal."""
    return text.translate(_VISIBLE)
