"""How replies reach a client: as the route's response, or posted."""

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from wspubsub.errors import WspubsubError
from wspubsub.pubsub.codes import INSUFFICIENT_STATE, STATE_LOST
from wspubsub.pubsub.frames import (
    SKIP_PUSH,
    make_publication,
    make_unsubscribe,
    split_frames,
)
from wspubsub.pubsub.sidebyside import do_side_by_side

if TYPE_CHECKING:
    from wspubsub.pubsub.caller import Services
    from wspubsub.pubsub.entering import Told
    from wspubsub.pubsub.frames import Publication

log = logging.getLogger("wspubsub")

Replies = Literal["route", "post"]
"""How replies travel: as the response of the route `$default`, which must be two-way,
or by posts, for deployments whose routes are not."""


REPLY_SECONDS = 5.0
"""How long a reply is posted: SDKs wait no longer, and reconnect ("Client SDK API")."""


class Answers:
    """Sends replies.

    SDKs drop the publications of a topic until they have the reply to their subscribe.
    So the replies of subscriptions with history are posted, and once API Gateway has
    taken them, the log is read again: whatever was published between the first read and
    then is posted, perhaps for the second time.

    Args:
        app: The application.
        replies: How they travel where they can.
    """

    def __init__(self, app: "Services", replies: Replies) -> None:
        self._app = app
        self._posts = replies == "post"

    def give(
        self,
        connection_id: str,
        replies: list[str],
        read_again: "Mapping[str, Told]",
    ) -> str:
        """Send replies, and return what the route should respond.

        Args:
            connection_id: Who gets them.
            replies: The replies, in order.
            read_again: Topics with history, and what the replies tell of each.
        """
        frames = list(split_frames(replies))
        if not self._posts and not read_again and len(frames) == 1:
            return frames[0]
        try:
            has_arrived = self._post(connection_id, frames)
        except WspubsubError:
            mark_again(self._app, connection_id, read_again)
            raise
        if has_arrived:
            self._post_newer(connection_id, read_again)
        else:
            mark_again(self._app, connection_id, read_again)
        return SKIP_PUSH

    def _post_newer(self, connection_id: str, read_again: "Mapping[str, Told]") -> None:
        newer = dict(
            zip(
                read_again,
                do_side_by_side(_read_newer, list(read_again.values())),
                strict=True,
            )
        )
        pushes = [
            make_publication(topic, each)
            for topic, publications in newer.items()
            for each in publications or ()
        ]
        has_arrived = self._try_to_post(connection_id, split_frames(pushes))
        for topic, publications in newer.items():
            if publications is None or (publications and not has_arrived):
                self._have_recover(connection_id, topic, read_again[topic])

    def _have_recover(self, connection_id: str, topic: str, told: "Told") -> None:
        """Make a client recover what may not have reached it, now or later."""
        _mark(self._app, connection_id, topic, told.recovery.position.offset + 1)
        if not told.is_server_side:
            push = make_unsubscribe(topic, INSUFFICIENT_STATE)
            self._try_to_post(connection_id, [push])
            return
        try:
            # SDKs do not subscribe again by themselves to what the server has chosen.
            self._app.broadcaster.disconnect(connection_id, STATE_LOST)
        except WspubsubError:
            log.warning("could not close connection %s", connection_id, exc_info=True)

    def _try_to_post(self, connection_id: str, frames: Iterable[str]) -> bool:
        try:
            return self._post(connection_id, frames)
        except WspubsubError:
            log.warning("could not post to %s", connection_id, exc_info=True)
            return False

    def _post(self, connection_id: str, frames: Iterable[str]) -> bool:
        for frame in frames:
            report = self._app.broadcaster.push(
                [connection_id], frame, timeout_seconds=REPLY_SECONDS
            )
            if not report.delivered:
                # Its SDK reconnects when it has waited in vain.
                log.warning(
                    "connection %s did not get its replies: %s",
                    connection_id,
                    report.describe(),
                )
                return False
        return True


def _read_newer(told: "Told") -> "tuple[Publication, ...] | None":
    """Return what was published since; None if it cannot be known."""
    try:
        recovery = told.reader.read_since(told.recovery.position)
    except WspubsubError:
        log.warning("could not read a topic again", exc_info=True)
        return None
    return recovery.publications if recovery.is_recovered else None


def mark_again(
    app: "Services", connection_id: str, read_again: "Mapping[str, Told]"
) -> None:
    """Mark again what a client that is told nothing had missed: the marks were taken.

    Args:
        app: The application.
        connection_id: The client.
        read_again: Topics with history, and what it would have been told of each.
    """
    for topic, told in read_again.items():
        if told.missed is not None:
            _mark(app, connection_id, topic, told.missed)


def _mark(app: "Services", connection_id: str, topic: str, offset: int) -> None:
    try:
        app.members.mark_lost(topic, connection_id, offset)
    except WspubsubError:
        log.exception(
            "connection %s may have missed messages of topic %r from offset %d on, "
            "and could not be marked",
            connection_id,
            topic,
            offset,
        )
