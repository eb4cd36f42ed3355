"""Frames of clients are read into commands, or refused as a whole."""

import json

import pytest
from hypothesis import given, settings, strategies as st

from wspubsub.pubsub.commands import (
    MAX_COMMANDS,
    Command,
    Connect,
    FrameError,
    Ping,
    Publish,
    ReadHistory,
    ReadPresence,
    ReadPresenceStats,
    Refresh,
    Request,
    Rpc,
    Send,
    Since,
    SubRefresh,
    Subscribe,
    Unknown,
    Unsubscribe,
    read_frame,
)


def test_commands_are_separated_by_newlines() -> None:
    frame = '{"id":1,"ping":{}}\n\n{"id":2,"presence":{"channel":"news"}}\n'

    commands = read_frame(frame)

    assert commands == (Command(1, Ping()), Command(2, ReadPresence("news")))


@pytest.mark.parametrize(
    ("fields", "request_"),
    [
        (
            {"connect": {"token": "t", "data": {"a": 1}, "name": "js"}},
            Connect("t", {"a": 1}, name="js"),
        ),
        ({"connect": {}}, Connect()),
        (
            {"connect": {"headers": {"a": "b"}}},
            Connect(headers={"a": "b"}),
        ),
        (
            {"connect": {"subs": {"news": {"recover": True, "offset": 3}}}},
            Connect(subs={"news": Subscribe("news", recover=True, since=Since("", 3))}),
        ),
        (
            {"subscribe": {"channel": "news", "token": "t", "data": 1, "flag": 3}},
            Subscribe("news", "t", 1, flag=3),
        ),
        (
            {"subscribe": {"channel": "a", "recover": True, "epoch": "e", "offset": 9}},
            Subscribe("a", recover=True, since=Since("e", 9)),
        ),
        ({"unsubscribe": {"channel": "news"}}, Unsubscribe("news")),
        ({"publish": {"channel": "a", "data": [1]}}, Publish("a", [1])),
        ({"presence": {"channel": "a"}}, ReadPresence("a")),
        ({"presence_stats": {"channel": "a"}}, ReadPresenceStats("a")),
        ({"history": {"channel": "a"}}, ReadHistory("a")),
        (
            {"history": {"channel": "a", "limit": -1, "since": {}, "reverse": True}},
            ReadHistory("a", -1, Since("", 0), reverse=True),
        ),
        ({"rpc": {"method": "vote", "data": "x"}}, Rpc("vote", "x")),
        ({"send": {"data": 5}}, Send(5)),
        ({"refresh": {"token": "t"}}, Refresh("t")),
        ({"sub_refresh": {"channel": "a", "token": "t"}}, SubRefresh("a", "t")),
        ({"ping": {}}, Ping()),
        ({"teleport": {}}, Unknown()),
        ({}, Unknown()),
        ({"rpc": {"method": "first"}, "publish": None}, Rpc("first", None)),
        ({"publish": {"channel": "a", "new": {"x": 1}}}, Publish("a", None)),
    ],
)
def test_each_request_is_read_with_its_fields(
    fields: dict[str, object], request_: Request
) -> None:
    assert read_frame(json.dumps({"id": 7, **fields})) == (Command(7, request_),)


def test_of_several_requests_in_a_command_the_first_of_the_protocol_counts() -> None:
    frame = '{"id":1,"rpc":{"method":"m"},"subscribe":{"channel":"a"}}'

    (command,) = read_frame(frame)

    assert isinstance(command.request, Subscribe)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [("{}", Command(0, Ping())), ('{"send":{"data":1}}', Command(0, Send(1)))],
)
def test_what_expects_no_reply_needs_no_id(frame: str, expected: Command) -> None:
    assert read_frame(frame) == (expected,)


@pytest.mark.parametrize(
    "frame",
    [
        "not JSON",
        '{"id":1,"ping":{}',
        '{"id":1,"ping":{}} {"id":2,"ping":{}}',
        "[]",
        "1",
        "null",
        '{"connect":{}}',
        '{"id":0,"subscribe":{"channel":"a"}}',
        '{"id":-1,"ping":{}}',
        '{"id":4294967296,"ping":{}}',
        '{"id":true,"ping":{}}',
        '{"id":"1","ping":{}}',
        '{"id":1.5,"ping":{}}',
        '{"id":1,"ping":[]}',
        '{"id":1,"subscribe":"news"}',
        '{"id":1,"subscribe":{"channel":5}}',
        '{"id":1,"subscribe":{"channel":"a","recover":1}}',
        '{"id":1,"subscribe":{"channel":"a","offset":-1}}',
        '{"id":1,"subscribe":{"channel":"a","offset":18446744073709551616}}',
        '{"id":1,"subscribe":{"channel":"a","epoch":1}}',
        '{"id":1,"history":{"channel":"a","limit":2147483648}}',
        '{"id":1,"history":{"channel":"a","limit":-2147483648}}',
        '{"id":1,"history":{"channel":"a","since":[]}}',
        '{"id":1,"connect":{"headers":{"a":1}}}',
        '{"id":1,"connect":{"subs":{"a":1}}}',
        '{"id":1,"connect":{"subs":[]}}',
        '{"id":1,"publish":{"channel":"a","data":NaN}}',
        "[" * 100_000,
    ],
)
def test_a_malformed_frame_is_refused_as_a_whole(frame: str) -> None:
    with pytest.raises(FrameError):
        read_frame(f'{{"id":9,"ping":{{}}}}\n{frame}')


@pytest.mark.parametrize("number", [1, 4_294_967_295])
def test_an_id_has_32_bits(number: int) -> None:
    assert read_frame(f'{{"id":{number},"ping":{{}}}}') == (Command(number, Ping()),)


@pytest.mark.parametrize("offset", [0, 18_446_744_073_709_551_615])
def test_an_offset_has_64_bits(offset: int) -> None:
    frame = f'{{"id":1,"subscribe":{{"channel":"a","offset":{offset}}}}}'

    (command,) = read_frame(frame)

    assert isinstance(command.request, Subscribe)
    assert command.request.since == Since("", offset)


@pytest.mark.parametrize("limit", [-2_147_483_647, 2_147_483_647])
def test_a_limit_has_32_bits(limit: int) -> None:
    frame = f'{{"id":1,"history":{{"channel":"a","limit":{limit}}}}}'

    (command,) = read_frame(frame)

    assert isinstance(command.request, ReadHistory)
    assert command.request.limit == limit


def test_a_frame_has_a_bounded_number_of_commands() -> None:
    line = '{"id":1,"ping":{}}'

    assert len(read_frame("\n".join([line] * MAX_COMMANDS))) == MAX_COMMANDS
    with pytest.raises(FrameError, match="512"):
        read_frame("\n".join([line] * (MAX_COMMANDS + 1)))


@settings(max_examples=30)
@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_whatever_is_sent_is_read_or_refused(text: str) -> None:
    try:
        commands = read_frame(text)
    except FrameError:
        return

    assert all(isinstance(command, Command) for command in commands)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
names = st.sampled_from(
    ["connect", "subscribe", "history", "publish", "rpc", "send", "refresh", "subs"]
)


@settings(max_examples=30)
@given(st.dictionaries(names | st.just("id"), json_values))
def test_well_formed_json_is_read_or_refused(fields: dict[str, object]) -> None:
    try:
        commands = read_frame(json.dumps(fields))
    except FrameError:
        return

    assert len(commands) == 1
