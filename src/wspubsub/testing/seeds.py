"""Random numbers that are the same each time."""

import random


def make_random(seed: int | str) -> random.Random:
    """Return a source of random numbers: for IDs and orders, never for secrets."""
    return random.Random(seed)  # noqa: S311 - nothing here is a secret
