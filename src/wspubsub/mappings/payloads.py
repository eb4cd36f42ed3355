"""Batches that fit into an invocation."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
"""The largest payload that a function is invoked with ("Lambda quotas": 6 MB)."""

_ENVELOPE_BYTES = len(json.dumps({"Records": []}))
_SEPARATOR_BYTES = len(", ")

Record = Mapping[str, Any]
"""A record of an event, as the handler gets it."""


def batches(
    records: Iterable[Record], *, size: int, max_bytes: int = MAX_PAYLOAD_BYTES
) -> Iterator[tuple[Record, ...]]:
    """Yield records in order, in batches that also fit into an invocation.

    A record that is too large by itself is a batch by itself.
    """
    batch: list[Record] = []
    used = _ENVELOPE_BYTES
    for record in records:
        needed = len(json.dumps(record)) + _SEPARATOR_BYTES
        if batch and (len(batch) == size or used + needed > max_bytes):
            yield tuple(batch)
            batch, used = [], _ENVELOPE_BYTES
        batch.append(record)
        used += needed
    if batch:
        yield tuple(batch)
