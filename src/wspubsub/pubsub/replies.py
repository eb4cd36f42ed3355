"""How replies reach a client: as the route's response, or posted."""

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from wspubsub.errors import WspubsubError
from wspubsub.pubsub.codes import INSUFFICIENT_STATE, STATE_LOST, Code
from wspubsub.pubsub.frames import (
    SKIP_PUSH,
    make_unsubscribe,
    split_frames,
)
from wspubsub.pubsub.holds import Hold
from wspubsub.pubsub.marks import MAX_THREADS
from wspubsub.sidebyside import run_each

if TYPE_CHECKING:
    from wspubsub.pubsub.caller import Services
    from wspubsub.pubsub.entering import Told

log = logging.getLogger("wspubsub")

Replies = Literal["route", "post"]
"""How replies travel: as the response of the route `$default`, which must be two-way,
or by posts, for deployments whose routes are not."""


MAX_ROUNDS = 10
"""How often a topic is read again; one that is busier still is recovered instead."""

REPLY_SECONDS = 5.0
"""How long a reply is posted: SDKs wait no longer, and reconnect ("Client SDK API")."""


class Answers:
    """Sends replies.

    The replies of subscriptions with history are posted, and publishers wait until API
    Gateway has taken them; `holds` says why.

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
        if self._try_to_post(connection_id, frames):
            self._release(
                connection_id,
                [
                    Hold(self._app.members, connection_id, topic, told)
                    for topic, told in read_again.items()
                ],
            )
        return SKIP_PUSH

    def _release(self, connection_id: str, holds: list[Hold]) -> None:
        """Post what is newer, until publishers do that again."""
        for _ in range(MAX_ROUNDS):
            run_each(
                Hold.release, [each for each in holds if each.is_open], most=MAX_THREADS
            )
            held = [each for each in holds if each.is_open]
            if not held:
                break
            run_each(Hold.read, held, most=MAX_THREADS)
            pushes = [push for each in held for push in each.pushes()]
            has_arrived = self._try_to_post(connection_id, split_frames(pushes))
            for each in held:
                each.note_posted(has_arrived=has_arrived)
        for each in holds:
            if not each.is_released:
                self._have_recover(connection_id, each)

    def _have_recover(self, connection_id: str, hold: Hold) -> None:
        """Make a client recover what may not have reached it, now or later."""
        hold.mark()
        if not hold.told.is_server_side:
            push = make_unsubscribe(hold.topic, INSUFFICIENT_STATE)
            self._try_to_post(connection_id, [push])
            return
        # SDKs do not subscribe again by themselves to what the server has chosen.
        send_away(self._app, connection_id, STATE_LOST)

    def _try_to_post(self, connection_id: str, frames: Iterable[str]) -> bool:
        try:
            return self._post(connection_id, frames)
        except WspubsubError:
            # Such as a permission that is missing: the error says what to do. Whoever
            # is held by then is asked to recover later.
            log.exception("could not post to connection %s", connection_id)
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


def send_away(app: "Services", connection_id: str, code: Code) -> None:
    """Disconnect a client; a failure is logged."""
    try:
        app.broadcaster.disconnect(connection_id, code)
    except WspubsubError:
        log.exception("could not close connection %s", connection_id)
