"""Reads the members of a topic: its subscribers, with what each may get."""

from collections.abc import Iterator, Sequence
from functools import partial

from wspubsub.dynamodb.items import Item
from wspubsub.dynamodb.member_items import number, read_member
from wspubsub.dynamodb.pages import ItemPage, StartKey, read_ahead
from wspubsub.dynamodb.subscribers import Subscribers, make_request
from wspubsub.subscriptions.members import EXPIRY_GRACE_SECONDS
from wspubsub.subscriptions.port import Segment
from wspubsub.subscriptions.sessions import Member

_PROJECTION = "sk, u, s, lost, h, e, d"


class MemberReads(Subscribers):
    """The subscribers in a table, of whom those with an expired token are not seen."""

    def members(
        self,
        topic: str,
        segments: Sequence[Segment],
        *,
        consistent: bool,
        seconds: float | None,
    ) -> Iterator[Member]:
        """Return the members in segments, expired tokens or not; see `ids`."""
        read = partial(self._member_page, topic, consistent=consistent)
        pages = read_ahead(segments, read, seconds=seconds, clock=self._clock)
        return (member for _, members in pages for member in members)

    def _member_page(
        self, topic: str, segment: Segment, start: StartKey | None, *, consistent: bool
    ) -> ItemPage[Member]:
        request = make_request(_PROJECTION, super()._filter())
        page = self._read(topic, segment, start, request, consistent=consistent)
        return ItemPage([read_member(item) for item in page.items], page.next_key)

    def _filter(self) -> tuple[str, Item]:
        condition, values = super()._filter()
        return (
            f"{condition} AND (attribute_not_exists(u) OR u > :since)",
            {**values, ":since": number(self._now() - EXPIRY_GRACE_SECONDS)},
        )
