"""What a connected client asks for: publish, read, call, send."""

import logging
from typing import TYPE_CHECKING

from wspubsub.errors import UsageError
from wspubsub.messages import MAX_MESSAGE_BYTES
from wspubsub.pipeline import call
from wspubsub.pubsub.caller import Caller, Fields, describe
from wspubsub.pubsub.codes import (
    BAD_REQUEST,
    METHOD_NOT_FOUND,
    NOT_AVAILABLE,
    PERMISSION_DENIED,
    SEND_NOT_AVAILABLE,
    TOO_MANY_REQUESTS,
    UNRECOVERABLE_POSITION,
)
from wspubsub.pubsub.commands import (
    Ping,
    Publish,
    ReadHistory,
    ReadPresence,
    ReadPresenceStats,
    Rpc,
    Send,
)
from wspubsub.pubsub.frames import encode_json
from wspubsub.pubsub.refusals import DisconnectError, RefusalError
from wspubsub.pubsub.requests import PublishRequest, RpcRequest, SendRequest
from wspubsub.pubsub.rules import ANYONE, SUBSCRIBERS, Access, Found
from wspubsub.reports import PublishError

if TYPE_CHECKING:
    from wspubsub.subscriptions.sessions import Presence

log = logging.getLogger("wspubsub")


def publish(caller: Caller, _command_id: int, request: Publish) -> Fields:
    """Publish what a client sent, or what the rule turns it into."""
    found = caller.find(request.channel)
    if request.data is None:
        raise RefusalError(BAD_REQUEST)
    _check_publish(caller, found)
    if not caller.app.throttle.take(caller.connection_id):
        raise RefusalError(TOO_MANY_REQUESTS)
    data = _make_data(caller, found, request)
    try:
        caller.app.broadcaster.publish(
            found.name,
            encode_json(data),
            info=caller.describe(found.name),
            logged=found.topic.history is not None,
            timeout_seconds=caller.event.remaining_seconds(),
        )
    except PublishError as error:
        if error.report.position is None:
            raise
        # It is in the log: those whom it has not reached recover it from there.
        log.warning(
            "publishing a message to topic %r stopped halfway",
            found.name,
            exc_info=True,
        )
    return {}


def presence(caller: Caller, _command_id: int, request: ReadPresence) -> Fields:
    """Return who is in a topic."""
    return {
        "presence": {
            each.connection_id: describe(each).fields()
            for each in _present(caller, request.channel)
        }
    }


def presence_stats(
    caller: Caller, _command_id: int, request: ReadPresenceStats
) -> Fields:
    """Return how many are in a topic."""
    present = _present(caller, request.channel)
    users = {each.user for each in present}
    return {"num_clients": len(present), "num_users": len(users)}


def read_history(caller: Caller, _command_id: int, request: ReadHistory) -> Fields:
    """Return a part of a topic's history, or only its position."""
    found = caller.find(request.channel)
    caller.require_subscription(found.name)
    if found.topic.history is None or caller.app.log is None:
        raise RefusalError(NOT_AVAILABLE)
    if request.limit < -1:
        raise RefusalError(BAD_REQUEST)
    caller.check_allowance()
    from wspubsub.pubsub.histories import read_page

    page = read_page(
        caller.app.log,
        found.name,
        request.since,
        request.limit,
        reverse=request.reverse,
        max_bytes=MAX_MESSAGE_BYTES - 1024,
    )
    if page is None:
        raise RefusalError(UNRECOVERABLE_POSITION)
    return page.fields()


def call_method(caller: Caller, _command_id: int, request: Rpc) -> Fields:
    """Call a method of the application."""
    method = caller.app.methods.get(request.method)
    if method is None:
        raise RefusalError(METHOD_NOT_FOUND)
    asked = RpcRequest(method=request.method, data=request.data, **caller.user_fields())
    result = call(method, asked)
    return {} if result is None else {"data": encode_json(result)}


def take_message(caller: Caller, _command_id: int, request: Send) -> Fields:
    """Process what a client sent without expecting a reply."""
    rule = caller.app.rules.get("send")
    if not callable(rule):
        # As Centrifugo does: there is no reply in which it could be refused.
        raise DisconnectError(SEND_NOT_AVAILABLE)
    call(rule, SendRequest(data=request.data, **caller.user_fields()))
    return {}


def answer_ping(_caller: Caller, _command_id: int, _request: Ping) -> Fields:
    """Answer."""
    return {}


def _check_publish(caller: Caller, found: Found) -> None:
    rule = found.topic.rule("publish")
    if rule is SUBSCRIBERS:
        caller.require_subscription(found.name)
    elif isinstance(rule, Access) and rule is not ANYONE:
        raise RefusalError(PERMISSION_DENIED)


def _make_data(caller: Caller, found: Found, request: Publish) -> object:
    rule = found.topic.rule("publish")
    if isinstance(rule, Access):
        return request.data
    asked = PublishRequest(
        topic=found.name,
        data=request.data,
        is_subscribed=caller.is_subscribed(found.name),
        **caller.user_fields(),
    )
    data = call(rule, asked, **found.variables)
    if isinstance(data, bool) and not isinstance(request.data, bool):
        # Whoever returns False means to refuse, and nobody means to publish it.
        raise UsageError(
            f"the publish rule of {found.topic.pattern.text!r} returned {data}; "
            "raise Forbidden to refuse, or return the data to publish"
        )
    return request.data if data is None else data


def _present(caller: Caller, channel: str) -> "tuple[Presence, ...]":
    found = caller.find(channel)
    caller.require_subscription(found.name)
    if not found.topic.presence:
        raise RefusalError(NOT_AVAILABLE)
    caller.check_allowance()
    return caller.app.members.presence(found.name)
