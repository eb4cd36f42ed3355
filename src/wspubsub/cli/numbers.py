"""Numbers as the command line takes them."""

import argparse
from collections.abc import Callable


def number_from(least: int) -> Callable[[str], int]:
    """Return what reads a whole number that is not less than another."""

    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}")
        return value

    return number


def port(text: str) -> int:
    """Return the number of a port."""
    value = int(text)
    if value not in range(65_536):
        raise argparse.ArgumentTypeError("must be from 0 to 65535")
    return value


def seconds(text: str) -> float:
    """Return a number of seconds, 0 or more."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError("must be a number of seconds, 0 or more")
    return value
