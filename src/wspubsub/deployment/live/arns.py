"""What ARNs and addresses name."""

import re
from typing import NamedTuple

_FUNCTION = re.compile(
    r"arn:[\w-]+:lambda:([\w-]+):(\d+):function:([\w-]+)(?::([\w$-]+))?"
)
_TABLE = re.compile(r"arn:[\w-]+:dynamodb:([\w-]+):(\d+):table/([\w.-]+)")
_QUEUE = re.compile(r"arn:[\w-]+:sqs:([\w-]+):(\d+):([\w.-]+)")
_QUEUE_HOST = re.compile(r"https?://sqs\.([\w-]+)\.")


class FunctionRef(NamedTuple):
    """A function, as something else names it.

    Attributes:
        name: Its name.
        qualifier: A version or an alias; None for the newest code.
    """

    name: str
    qualifier: str | None = None


def find_function(text: str | None) -> FunctionRef | None:
    """Return the function whose ARN is in a text; None without one."""
    match = _FUNCTION.search(text or "")
    return None if match is None else FunctionRef(match[3], match[4])


def parse_function(text: str) -> FunctionRef:
    """Return the function that a name or an ARN is, with or without alias."""
    name, _, qualifier = text.partition(":")
    return find_function(text) or FunctionRef(name, qualifier or None)


def find_table(text: str) -> str | None:
    """Return the name of the table that an ARN, or that of its stream, names."""
    match = _TABLE.match(text)
    return None if match is None else match[3]


def find_queue(text: str) -> str | None:
    """Return the name of the queue that an ARN names."""
    match = _QUEUE.fullmatch(text)
    return None if match is None else match[3]


def find_region(text: str) -> str | None:
    """Return the Region of a table's or queue's ARN, or of a queue's URL."""
    match = _TABLE.match(text) or _QUEUE.fullmatch(text) or _QUEUE_HOST.match(text)
    return None if match is None else match[1]
