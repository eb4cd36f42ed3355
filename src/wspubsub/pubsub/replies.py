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

if TYPE_CHECKING:
    from wspubsub.pubsub.caller import Services
    from wspubsub.pubsub.entering import Told

log = logging.getLogger("wspubsub")

Replies = Literal["route", "post"]
"""How replies travel: as the response of the route `$default`, which must be two-way,
or by posts, for deployments whose routes are not."""


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
        has_arrived = self._post(connection_id, frames)
        for topic, told in read_again.items():
            if has_arrived:
                self._post_newer(connection_id, topic, told)
            elif told.missed is not None:
                # Nobody remembers it any more: the mark was taken back.
                self._mark(connection_id, topic, told.missed)
        return SKIP_PUSH

    def _post_newer(self, connection_id: str, topic: str, told: "Told") -> None:
        try:
            recovery = told.reader.read_since(told.recovery.position)
            pushes = (make_publication(topic, each) for each in recovery.publications)
            is_told = recovery.is_recovered and self._post(
                connection_id, split_frames(pushes)
            )
        except WspubsubError:
            log.warning("could not read topic %r again", topic, exc_info=True)
            is_told = False
        if not is_told:
            self._have_recover(connection_id, topic, told)

    def _have_recover(self, connection_id: str, topic: str, told: "Told") -> None:
        """Make a client recover what may not have reached it, now or later."""
        self._mark(connection_id, topic, told.recovery.position.offset + 1)
        if told.is_server_side:
            # SDKs do not subscribe again by themselves to what the server has chosen.
            self._app.broadcaster.disconnect(connection_id, STATE_LOST)
        else:
            push = make_unsubscribe(topic, INSUFFICIENT_STATE)
            self._app.broadcaster.push([connection_id], push)

    def _mark(self, connection_id: str, topic: str, offset: int) -> None:
        try:
            self._app.members.mark_lost(topic, connection_id, offset)
        except WspubsubError:
            log.exception(
                "connection %s may have missed messages of topic %r from offset %d on, "
                "and could not be marked",
                connection_id,
                topic,
                offset,
            )

    def _post(self, connection_id: str, frames: Iterable[str]) -> bool:
        for frame in frames:
            report = self._app.broadcaster.push([connection_id], frame)
            if not report.delivered:
                # Its SDK reconnects when it has waited in vain.
                log.warning(
                    "connection %s did not get its replies: %s",
                    connection_id,
                    report.describe(),
                )
                return False
        return True
