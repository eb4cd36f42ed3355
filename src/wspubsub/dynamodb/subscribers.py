"""Reads the subscribers of a topic, page by page and from all its shards at once."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from wspubsub.dynamodb.access import TableAccess
from wspubsub.dynamodb.items import Item, topic_partition
from wspubsub.dynamodb.pages import ItemPage, StartKey, read_ahead
from wspubsub.dynamodb.segments import sort_key_range
from wspubsub.subscriptions.port import Segment

FIRST_PAGE_ITEMS = 1024
"""Of subscribers; it comes soon, so that posts begin while the next page is read."""


class Subscribers:
    """The subscribers in a table.

    Args:
        table: The table.
        now: Clock, in seconds since the epoch.
        clock: Monotonic clock in seconds, for the time that reading may take.
    """

    def __init__(
        self,
        table: TableAccess,
        *,
        now: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._table = table
        self._now = now
        self._clock = clock

    def ids(
        self,
        topic: str,
        segments: Sequence[Segment],
        *,
        consistent: bool,
        seconds: float | None,
    ) -> Iterator[str]:
        """Return the connection IDs in segments; arguments as in `pages`."""
        pages = self.pages(topic, segments, consistent=consistent, seconds=seconds)
        return (connection_id for _, ids in pages for connection_id in ids)

    def pages(
        self,
        topic: str,
        segments: Sequence[Segment],
        *,
        consistent: bool,
        seconds: float | None = None,
    ) -> Iterator[tuple[Segment, list[str]]]:
        """Return pages of connection IDs, each with its segment.

        Args:
            topic: The topic.
            segments: What to read.
            consistent: Whether the reads are strongly consistent.
            seconds: How long to wait for pages, from now on; None for no limit.
        """
        read = partial(self._page, topic, consistent=consistent)
        return read_ahead(segments, read, seconds=seconds, clock=self._clock)

    def _page(
        self,
        topic: str,
        segment: Segment,
        start: StartKey | None,
        *,
        consistent: bool,
    ) -> ItemPage[str]:
        # Neither the filter nor the projection saves read units, but a page without
        # the key that all its items share is half as long to send and to parse.
        request = make_request("sk", self._filter())
        page = self._read(topic, segment, start, request, consistent=consistent)
        ids = [item["sk"]["S"] for item in page.items]
        # A range of sort keys has both its ends in it.
        if segment.after is not None and ids[:1] == [segment.after]:
            del ids[0]
        return ItemPage(ids, page.next_key)

    def _filter(self) -> tuple[str, Item]:
        """Return the condition on those who are seen, and the values in it."""
        return "expires_at > :now", {":now": {"N": repr(self._now())}}

    def _read(
        self,
        topic: str,
        segment: Segment,
        start: StartKey | None,
        request: dict[str, Any],
        *,
        consistent: bool,
    ) -> ItemPage[Item]:
        condition, values = sort_key_range(segment.after, segment.until)
        request["ExpressionAttributeValues"] |= values
        if consistent:
            request["ConsistentRead"] = True
        if start is None:
            request["Limit"] = FIRST_PAGE_ITEMS
        partition = topic_partition(topic, segment.shard)
        return self._table.page(partition, start, request, condition)


def make_request(projection: str, seen: tuple[str, Item]) -> dict[str, Any]:
    """Return what a Query for subscribers asks for.

    Args:
        projection: Names of the attributes that are returned.
        seen: The condition on those who are seen, and the values in it.
    """
    condition, values = seen
    return {
        "FilterExpression": condition,
        "ProjectionExpression": projection,
        "ExpressionAttributeValues": values,
    }
