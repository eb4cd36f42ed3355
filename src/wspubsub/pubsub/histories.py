"""Pages of a topic's history, for clients and for the application."""

import logging
from typing import TYPE_CHECKING

from wspubsub.log.rules import MAX_EPOCH_LENGTH, MAX_OFFSET, Position
from wspubsub.pubsub.commands import Since
from wspubsub.pubsub.frames import Page, Publication
from wspubsub.pubsub.publications import read_publication, size_of
from wspubsub.pubsub.recovery import MAX_PUBLICATIONS, find_beginning

if TYPE_CHECKING:
    from wspubsub.log.port import TopicLog

log = logging.getLogger("wspubsub")


def read_page(
    log: "TopicLog",
    topic: str,
    since: Since | None,
    limit: int,
    *,
    reverse: bool,
    max_bytes: int | None = None,
) -> Page | None:
    """Return a part of a topic's history, or None if `since` is not in it.

    Args:
        log: The log.
        topic: The topic.
        since: Position of the message before the first one; None for the oldest, or
            for the newest if reversed.
        limit: How many messages; 0 for the position only, -1 for all, up to 300.
        reverse: Whether the newest come first.
        max_bytes: Where the page ends at the latest; whoever wants more asks again
            from its last message on.
    """
    if limit == 0:
        return Page((), log.ensure_position(topic))
    position = None
    if since is not None:
        # What a client sends may be anything; no log has such a position.
        if since.offset > MAX_OFFSET or len(since.epoch) > MAX_EPOCH_LENGTH:
            return None
        position = Position(since.epoch, since.offset)
    most = MAX_PUBLICATIONS if limit < 0 else min(limit, MAX_PUBLICATIONS)
    replay = log.read_history(topic, position, most, reverse=reverse)
    if not replay.recovered:
        return None
    publications = tuple(map(read_publication, replay.messages))
    if max_bytes is not None:
        publications = _cut(publications, max_bytes)
    return Page(publications, replay.newest or find_beginning(log, topic))


def _cut(
    publications: tuple[Publication, ...], max_bytes: int
) -> tuple[Publication, ...]:
    size, kept = 0, []
    for each in publications:
        added = size_of(each)
        if added > max_bytes:
            # Another program has appended it; a page must not end before it for ever.
            log.debug("message %d is larger than a reply; left out", each.offset)
            continue
        size += added
        if size > max_bytes:
            break
        kept.append(each)
    return tuple(kept)
