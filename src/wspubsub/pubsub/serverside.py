"""Subscriptions that the application makes while a client is connected."""

import logging

from wspubsub.pubsub.caller import Services
from wspubsub.pubsub.entering import Entry, Ticket
from wspubsub.pubsub.frames import make_publication, make_push
from wspubsub.pubsub.replies import Answers
from wspubsub.pubsub.rules import Found
from wspubsub.pubsub.subscribing import make_reader
from wspubsub.subscriptions.port import check_topics

log = logging.getLogger("wspubsub")


def subscribe(app: Services, connection_id: str, found: Found) -> None:
    """Subscribe a connection to a topic and inform its client.

    Nothing happens to a connection that has no session, or none any more.

    Raises:
        TooManyTopicsError: The connection has as many topics as it may have.
        StoreError: It could not be written.
    """
    state = app.members.read_session(connection_id)
    if state.session is None or found.name in state.subscriptions:
        log.debug("connection %s is gone, or is already subscribed", connection_id)
        return
    check_topics([found.name], state.subscriptions, app.limits.topics)
    ticket = Ticket(
        session=state.session, found=found, command=None, is_server_side=True
    )
    entry = Entry(app, ticket, make_reader(app, found))
    entry.enter()
    if entry.error is not None:
        raise entry.error
    if app.members.is_gone(connection_id):
        entry.undo()
        return
    fields, read_again, newer = {}, {}, []
    if entry.told is not None:
        read_again[found.name] = entry.told
        recovery = entry.told.recovery
        fields = recovery._replace(publications=()).fields()
        # A push, unlike a reply, has no field for them.
        newer = [make_publication(found.name, each) for each in recovery.publications]
    push = make_push("subscribe", fields, found.name)
    Answers(app, "post").give(connection_id, [push, *newer], read_again)
    if entry.has_joined:
        app.announce_join(found.name, state.session)
