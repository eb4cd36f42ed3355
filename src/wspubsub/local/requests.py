"""HTTP requests as they were received, and which of them are valid.

Whatever the RFCs forbid, or only tolerate, is refused here, so that nothing behind this
has to expect it: lines without a carriage return, folded headers, two lengths.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from wspubsub.gateway.ids import decode_segment

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/([0-9]\.[0-9])")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH = re.compile(r"[0-9]{1,20}")
_ONCE = frozenset({"host", "content-length", "transfer-encoding"})
_ABSOLUTE = re.compile(r"https?://([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.~%!$&'()*+,;=-]+)(?::[0-9]*)?")
_CONTINUE = "100-continue"


class BadRequestError(Exception):
    """The peer did not send a request that can be processed.

    Attributes:
        status: HTTP status of the answer to it.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Target(NamedTuple):
    """What a request is for (RFC 9112 §3.2).

    Attributes:
        path: Percent-encoded as sent, without the query.
        query: Query string without the question mark.
        host: Host that it names itself, in the absolute form; None otherwise.
    """

    path: str
    query: str
    host: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the target in a request line.

        Raises:
            BadRequestError: It has none of the forms that a server accepts.
        """
        if text == "*" or (text.startswith("/") and "#" not in text):
            path, _, query = text.partition("?")
            return cls(path, query)
        found = _ABSOLUTE.fullmatch(text)
        if found is None or not _AUTHORITY.fullmatch(found[1]):
            raise BadRequestError(
                400, f"{text[:80]!r} is not a request target; send /path?query"
            )
        return cls(found[2] or "/", found[3] or "", found[1])


@dataclass(slots=True, kw_only=True)
class HttpRequest:
    """A request, whose body is set once it has been read.

    Attributes:
        method: HTTP method.
        path: Path of the target, percent-encoded as sent, without the query.
        query: Query string without the question mark.
        headers: Names as sent, in order.
        body: At most as many bytes as were to be kept.
        is_cut: Whether the body was longer.
        version: HTTP version, such as `1.1`.
        first_headers: The first header of each name, in lower case.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    is_cut: bool = False
    version: str
    first_headers: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # The last that is set is the first that was sent.
        self.first_headers = {
            name.lower(): value for name, value in reversed(self.headers)
        }

    def header(self, name: str) -> str | None:
        """Return the first header of a name, in lower case, or None."""
        return self.first_headers.get(name)

    @property
    def last_segment(self) -> str:
        """The end of its path, decoded: for the Management API a connection ID."""
        return decode_segment(self.path.rpartition("/")[2])

    @property
    def is_chunked(self) -> bool:
        """Whether its body comes in chunks (RFC 9112 §7.1)."""
        return "transfer-encoding" in self.first_headers

    @property
    def length(self) -> int:
        """The length of its body, if that does not come in chunks."""
        return int(self.first_headers.get("content-length", "0"))

    @property
    def expects_continue(self) -> bool:
        """Whether the peer waits for 100 before it sends the body."""
        return self.version != "1.0" and "expect" in self.first_headers

    @property
    def is_last(self) -> bool:
        """Whether the peer sends no more after it (RFC 9112 §9.3)."""
        options = self.first_headers.get("connection", "").lower().split(",")
        return self.version == "1.0" or "close" in map(str.strip, options)

    @property
    def wants_websocket(self) -> bool:
        """Whether it asks to switch to WebSocket (RFC 6455 §4.2.1).

        HTTP/1.0 cannot (RFC 9110 §7.8).
        """
        upgrade = self.header("upgrade") or ""
        return (
            self.method == "GET"
            and self.version >= "1.1"
            and "websocket" in upgrade.lower()
        )


def read_head(head: bytes) -> HttpRequest:
    """Return a request whose body has not been read.

    Args:
        head: Its request line and headers, without the empty line at their end.

    Raises:
        BadRequestError: The RFCs do not allow such a head, or nobody supports it.
    """
    line, *lines = head.decode("latin-1").split("\r\n")
    found = _LINE.fullmatch(line)
    if found is None:
        raise _invalid("illegal request line; percent-encode what is not ASCII")
    method, text, version = found.groups()
    if not version.startswith("1."):  # RFC 9110 §15.6.6
        raise BadRequestError(505, f"HTTP/{version} is not supported; use HTTP/1.1")
    headers = tuple(map(_read_header, lines))
    target = Target.parse(text)
    request = HttpRequest(
        method=method,
        path=target.path,
        query=target.query,
        headers=headers if target.host is None else _name_host(headers, target.host),
        version=version,
    )
    _check_once(headers)
    _check_host(request)
    _check_framing(request)
    _check_expectation(request)
    return request


def _invalid(text: str) -> BadRequestError:
    return BadRequestError(400, f"the request is not valid HTTP/1.1: {text}")


def _read_header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    # No folded lines and no space before the colon (RFC 9112 §5.1 and §5.2).
    if not colon or not _TOKEN.fullmatch(name):
        raise _invalid(f"illegal header line {line[:80]!r}; send Name: value")
    value = value.strip(" \t")
    if _CONTROL.search(value):  # RFC 9110 §5.5
        raise BadRequestError(
            400,
            f"the header {name} contains a control character; remove or encode it",
        )
    return name, value


def _check_once(headers: tuple[tuple[str, str], ...]) -> None:
    names = [lower for name, _ in headers if (lower := name.lower()) in _ONCE]
    if len(names) != len(set(names)):
        raise _invalid(f"the same header twice: {', '.join(names)}; send each once")


def _check_host(request: HttpRequest) -> None:
    if request.version != "1.0" and request.header("host") is None:  # RFC 9112 §3.2
        raise _invalid("no Host header; send one")


def _check_framing(request: HttpRequest) -> None:
    length = request.header("content-length")
    if length is not None and not _LENGTH.fullmatch(length):
        raise _invalid(f"Content-Length is {length[:80]!r}; send a number of bytes")
    coding = request.header("transfer-encoding")
    if coding is None:
        return
    # RFC 9112 §6.1: the framing of either is faulty.
    if request.version == "1.0":
        raise BadRequestError(400, "HTTP/1.0 has no Transfer-Encoding; use HTTP/1.1")
    if length is not None:
        raise BadRequestError(
            400, "a request has Transfer-Encoding or Content-Length, not both"
        )
    if coding.lower() != "chunked":
        raise BadRequestError(
            501, f"Transfer-Encoding {coding[:80]!r} is not supported; use chunked"
        )


def _check_expectation(request: HttpRequest) -> None:
    # RFC 9110 §10.1.1: one in HTTP/1.0 is ignored.
    expected = request.header("expect")
    if (
        expected is not None
        and request.version != "1.0"
        and expected.lower() != _CONTINUE
    ):
        raise BadRequestError(
            417, f"cannot meet the expectation {expected!r}; only {_CONTINUE} is known"
        )


def _name_host(
    headers: tuple[tuple[str, str], ...], host: str
) -> tuple[tuple[str, str], ...]:
    # RFC 9112 §3.2.2: the absolute form replaces the received Host header.
    others = (each for each in headers if each[0].lower() != "host")
    return (("Host", host), *others)
