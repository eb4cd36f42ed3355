"""What a client sends: one frame of Centrifugo's client protocol, read into commands.

`definitions/client.proto` of the repository centrifugal/protocol has the messages, and
Centrifugo's page "Client protocol" the framing: JSON objects separated by newlines, of
which each has an ID and one request. Fields that are not known are ignored, so that a
newer SDK keeps its connection.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from wspubsub.errors import MessageError
from wspubsub.messages import Json, decode_json, read_json

MAX_COMMANDS = 512
"""More than fit in the 32 KB that an SDK can send, and few enough to answer."""

MAX_OFFSET = 2**64 - 1
"""The largest offset that the protocol has."""

_MAX_ID = 2**32 - 1
_MAX_LIMIT = 2**31 - 1


class FrameError(MessageError):
    """A client sent a frame that does not follow the protocol."""


class Since(NamedTuple):
    """The position from which a client wants to read on; it may be nonsense.

    Attributes:
        epoch: As the client had it from a reply.
        offset: Offset of the last publication that it has seen.
    """

    epoch: str
    offset: int


class Connect(NamedTuple):
    """The first command of a connection."""

    token: str = ""
    data: object = None
    subs: "Mapping[str, Subscribe]" = MappingProxyType({})
    name: str = ""
    version: str = ""
    headers: Mapping[str, str] = MappingProxyType({})


class Subscribe(NamedTuple):
    """A client wants a channel's publications."""

    channel: str
    token: str = ""
    data: object = None
    recover: bool = False
    since: Since = Since("", 0)
    flag: int = 0


class Unsubscribe(NamedTuple):
    """A client no longer wants a channel's publications."""

    channel: str


class Publish(NamedTuple):
    """A client publishes to a channel."""

    channel: str
    data: object


class ReadPresence(NamedTuple):
    """A client asks who is in a channel."""

    channel: str


class ReadPresenceStats(NamedTuple):
    """A client asks how many are in a channel."""

    channel: str


class ReadHistory(NamedTuple):
    """A client reads a channel's history."""

    channel: str
    limit: int = 0
    since: Since | None = None
    reverse: bool = False


class Rpc(NamedTuple):
    """A client calls a method."""

    method: str
    data: object


class Send(NamedTuple):
    """A client sends something that needs no reply."""

    data: object


class Refresh(NamedTuple):
    """A client sends a new connection token."""

    token: str


class SubRefresh(NamedTuple):
    """A client sends a new subscription token."""

    channel: str
    token: str


class Ping(NamedTuple):
    """A client checks whether anybody answers."""


class Unknown(NamedTuple):
    """A command of a newer SDK, or one whose data cannot be sent on to others.

    That is a number that is too large, or JSON that is nested too deeply.
    """


Request = (
    Connect
    | Subscribe
    | Unsubscribe
    | Publish
    | ReadPresence
    | ReadPresenceStats
    | ReadHistory
    | Rpc
    | Send
    | Refresh
    | SubRefresh
    | Ping
    | Unknown
)


class Command(NamedTuple):
    """One command of a frame.

    Attributes:
        id: What its reply must bear; 0 where no reply is expected.
        request: What the client wants.
    """

    id: int
    request: Request


def read_frame(text: str) -> tuple[Command, ...]:
    """Return the commands of a frame, in order.

    Raises:
        FrameError: It is not JSON objects separated by newlines, has a field
            of the wrong type or more than 512 commands, or a command lacks its ID.
    """
    lines = text.strip().split("\n", MAX_COMMANDS)
    if len(lines) > MAX_COMMANDS:
        raise FrameError(f"a frame must have at most {MAX_COMMANDS} commands")
    return tuple(_read_command(line) for line in lines if line.strip())


def _read_command(line: str) -> Command:
    value, is_usable = _read_line(line)
    fields = _Fields(value)
    number = fields.number("id", _MAX_ID)
    if not is_usable:
        # One such message is not to end the client's connection for good.
        if number == 0:
            raise FrameError("a command cannot be sent on as it is, and has no id")
        return Command(number, Unknown())
    request = _read_request(fields)
    # Only what is sent without expecting a reply may go without an ID, and an empty
    # command is the pong of a client that was pinged.
    if number == 0 and not isinstance(request, Send | Ping):
        raise FrameError("a command must have an id above 0")
    return Command(number, request)


