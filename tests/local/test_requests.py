"""Heads of requests: what the RFCs allow, and what they do not."""

import pytest

from wspubsub.local.requests import BadRequestError, HttpRequest, read_head

HOST = ("Host", "h")


def head(
    target: str = "/", *headers: tuple[str, str], method: str = "GET", version: str = ""
) -> HttpRequest:
    lines = [f"{method} {target} HTTP/{version or '1.1'}"]
    lines += [f"{name}: {value}" for name, value in (HOST, *headers)]
    return read_head("\r\n".join(lines).encode("latin-1"))


@pytest.mark.parametrize("code", [*range(1, 9), *range(14, 32), 127])
def test_a_control_character_in_a_header_is_a_bad_request(code: int) -> None:
    with pytest.raises(BadRequestError, match="header X-Name contains a control"):
        head("/", ("X-Name", f"a{chr(code)}b"))


@pytest.mark.parametrize("value", ["a\tb", "", "\xe9", "\x80", '"}{\\'])
def test_any_other_value_is_not(value: str) -> None:
    request = head("/", ("X-Name", value))

    assert request.header("x-name") == value


@pytest.mark.parametrize(
    ("target", "path", "query", "host"),
    [
        ("/dev?a=b?c", "/dev", "a=b?c", "h"),
        ("*", "*", "", "h"),
        ("http://other:80/dev?a", "/dev", "a", "other:80"),
        ("HTTPS://[::1]:80?a", "/", "a", "[::1]:80"),
        ("http://other", "/", "", "other"),
    ],
)
def test_a_target_has_a_path_a_query_and_maybe_a_host(
    target: str, path: str, query: str, host: str
) -> None:
    request = head(target)

    assert (request.path, request.query) == (path, query)
    assert [each for each in request.headers if each[0] == "Host"] == [("Host", host)]


@pytest.mark.parametrize(
    "target",
    ["", "dev", "ws://h/dev", "http://", "http://a@h/", "http:///x", "h:80", "/a#b"],
)
def test_any_other_target_is_a_bad_request(target: str) -> None:
    with pytest.raises(BadRequestError, match="not a request target") as caught:
        head(target or "?")

    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("version", "header", "status"),
    [
        ("2.0", ("A", "b"), 505),
        ("0.9", ("A", "b"), 505),
        ("1.0", ("Transfer-Encoding", "chunked"), 400),
        ("1.1", ("Expect", "a miracle"), 417),
    ],
)
def test_what_the_version_does_not_have_is_refused(
    version: str, header: tuple[str, str], status: int
) -> None:
    with pytest.raises(BadRequestError) as caught:
        head("/", header, version=version)

    assert caught.value.status == status


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_only_http_1_1_and_later_can_be_upgraded(version: str) -> None:
    request = head("/", ("Upgrade", "WebSocket"), version=version)

    assert request.wants_websocket is (version != "1.0")


def test_an_expectation_in_http_1_0_is_ignored() -> None:
    assert head("/", ("Expect", "a miracle"), version="1.0").version == "1.0"


def test_the_length_of_a_body_is_given_once() -> None:
    chunked, length = ("Transfer-Encoding", "chunked"), ("Content-Length", "5")

    assert head("/", chunked, method="POST").header("content-length") is None
    with pytest.raises(BadRequestError, match="not both"):
        head("/", chunked, length, method="POST")


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "GET /",
        "GET  / HTTP/1.1\r\nHost: h",
        "GET /\xe9 HTTP/1.1\r\nHost: h",
        "G(T / HTTP/1.1\r\nHost: h",
        "GET / HTTP/1.1 \r\nHost: h",
        "GET / http/1.1\r\nHost: h",
        "GET / HTTP/1.1\nHost: h",
        "GET / HTTP/1.1",
        "GET / HTTP/1.1\r\nHost: h\r\nHost: h",
        "GET / HTTP/1.1\r\nHost: h\r\nName",
        "GET / HTTP/1.1\r\nHost: h\r\nName : value",
        "GET / HTTP/1.1\r\nHost: h\r\nName: value\r\n folded",
        "GET / HTTP/1.1\r\nHost: h\r\n: value",
        "GET / HTTP/1.1\r\nHost: h\r\nName: a\nb: c",
        "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: +1",
        "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: \xb2",
        "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1",
        "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1",
    ],
)
def test_what_can_be_read_in_two_ways_is_not_read(sent: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        read_head(sent.encode("latin-1"))

    assert caught.value.status == 400


@pytest.mark.parametrize("coding", ["gzip", "chunked, chunked", "identity", ""])
def test_no_other_coding_than_chunked_is_supported(coding: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        head("/", ("Transfer-Encoding", coding), method="POST")

    assert caught.value.status == 501
