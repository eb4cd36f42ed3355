"""What clients say about subscriptions: subscribe, unsubscribe, and new tokens."""

import math
from binascii import a2b_base64
from typing import TYPE_CHECKING, NamedTuple

from wspubsub.errors import MessageError, UsageError
from wspubsub.messages import decode_json
from wspubsub.pipeline import call
from wspubsub.pubsub.caller import Caller, Fields, Services
from wspubsub.pubsub.codes import (
    LIMIT_EXCEEDED,
    PERMISSION_DENIED,
    TOKEN_EXPIRED,
)
from wspubsub.pubsub.commands import SubRefresh, Subscribe, Unsubscribe
from wspubsub.pubsub.entering import Entry, Ticket
from wspubsub.pubsub.frames import encode_json
from wspubsub.pubsub.publications import REPLY_BYTES
from wspubsub.pubsub.refusals import RefusalError, TokenExpired
from wspubsub.pubsub.requests import SubscribeRequest
from wspubsub.pubsub.rules import ANYONE, Access, Found
from wspubsub.pubsub.users import Subscribed

if TYPE_CHECKING:
    from wspubsub.pubsub.recovery import Reader

REJECT_UNRECOVERED = 2
"""The bit of `flag` with which a client wants error 112 instead of a gap."""

_URL_SAFE = str.maketrans("-_", "+/")


class Prepared(NamedTuple):
    """A client that was accepted into a topic, and is not in it yet.

    Attributes:
        entry: Its way into the topic.
        fields: What the reply says besides the topic's history.
    """

    entry: Entry
    fields: Fields


def prepare(caller: Caller, command_id: int, request: Subscribe) -> Prepared:
    """Ask the rule about a client that wants to subscribe.

    Raises:
        Exception: The client is refused.
    """
    found = caller.find(request.channel)
    _check_count(caller, found.name)
    if any(each.name == found.name for each in caller.begun):
        caller.check_allowance()
    called_at = caller.app.now()
    granted = _ask(caller, found, request)
    fields = describe_expiry(granted.expires_at, called_at)
    info = caller.encode_info(caller.session.user, granted.info)
    if granted.data is not None:
        fields["data"] = encode_json(granted.data)
    reader = make_reader(caller.app, found, len(fields.get("data", "").encode()))
    since = request.since if request.recover else None
    wants_no_gap = bool(request.flag & REJECT_UNRECOVERED) and since is not None
    ticket = Ticket(
        session=caller.session,
        found=found,
        command=command_id,
        since=since,
        must_recover=wants_no_gap and found.topic.mode == "stream",
        called_at=called_at,
        until=granted.expires_at,
        info=info,
    )
    entry = Entry(caller.app, ticket, reader)
    caller.note(entry)
    return Prepared(entry, fields)


def conclude(caller: Caller, prepared: Prepared) -> Fields:
    """Return the result of a subscribe.

    Raises:
        Exception: The client has not got in.
    """
    entry, fields = prepared
    if entry.error is not None:
        caller.note_failure(entry)
        raise entry.error
    if entry.told is None:
        return fields
    caller.read_again[entry.name] = entry.told
    return {**fields, **entry.told.recovery.fields()}


def unsubscribe(caller: Caller, command_id: int, request: Unsubscribe) -> Fields:
    """Unsubscribe a client.

    It need not be subscribed as far as is known here: its `subscribe` may be handled
    at this very moment.
    """
    found = caller.find(request.channel)
    if found.name not in caller.subscriptions:
        # It is written nevertheless, see above.
        caller.check_allowance()
    left = caller.app.members.end_subscription(
        caller.connection_id, found.name, command=command_id
    )
    begun = caller.forget(found.name)
    # Nobody has been told yet of who comes and leaves in the same frame.
    if left is not None and not any(each.has_joined for each in begun):
        caller.app.announce_leave(found.name, left)
    return {}


def sub_refresh(caller: Caller, _command_id: int, request: SubRefresh) -> Fields:
    """Extend a subscription with a new token."""
    found = caller.find(request.channel or _channel_of(request.token))
    caller.require_subscription(found.name)
    caller.check_allowance()
    try:
        granted = _ask(caller, found, Subscribe(found.name, request.token))
        fields = describe_expiry(granted.expires_at, caller.app.now())
        info = caller.encode_info(caller.session.user, granted.info)
    except TokenExpired:
        # SDKs end a subscription whose refresh fails, unless they may try again.
        raise RefusalError(TOKEN_EXPIRED._replace(is_temporary=True)) from None
    caller.app.members.renew_subscription(
        caller.session, found.name, granted.expires_at, info=info
    )
    # What follows in the same frame is done by the new token.
    known = caller.subscriptions[found.name]
    caller.subscriptions[found.name] = known.__replace__(
        until=granted.expires_at, info=info
    )
    return fields


def make_reader(app: Services, found: Found, used_bytes: int = 0) -> "Reader | None":
    """Return what reads a topic's history, or None if subscribers learn nothing of it.

    Args:
        app: The application.
        found: The topic.
        used_bytes: What the reply has besides.

    Raises:
        RefusalError: The reply would be too large already.
    """
    if used_bytes > REPLY_BYTES:
        raise RefusalError(LIMIT_EXCEEDED)
    if found.topic.mode is None or app.log is None:
        return None
    from wspubsub.pubsub.recovery import Reader

    return Reader(app.log, found.name, found.topic.mode, REPLY_BYTES - used_bytes)


def describe_expiry(expires_at: float | None, now: float) -> Fields:
    """Return what a reply says about a token's end.

    Raises:
        TokenExpired: It is over.
    """
    if expires_at is None:
        return {}
    if expires_at <= now:
        raise TokenExpired("the token has expired")
    # Some SDKs take 0 for never.
    return {"expires": True, "ttl": math.ceil(expires_at - now)}


def _check_count(caller: Caller, name: str) -> None:
    topics = {*caller.subscriptions, name}
    if len(topics) > caller.app.limits.topics:
        raise RefusalError(LIMIT_EXCEEDED)


def _ask(caller: Caller, found: Found, request: Subscribe) -> Subscribed:
    rule = found.topic.rule("subscribe")
    if rule is ANYONE:
        return Subscribed()
    if isinstance(rule, Access):
        raise RefusalError(PERMISSION_DENIED)
    asked = SubscribeRequest(
        topic=found.name,
        token=request.token,
        data=request.data,
        **caller.user_fields(),
    )
    answer = call(rule, asked, **found.variables)
    if isinstance(answer, bool):
        # Whoever returns False means to refuse, and must not let everybody in.
        raise UsageError(
            f"the subscribe rule of {found.topic.pattern.text!r} returned "
            f"{answer}; raise Forbidden to refuse, or return None or data to allow"
        )
    return answer if isinstance(answer, Subscribed) else Subscribed(answer)


def _channel_of(token: str) -> str:
    """Return the channel that a token is for, unverified: the rule verifies it."""
    claims = token.split(".")[1:2]
    try:
        # RFC 7515 §2: base64url without padding; too much of it does no harm.
        encoded = "".join(claims).translate(_URL_SAFE) + "=="
        decoded = decode_json(a2b_base64(encoded).decode())
    except (ValueError, MessageError):
        return ""
    found = decoded.get("channel") if isinstance(decoded, dict) else None
    return found if isinstance(found, str) else ""
