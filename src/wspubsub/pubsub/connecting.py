"""Who a client is: `connect`, and `refresh` with a new token."""

import logging

from wspubsub.errors import UsageError
from wspubsub.events import connection_of
from wspubsub.pipeline import call
from wspubsub.pubsub.caller import Caller, Fields
from wspubsub.pubsub.codes import (
    CONNECTION_EXPIRED,
    INVALID_TOKEN,
    LIMIT_EXCEEDED,
    MALFORMED_FRAME,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
)
from wspubsub.pubsub.commands import Connect, Refresh
from wspubsub.pubsub.entering import Entry, Ticket
from wspubsub.pubsub.frames import encode_json
from wspubsub.pubsub.handshakes import kept_fields
from wspubsub.pubsub.marks import MAX_THREADS
from wspubsub.pubsub.publications import REPLY_BYTES
from wspubsub.pubsub.refusals import (
    DisconnectError,
    RefusalError,
    TokenExpired,
    code_of,
)
from wspubsub.pubsub.requests import ConnectRequest
from wspubsub.pubsub.rules import ANYONE, Access
from wspubsub.pubsub.subscribing import (
    describe_expiry,
    make_reader,
)
from wspubsub.pubsub.users import User
from wspubsub.sidebyside import run_each
from wspubsub.subscriptions.sessions import Session

log = logging.getLogger("wspubsub")


def connect(caller: Caller, command_id: int, request: Connect) -> Fields:
    """Begin a session, with the subscriptions that the server chose."""
    state = None
    connection = connection_of(caller.event)
    if caller.app.keeps_handshakes:
        state = caller.app.members.read_session(caller.connection_id)
        connection = state.connection or connection
    user = _ask(
        caller,
        ConnectRequest(
            connection_id=caller.connection_id,
            event=caller.event,
            token=request.token,
            data=request.data,
            name=request.name,
            version=request.version,
            **kept_fields(connection.attributes),
        ),
    )
    fields: Fields = {"client": caller.connection_id}
    fields.update(describe_expiry(user.expires_at, caller.app.now()))
    if user.data is not None:
        fields["data"] = encode_json(user.data)
    session = Session(
        connection=connection,
        user=user.id,
        info=caller.encode_info(user.id, user.info),
        expires_at=user.expires_at,
    )
    entries = _prepare(caller, session, user, request, command_id)
    if not caller.app.members.begin_session(session):
        # A second `connect`, or the client has left already.
        raise DisconnectError(MALFORMED_FRAME)
    caller.set_session(session)
    caller.has_connected = True
    for entry in entries:
        caller.note(entry)
    run_each(Entry.enter, entries, most=MAX_THREADS)
    subs = _describe_all(caller, entries, len(fields.get("data", "").encode()))
    return {**fields, "subs": subs} if subs else fields


def refresh(caller: Caller, _command_id: int, request: Refresh) -> Fields:
    """Extend a session with a new token."""
    if caller.has_refreshed:
        # Each writes to every topic of the connection; SDKs send one in hours.
        raise RefusalError(TOO_MANY_REQUESTS)
    caller.has_refreshed = True
    session = caller.session
    asked = ConnectRequest(
        connection_id=caller.connection_id,
        event=caller.event,
        token=request.token,
        refreshes=session.user,
        **kept_fields(session.connection.attributes),
    )
    try:
        user = _ask(caller, asked)
        fields = describe_expiry(user.expires_at, caller.app.now())
        info = caller.encode_info(user.id, user.info)
    except Exception as error:
        raise _refusal_to_refresh(error) from error
    if user.id != session.user:
        raise DisconnectError(INVALID_TOKEN)
    session = session.__replace__(expires_at=user.expires_at, info=info)
    caller.app.members.renew_session(session)
    caller.set_session(session, caller.subscriptions)
    return {"client": caller.connection_id, **fields}


def _refusal_to_refresh(error: Exception) -> Exception:
    code = code_of(error)
    if isinstance(error, TokenExpired):
        # SDKs would take error 109 for the end of the connection.
        return DisconnectError(CONNECTION_EXPIRED)
    return (
        DisconnectError(INVALID_TOKEN) if code == UNAUTHORIZED else RefusalError(code)
    )


def _ask(caller: Caller, request: ConnectRequest) -> User:
    rule = caller.app.rules.get("connect")
    if rule is ANYONE:
        return User("")
    if rule is None or isinstance(rule, Access):
        log.warning(
            "nobody can connect, because there is no connect rule; add one with "
            "@pubsub.connect"
        )
        raise RefusalError(UNAUTHORIZED)
    user = call(rule, request)
    if not isinstance(user, User):
        raise UsageError(
            f"the connect rule returned {type(user).__name__}; return User(…) to "
            "accept the client, or raise Unauthorized to refuse it"
        )
    return user


def _prepare(
    caller: Caller, session: Session, user: User, request: Connect, command_id: int
) -> list[Entry]:
    limit = caller.app.limits.topics
    if len(user.subscribe) > limit:
        log.warning("user %r has more topics than Limits(topics=%d)", user.id, limit)
        raise RefusalError(LIMIT_EXCEEDED)
    entries = []
    for name in user.subscribe:
        found = caller.app.topics.require(name)
        known = request.subs.get(name)
        ticket = Ticket(
            session=session,
            found=found,
            command=command_id,
            since=known.since if known is not None and known.recover else None,
            is_server_side=True,
        )
        reader = make_reader(caller.app, found)
        entries.append(Entry(caller.app, ticket, reader))
    return entries


def _describe_all(caller: Caller, entries: list[Entry], used_bytes: int) -> Fields:
    """Return what a connect reply says about the topics that the server chose."""
    subs: Fields = {}
    for entry in entries:
        if entry.error is not None:
            raise entry.error
        if entry.told is None:
            subs[entry.name] = {}
            continue
        caller.read_again[entry.name] = entry.told
        recovery = entry.told.recovery
        text = encode_json(recovery.fields())
        size = len(text.encode())
        if used_bytes + size > REPLY_BYTES:
            # What does not fit with all the others is not recovered.
            text = encode_json(recovery.give_up().fields())
        else:
            used_bytes += size
        subs[entry.name] = text
    return subs