def _read_line(line: str) -> tuple[object, bool]:
    """Return a command's JSON, and whether all in it can be sent on to others."""
    try:
        # Half an emoji is what remains where an app has cut a text in the middle.
        return decode_json(line, allow_half_pairs=True), True
    except MessageError:
        pass
    try:
        return read_json(line), False
    except MessageError as error:
        raise FrameError(str(error)) from None


def _read_request(fields: "_Fields") -> Request:
    for name, read in _READERS.items():
        if fields.has(name):
            return read(fields.object(name))
    return Unknown() if fields.number("id", _MAX_ID) else Ping()


class _Fields:
    """The members of a JSON object, read strictly; null is the same as absent."""

    __slots__ = ("_members",)

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise FrameError(f"expected an object, not {type(value).__name__}")
        self._members = value

    def has(self, name: str) -> bool:
        return self._members.get(name) is not None

    def value(self, name: str) -> Json:
        return self._members.get(name)

    def object(self, name: str) -> "_Fields":
        return _Fields(self._read(name, dict, {}))

    def text(self, name: str) -> str:
        return str(self._read(name, str, ""))

    def flag(self, name: str) -> bool:
        return bool(self._read(name, bool, default=False))

    def number(self, name: str, most: int, least: int = 0) -> int:
        number = self._read(name, int, 0)
        if isinstance(number, bool) or not least <= number <= most:
            raise FrameError(f"{name} must be a whole number from {least} to {most}")
        return int(number)

    def texts(self, name: str) -> dict[str, str]:
        members = self._read(name, dict, {})
        if not all(isinstance(value, str) for value in members.values()):
            raise FrameError(f"{name} must have text values")
        return dict(members)

    def objects(self, name: str) -> "dict[str, _Fields]":
        members = self._read(name, dict, {})
        return {key: _Fields(value) for key, value in members.items()}

    def _read(self, name: str, kind: type, default: Json) -> Json:
        value = self._members.get(name)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise FrameError(f"{name} must be {kind.__name__}")
        return value


def _read_connect(fields: _Fields) -> Connect:
    subs = {
        channel: _read_subscribe(each)._replace(channel=channel)
        for channel, each in fields.objects("subs").items()
    }
    return Connect(
        fields.text("token"),
        fields.value("data"),
        subs,
        fields.text("name"),
        fields.text("version"),
        fields.texts("headers"),
    )


def _read_subscribe(fields: _Fields) -> Subscribe:
    return Subscribe(
        fields.text("channel"),
        fields.text("token"),
        fields.value("data"),
        fields.flag("recover"),
        _read_since(fields),
        fields.number("flag", MAX_OFFSET),
    )


def _read_since(fields: _Fields) -> Since:
    return Since(fields.text("epoch"), fields.number("offset", MAX_OFFSET))


def _read_history(fields: _Fields) -> ReadHistory:
    return ReadHistory(
        fields.text("channel"),
        fields.number("limit", _MAX_LIMIT, least=-_MAX_LIMIT),
        _read_since(fields.object("since")) if fields.has("since") else None,
        fields.flag("reverse"),
    )


# In the order of the protocol's fields: of several requests the first one counts.
_READERS: dict[str, Callable[[_Fields], Request]] = {
    "connect": _read_connect,
    "subscribe": _read_subscribe,
    "unsubscribe": lambda fields: Unsubscribe(fields.text("channel")),
    "publish": lambda fields: Publish(fields.text("channel"), fields.value("data")),
    "presence": lambda fields: ReadPresence(fields.text("channel")),
    "presence_stats": lambda fields: ReadPresenceStats(fields.text("channel")),
    "history": _read_history,
    "ping": lambda _: Ping(),
    "send": lambda fields: Send(fields.value("data")),
    "rpc": lambda fields: Rpc(fields.text("method"), fields.value("data")),
    "refresh": lambda fields: Refresh(fields.text("token")),
    "sub_refresh": lambda fields: SubRefresh(
        fields.text("channel"), fields.text("token")
    ),
}
