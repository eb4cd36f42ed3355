"""The last things that happened, as many as there is room for."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

MAX_ENTRIES = 10_000
MAX_BYTES = 16_777_216
"""How many entries are kept, and how much the objects in them may take, roughly."""

ENTRY_BYTES = 500
"""What an entry takes besides its texts, roughly."""

SLACK = 500
"""How many more there may be before the oldest go, many at a time."""

MAX_PAGE_BYTES = 1_048_576
"""How much a reader gets at a time, roughly."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "batch": ("source", "records", "retries"),
    "call": ("call",),
    "closed": ("close", "by"),
    "fault": ("rule", "text"),
    "frame": ("connection", "data", "is_text", "is_final"),
    "handshake": ("connection", "handshake"),
    "invocation": (
        *("connection", "route_key", "own_route_key", "function", "id", "event"),
        *("method", "replayed"),
    ),
    "opened": ("connection",),
    "output": ("line",),
    "post": ("method", "connection", "body", "status", "detail"),
    "refused": ("connection", "status", "detail", "method", "handshake", "address"),
    "result": ("outcome",),
    "sent": ("connection", "message", "detail"),
}
"""What is told about each kind of entry, in its order."""


Raw: TypeAlias = tuple[float, str, int, int, tuple[Any, ...]]
"""An entry as it is kept: when, kind, cause, size, and the values of its fields.

Nobody may ever look, so it is no more than that. Tuples of texts and numbers cost the
garbage collector nothing, however long they are kept.
"""


class Entry(NamedTuple):
    """Something that happened.

    Attributes:
        number: Counts the entries from 1.
        at: When, in seconds since the epoch.
        kind: What it is.
        parent: Number of the entry that caused it; 0 if none did, or none is known.
        size: How many bytes of text it has.
        fields: What is told about it, without what is None, as the objects that the
            gateway had.
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
        max_entries: How many are kept at least, if there is room.
        max_bytes: How much they may take.
        slack: How many more there may be for a while.

    Attributes:
        on_drop: Is told each entry that goes, with its number.
    """

    def __init__(
        self,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
        slack: int = SLACK,
    ) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._limit = self._most = max_entries + slack
        self._entries: deque[Raw] = deque()
        self._bytes = 0
        self._last = 0
        self._readers: list[asyncio.Future[None]] = []
        self.on_drop: Callable[[int, Raw], object] = lambda _number, _raw: None

    def add(self, raw: Raw) -> int:
        """Add an entry and return its number."""
        self._entries.append(raw)
        self._bytes += ENTRY_BYTES + raw[3]
        self._last += 1
        # The limit is 0 while somebody waits for an entry.
        if len(self._entries) > self._limit or self._bytes > self._max_bytes:
            self._settle()
        return self._last

    @property
    def first(self) -> int:
        """Number of the oldest entry that is kept, or of the next one if none is."""
        return self._last - len(self._entries) + 1

    def raw_entries(self) -> Iterator[tuple[int, Raw]]:
        """Yield all that are kept, with their numbers."""
        return enumerate(self._entries, self.first)

    def entries(self) -> list[Entry]:
        """Return all that are kept."""
        return [_read(number, raw) for number, raw in self.raw_entries()]

    def find(self, number: int) -> Entry | None:
        """Return an entry, unless it has gone."""
        index = number - self.first
        is_kept = 0 <= index < len(self._entries)
        return _read(number, self._entries[index]) if is_kept else None

    def read(self, after: int) -> list[Entry]:
        """Return the first entries after a number, as many as make a page."""
        page, size = [], 0
        skipped = max(0, after + 1 - self.first)
        for number, raw in islice(self.raw_entries(), skipped, None):
            page.append(_read(number, raw))
            size += ENTRY_BYTES + raw[3]
            if size > MAX_PAGE_BYTES:
                break
        return page

    async def wait(self, after: int, seconds: float) -> None:
        """Wait until there is an entry after a number, or the time is up."""
        if self._last > after:
            return
        arrived = asyncio.get_running_loop().create_future()
        self._readers.append(arrived)
        self._limit = 0
        try:
            await asyncio.wait({arrived}, timeout=seconds)
        finally:
            if arrived in self._readers:
                self._readers.remove(arrived)

    def clear(self) -> None:
        """Forget all entries; the next one has the next number."""
        self._drop(len(self._entries))

    def _settle(self) -> None:
        self._limit = self._most
        readers, self._readers = self._readers, []
        for reader in readers:
            if not reader.done():
                reader.set_result(None)
        if len(self._entries) > self._most:
            self._drop(len(self._entries) - self._max_entries)
        while self._bytes > self._max_bytes:
            self._drop(1)

    def _drop(self, count: int) -> None:
        for number in range(self.first, self.first + count):
            raw = self._entries.popleft()
            self._bytes -= ENTRY_BYTES + raw[3]
            self.on_drop(number, raw)


def _read(number: int, raw: Raw) -> Entry:
    at, kind, parent, size, values = raw
    named = zip(FIELDS[kind], values, strict=False)  # the last ones may be left out
    fields = {name: value for name, value in named if value is not None}
    return Entry(number, at, kind, parent, size, fields)
