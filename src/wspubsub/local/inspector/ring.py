"""The last things that happened, as many as there is room for."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

MAX_ENTRIES = 10_000
MAX_BYTES = 16_777_216
"""How many entries are kept, and how much the objects in them may take, roughly."""

MAX_PAGE_BYTES = 1_048_576
"""How much a reader gets at a time, roughly."""


class Entry(NamedTuple):
    """Something that happened.

    Attributes:
        number: Counts the entries from 1.
        at: When, in seconds since the epoch.
        kind: What it is.
        parent: Number of the entry that caused it; 0 if none did, or none is known.
        size: How many bytes it takes, roughly.
        fields: What is told about it, as the objects that the gateway had.
    """

    number: int
    at: float
    kind: str
    parent: int
    size: int
    fields: Mapping[str, Any]


class Ring:
    """Entries in order, of which the oldest go when there are too many.

    Args:
        max_entries: How many are kept.
        max_bytes: How much they may take.

    Attributes:
        on_drop: Is told each entry that goes.
    """

    def __init__(
        self, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES
    ) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._last = 0
        self._readers: list[asyncio.Future[None]] = []
        self.on_drop: Callable[[Entry], object] = bool

    def add(
        self, at: float, kind: str, parent: int, size: int, fields: Mapping[str, Any]
    ) -> int:
        """Add an entry and return its number."""
        self._last += 1
        self._entries.append(Entry(self._last, at, kind, parent, size, fields))
        self._bytes += size
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            dropped = self._entries.popleft()
            self._bytes -= dropped.size
            self.on_drop(dropped)
        if self._readers:
            self._wake()
        return self._last

    @property
    def first(self) -> int:
        """Number of the oldest entry that is kept, or of the next one if none is."""
        return self._entries[0].number if self._entries else self._last + 1

    def entries(self) -> list[Entry]:
        """Return all that are kept."""
        return list(self._entries)

    def find(self, number: int) -> Entry | None:
        """Return an entry, unless it has gone."""
        index = number - self.first
        is_kept = 0 <= index < len(self._entries)
        return self._entries[index] if is_kept else None

    def read(self, after: int) -> list[Entry]:
        """Return the first entries after a number, as many as make a page."""
        page, size = [], 0
        for entry in self._after(after):
            page.append(entry)
            size += entry.size
            if size > MAX_PAGE_BYTES:
                break
        return page

    async def wait(self, after: int, seconds: float) -> None:
        """Wait until there is an entry after a number, or the time is up."""
        if self._last > after:
            return
        arrived = asyncio.get_running_loop().create_future()
        self._readers.append(arrived)
        try:
            await asyncio.wait({arrived}, timeout=seconds)
        finally:
            if arrived in self._readers:
                self._readers.remove(arrived)

    def clear(self) -> None:
        """Forget all entries; the next one has the next number."""
        entries, self._entries = self._entries, deque()
        self._bytes = 0
        for entry in entries:
            self.on_drop(entry)

    def _after(self, number: int) -> Iterator[Entry]:
        return islice(self._entries, max(0, number + 1 - self.first), None)

    def _wake(self) -> None:
        readers, self._readers = self._readers, []
        for reader in readers:
            if not reader.done():
                reader.set_result(None)
