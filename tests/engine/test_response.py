"""Reading HTTP responses strictly."""

import time
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from tests.support.servers.misbehaving import ANSWERS, DELIVERING
from wspubsub.engine.body import MAX_BODY_BYTES, MAX_LINE_BYTES, ResponseError
from wspubsub.engine.response import (
    MAX_HEAD_BYTES,
    HttpResponse,
    PlainSuccess,
    ResponseReader,
)

OK_HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def read(data: bytes) -> HttpResponse:
    reader = ResponseReader(PlainSuccess())
    return reader.feed(data) or reader.finish()


@pytest.mark.parametrize("name", sorted(DELIVERING | {"410", "413", "500"}))
@given(cut=st.integers(0, 200))
def test_where_the_bytes_are_cut_makes_no_difference(name: str, cut: int) -> None:
    data, _ = ANSWERS[name]
    whole = read(data)
    reader = ResponseReader(PlainSuccess())

    first = reader.feed(data[:cut])
    pieces = first or reader.feed(data[cut:]) or reader.finish()

    assert pieces.status == whole.status
    assert pieces.body == whole.body
    assert pieces.keeps_alive == whole.keeps_alive


@pytest.mark.parametrize(
    ("data", "keeps_alive"),
    [
        (OK_HEAD + b"Content-Length: 0\r\n\r\n", True),
        (OK_HEAD + b"content-length: 0\r\nconnection: keep-alive\r\n\r\n", True),
        (OK_HEAD + b"Content-Length: 0\r\nConnection: close\r\n\r\n", False),
        (OK_HEAD + b"Content-Length:0\r\nConnection:close\r\n\r\n", False),
        (OK_HEAD + b"Connection: x, close\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", True),
        (OK_HEAD + b"\r\nuntil the end", False),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", True),
    ],
)
def test_it_says_whether_the_connection_can_be_used_again(
    data: bytes,
    keeps_alive: bool,
) -> None:
    assert read(data).keeps_alive is keeps_alive


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    assert read(OK_HEAD + b"\r\nuntil the end").body == b"until the end"


def test_header_names_come_in_lower_case() -> None:
    response = read(OK_HEAD + b"X-Amzn-ErrorType:  Gone \r\nContent-Length: 0\r\n\r\n")

    assert response.headers["x-amzn-errortype"] == "Gone"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1-200 OK\r\n\r\n",
        OK_HEAD + b"no colon\r\n\r\n",
        OK_HEAD + b"Name : x\r\n\r\n",
        OK_HEAD + b": x\r\n\r\n",
        OK_HEAD + b"A: x\nB: y\r\n\r\n",
        OK_HEAD + b"Content-Length: -1\r\n\r\n",
        OK_HEAD + b"Content-Length: 1, 1\r\n\r\n",
        OK_HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        OK_HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1),
        OK_HEAD + b"Content-Length: " + b"1" * 5000 + b"\r\n\r\n",
        OK_HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK_HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
        OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n123456789\r\n",
        OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore",
        OK_HEAD + b"Content-Length: 0\r\n\r\nmore",
        b"x" * (MAX_HEAD_BYTES + 1),
        OK_HEAD + b"\r\n" + b"x" * (MAX_BODY_BYTES + 1),
        CHUNKED + b"2000000\r\n" + b"x" * MAX_BODY_BYTES + b"\r\n1\r\n",
        CHUNKED + b"1" * (MAX_LINE_BYTES + 1),
        CHUNKED + b"0\r\n" + b"x" * (MAX_LINE_BYTES + 1),
    ],
    ids=range(26),
)
def test_what_is_no_response_is_an_error(data: bytes) -> None:
    with pytest.raises(ResponseError):
        ResponseReader(PlainSuccess()).feed(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200",
        OK_HEAD + b"Content-Length: 5\r\n\r\nabc",
        OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
        OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_a_response_that_is_cut_off_is_an_error(data: bytes) -> None:
    reader = ResponseReader(PlainSuccess())

    assert reader.feed(data) is None
    with pytest.raises(ResponseError, match="closed before"):
        reader.finish()


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_response_or_an_error(data: bytes) -> None:
    reader = ResponseReader(PlainSuccess())
    try:
        response = reader.feed(OK_HEAD + data) or reader.finish()
    except ResponseError:
        return
    assert response.status == 200


def test_one_response_after_another_is_read() -> None:
    reader = ResponseReader(PlainSuccess())

    for body in (b"one", b"two"):
        response = reader.feed(OK_HEAD + b"Content-Length: 3\r\n\r\n" + body)
        assert response is not None
        assert response.body == body
        assert not reader.has_begun


@pytest.mark.parametrize(
    "data",
    [
        OK_HEAD + b"Content-Length: %d\r\n\r\n" % MAX_BODY_BYTES,
        CHUNKED + b"%x\r\n" % MAX_BODY_BYTES,
        OK_HEAD + b"\r\n",
        b"x" * MAX_HEAD_BYTES,
        CHUNKED + b"0" * MAX_LINE_BYTES,
        CHUNKED + b"1\r\nx\r",
    ],
    ids=range(6),
)
def test_what_may_still_become_a_response_is_waited_for(data: bytes) -> None:
    reader = ResponseReader(PlainSuccess())

    assert reader.feed(data) is None
    assert reader.has_begun


def test_a_body_may_be_as_large_as_allowed() -> None:
    body = b"x" * MAX_BODY_BYTES

    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)

    assert (
        read(OK_HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)).body == body
    )
    assert read(CHUNKED + chunks).body == body
    assert read(OK_HEAD + b"\r\n" + body).body == body


