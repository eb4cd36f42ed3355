"""Replies and pushes are what Centrifugo's SDKs read."""

import json

import pytest
from hypothesis import given, settings, strategies as st

from wspubsub.pubsub import codes
from wspubsub.pubsub.frames import (
    SKIP_PUSH,
    ClientInfo,
    EncodedJson,
    Publication,
    encode_json,
    make_disconnect,
    make_error,
    make_publication,
    make_push,
    make_reply,
    make_unsubscribe,
    split_frames,
)

MESSAGE = EncodedJson('{"text":"hello"}')


def test_a_reply_bears_the_id_of_its_command() -> None:
    reply = make_reply(3, "subscribe", {"recoverable": True, "offset": 5})

    assert json.loads(reply) == {
        "id": 3,
        "subscribe": {"recoverable": True, "offset": 5},
    }


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (codes.PERMISSION_DENIED, {"code": 103, "message": "permission denied"}),
        (
            codes.INTERNAL,
            {"code": 100, "message": "internal server error", "temporary": True},
        ),
    ],
)
def test_an_error_says_whether_to_try_again(
    code: codes.Code, error: dict[str, object]
) -> None:
    assert json.loads(make_error(4, code)) == {"id": 4, "error": error}


def test_a_publication_has_its_data_as_json_and_its_offset() -> None:
    info = ClientInfo("anna", "c1=", {"name": "Anna"})

    push = make_publication("room:1", Publication(MESSAGE, 7, info))

    assert json.loads(push) == {
        "push": {
            "channel": "room:1",
            "pub": {
                "data": {"text": "hello"},
                "offset": 7,
                "info": {
                    "user": "anna",
                    "client": "c1=",
                    "conn_info": {"name": "Anna"},
                },
            },
        }
    }


def test_a_publication_without_history_has_no_offset() -> None:
    push = make_publication("news", Publication(MESSAGE))

    assert json.loads(push)["push"]["pub"] == {"data": {"text": "hello"}}


def test_a_push_about_the_connection_names_no_channel() -> None:
    assert json.loads(make_disconnect(codes.FORCED_DISCONNECT)) == {
        "push": {"disconnect": {"code": 3503, "reason": "force disconnect"}}
    }


def test_an_unsubscribe_push_has_its_code() -> None:
    push = make_unsubscribe("news", codes.INSUFFICIENT_STATE)

    assert json.loads(push) == {
        "push": {
            "channel": "news",
            "unsubscribe": {"code": 2500, "reason": "insufficient state"},
        }
    }


def test_the_skip_push_is_one_for_no_channel() -> None:
    assert json.loads(SKIP_PUSH) == {"push": {"channel": ""}}


def test_encoded_data_is_written_as_it_is() -> None:
    push = make_push("pub", {"data": EncodedJson('{"n":1.0}')}, "a")

    assert '"data":{"n":1.0}' in push


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {"deep": [float("-inf")]}]
)
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode_json(value)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=30)
@given(values)
def test_encoding_keeps_the_value_and_is_one_line_of_utf8(value: object) -> None:
    encoded = encode_json(value)

    assert json.loads(encoded) == value
    assert "\n" not in encoded.encode().decode()


@pytest.mark.parametrize(
    ("parts", "frames"),
    [
        ([], []),
        (["aaaa"], ["aaaa"]),
        (["aaaa", "bbbbb"], ["aaaa\nbbbbb"]),
        (["aaaa", "bbbbbb"], ["aaaa", "bbbbbb"]),
        (["aaaa", "bbbbbbbbbbbb", "c"], ["aaaa", "bbbbbbbbbbbb", "c"]),
        (["ää", "bbbbb"], ["ää\nbbbbb"]),
        (["äää", "bbbb"], ["äää", "bbbb"]),
        (["aaaa", "bbbbbb", "ccc"], ["aaaa", "bbbbbb\nccc"]),
    ],
)
def test_parts_share_a_frame_as_far_as_they_fit(
    parts: list[str], frames: list[str]
) -> None:
    assert list(split_frames(parts, max_bytes=10)) == frames
