"""Executing a client's frame: its commands in order, and a reply to each."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from wspubsub.errors import WspubsubError
from wspubsub.messages import MAX_MESSAGE_BYTES
from wspubsub.pubsub.asking import (
    answer_ping,
    call_method,
    presence,
    presence_stats,
    publish,
    read_history,
    take_message,
)
from wspubsub.pubsub.caller import Caller, Fields
from wspubsub.pubsub.codes import (
    BAD_REQUEST,
    LIMIT_EXCEEDED,
    MALFORMED_FRAME,
)
from wspubsub.pubsub.commands import (
    Command,
    Connect,
    FrameError,
    Ping,
    Publish,
    ReadHistory,
    ReadPresence,
    ReadPresenceStats,
    Refresh,
    Rpc,
    Send,
    SubRefresh,
    Subscribe,
    Unknown,
    Unsubscribe,
    read_frame,
)
from wspubsub.pubsub.connecting import connect, refresh
from wspubsub.pubsub.entering import Entry
from wspubsub.pubsub.frames import make_error, make_reply
from wspubsub.pubsub.marks import MAX_THREADS
from wspubsub.pubsub.refusals import DisconnectError, RefusalError, catch, code_of
from wspubsub.pubsub.subscribing import (
    Prepared,
    conclude,
    prepare,
    sub_refresh,
    unsubscribe,
)
from wspubsub.sidebyside import run_each

log = logging.getLogger("wspubsub")


def execute_frame(caller: Caller) -> list[str]:
    """Execute what a client sent, and return the replies in order.

    Raises:
        DisconnectError: The client is to be disconnected, and gets no reply.
    """
    try:
        commands = read_frame(caller.event.body)
    except FrameError as error:
        log.info(
            "connection %s sent a malformed frame: %s", caller.connection_id, error
        )
        raise DisconnectError(MALFORMED_FRAME) from None
    if any(isinstance(each.request, Connect) for each in commands[1:]):
        raise DisconnectError(MALFORMED_FRAME)
    if not commands:
        return []
    if not isinstance(commands[0].request, Connect):
        try:
            _read_session(caller)
        except WspubsubError as error:
            return _fail_all(commands, error)
    try:
        replies = _execute(caller, commands)
    except DisconnectError:
        # Whoever is sent away leaves nothing behind, even if already gone.
        for entry in caller.begun:
            entry.undo_quietly()
        raise
    return _conclude(caller, commands, replies)


def _fail_all(commands: Sequence[Command], error: Exception) -> list[str]:
    code = code_of(error)
    return [make_error(each.id, code) for each in commands if each.id]


def _read_session(caller: Caller) -> None:
    state = caller.app.members.read_session(caller.connection_id)
    if state.session is None:
        raise DisconnectError(MALFORMED_FRAME)
    caller.set_session(state.session, state.subscriptions)


def _execute(caller: Caller, commands: Sequence[Command]) -> list[str]:
    replies: list[str] = []
    for is_subscribe, group in groupby(commands, _is_subscribe):
        if is_subscribe:
            caller.check_expiry()
            replies += _subscribe(caller, group)
            continue
        for command in group:
            # Whoever brings a new token may have slept for longer than the old one
            # lasted; what comes before it is not allowed any more.
            if not isinstance(command.request, Connect | Refresh):
                caller.check_expiry()
            reply, is_refused = _execute_command(caller, command)
            caller.allowance.count(reply)
            if command.id:
                replies.append(reply)
            if is_refused and isinstance(command.request, Connect):
                return replies
    return replies


def _is_subscribe(command: Command) -> bool:
    return isinstance(command.request, Subscribe)


def _subscribe(caller: Caller, commands: Iterable[Command]) -> list[str]:
    """Subscribe to all topics that are requested in a row, side by side."""
    prepared = [
        (each, catch(partial(prepare, caller, each.id, each.request)))
        for each in commands
        if isinstance(each.request, Subscribe)
    ]
    entries = [each.entry for _, each in prepared if isinstance(each, Prepared)]
    run_each(Entry.enter, entries, most=MAX_THREADS)
    return [
        make_error(command.id, code_of(each))
        if isinstance(each, Exception)
        else _reply(command, "subscribe", partial(conclude, caller, each))[0]
        for command, each in prepared
    ]


def _execute_command(caller: Caller, command: Command) -> tuple[str, bool]:
    kind, executor = _EXECUTORS[type(command.request)]
    execute = partial(executor, caller, command.id, command.request)
    return _reply(command, kind, execute)


def _reply(
    command: Command, kind: str, execute: Callable[[], Fields]
) -> tuple[str, bool]:
    """Return the reply to a command, and whether it is an error."""
    reply = catch(lambda: make_reply(command.id, kind, execute()))
    if isinstance(reply, DisconnectError):
        raise reply
    if isinstance(reply, Exception):
        return make_error(command.id, code_of(reply)), True
    if len(reply.encode()) > MAX_MESSAGE_BYTES:
        return make_error(command.id, LIMIT_EXCEEDED), True
    return reply, False


def _refuse(_caller: Caller, _command_id: int, _request: Unknown) -> Fields:
    # Not a disconnect: a newer SDK keeps its connection.
    raise RefusalError(BAD_REQUEST)


def _conclude(
    caller: Caller, commands: Sequence[Command], replies: list[str]
) -> list[str]:
    """Return the replies to a client that is still there, and none to another."""
    try:
        is_there = _is_there(caller)
    except WspubsubError as error:
        # What it had missed stays marked, since it is not released.
        caller.read_again.clear()
        return _fail_entries(commands, replies, error)
    if is_there:
        return replies
    caller.read_again.clear()
    return []


def _fail_entries(
    commands: Sequence[Command], replies: list[str], error: Exception
) -> list[str]:
    """Return replies in which nothing has been begun; other commands were executed."""
    code = code_of(error)
    answered = (each for each in commands if each.id)
    # A connect that was refused has the only reply.
    return [
        make_error(command.id, code)
        if isinstance(command.request, Connect | Subscribe)
        else reply
        for command, reply in zip(answered, replies, strict=False)
    ]


def _is_there(caller: Caller) -> bool:
    """Undo what a vanished client has begun; return whether it still exists."""
    if not caller.begun and not caller.has_connected:
        return True
    if caller.app.members.is_gone(caller.connection_id):
        for entry in caller.begun:
            entry.undo()
        if caller.has_connected:
            ended = caller.app.members.end_session(caller.connection_id)
            caller.app.broadcaster.tell_ended(ended)
        return False
    for entry in caller.begun:
        if entry.has_joined:
            info = entry.subscription.info
            caller.app.announce_join(entry.name, caller.session, info)
    return True


# What executes a command, and what its result is called in the reply.
_EXECUTORS: dict[type, tuple[str, Callable[[Caller, int, Any], Fields]]] = {
    Connect: ("connect", connect),
    Unsubscribe: ("unsubscribe", unsubscribe),
    Publish: ("publish", publish),
    ReadPresence: ("presence", presence),
    ReadPresenceStats: ("presence_stats", presence_stats),
    ReadHistory: ("history", read_history),
    Rpc: ("rpc", call_method),
    Send: ("send", take_message),
    Refresh: ("refresh", refresh),
    SubRefresh: ("sub_refresh", sub_refresh),
    Ping: ("ping", answer_ping),
    Unknown: ("", _refuse),
}