def test_chunks_may_come_byte_by_byte() -> None:
    data = CHUNKED + b"3;a=b\r\none\r\n 2 \r\ntw\r\n0\r\nA: 1\r\nB: 2\r\n\r\n"
    reader = ResponseReader(PlainSuccess())

    *before, last = [reader.feed(data[at : at + 1]) for at in range(len(data))]

    assert before == [None] * len(before)
    assert last is not None
    assert last.body == b"onetw"


@pytest.mark.parametrize(
    "head", [b"Content-Length: 16000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"]
)
def test_a_large_body_in_small_pieces_is_looked_at_once(head: bytes) -> None:
    reader = ResponseReader(PlainSuccess())
    reader.feed(OK_HEAD + head)
    if b"chunked" in head:
        reader.feed(b"%x\r\n" % 16_000_000)
    started = time.process_time()

    found = [reader.feed(b"x" * 16_000) for _ in range(1000)]

    # Looked at from the start for each piece, it was more than six seconds.
    assert time.process_time() - started < 2
    response = found[-1] or reader.feed(b"\r\n0\r\n\r\n")
    assert response is not None
    assert len(response.body) == 16_000_000


@pytest.mark.parametrize(
    "answer",
    [
        b"Content-Length: 1000000\r\n\r\n%b",
        b"Transfer-Encoding: chunked\r\n\r\nf4240\r\n%b\r\n0\r\n\r\n",
    ],
    ids=["with a length", "in chunks"],
)
def test_an_answer_that_has_been_read_is_not_kept(answer: bytes) -> None:
    readers = [ResponseReader(PlainSuccess()) for _ in range(20)]
    data = OK_HEAD + answer % (b"x" * 1_000_000)
    tracemalloc.start()

    assert all(reader.feed(bytes(data)) is not None for reader in readers)

    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 2_000_000


@pytest.mark.parametrize(
    ("headers", "is_same"),
    [
        (b"Date: tomorrow\r\nContent-Length: 0\r\n", True),
        (b"Date: \r\nContent-Length: 0\r\n", True),
        (b"date: today\r\nContent-Length: 0\r\n", False),
        (b"Date: today\r\nContent-Length: 00\r\n", False),
        (b"Date: today\r\nX-Amzn-ErrorType: x\r\nContent-Length: 0\r\n", False),
        (b"Date: today\r\nContent-Length: 0\r\nConnection: close\r\n", False),
        (b"Content-Length: 0\r\nDate: today\r\n", False),
    ],
)
def test_a_learned_answer_is_recognized_by_its_headers(
    headers: bytes, is_same: bool
) -> None:
    known = PlainSuccess()
    known.learn(OK_HEAD + b"Date: today\r\nContent-Length: 0")

    assert known.is_repeated_by(OK_HEAD + headers + b"\r\n") is is_same


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_what_was_answered_before_makes_no_difference(name: str) -> None:
    def outcome(known: PlainSuccess) -> tuple[object, ...]:
        reader = ResponseReader(known)
        try:
            response = reader.feed(ANSWERS[name][0]) or reader.finish()
        except ResponseError:
            return ("refused",)
        return response.status, response.body, response.keeps_alive

    known = PlainSuccess()
    first = outcome(known)

    assert outcome(known) == first
    for other, _ in ANSWERS.values():
        with suppress(ResponseError):
            ResponseReader(known).feed(other)
        assert outcome(known) == first
