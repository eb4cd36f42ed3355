"""HTTP requests as they were received, and which of them are valid.

h11 parses leniently. What it accepts although the RFCs forbid it is refused here, so
that nothing behind this has to expect it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Self

import h11

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request with its body.

    Attributes:
        method: HTTP method.
        path: Path of the target, percent-encoded as sent, without the query.
        query: Query string without the question mark.
        headers: Names as sent, in order.
        body: At most as many bytes as were to be kept.
        is_cut: Whether the body was longer.
        version: HTTP version, such as `1.1`.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    is_cut: bool = False
    version: str

    def header(self, name: str) -> str | None:
        """Return the first header of a name, or None."""
        return _find_header(self.headers, name)

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


def read_head(head: h11.Request) -> HttpRequest:
    """Return a request whose body has not been read.

    Raises:
        BadRequestError: The RFCs do not allow such a head, or nobody supports it.
    """
    version = head.http_version.decode("ascii")
    if not version.startswith("1."):  # RFC 9110 §15.6.6
        raise BadRequestError(505, f"HTTP/{version} is not supported; use HTTP/1.1")
    items = head.headers.raw_items()
    _check_values(items)
    headers = tuple(
        (name.decode("ascii"), value.decode("latin-1")) for name, value in items
    )
    _check_framing(version, headers)
    _check_expectation(version, headers)
    target = Target.parse(head.target.decode("ascii"))
    return HttpRequest(
        method=head.method.decode("ascii"),
        path=target.path,
        query=target.query,
        headers=headers if target.host is None else _name_host(headers, target.host),
        version=version,
    )


def _check_values(items: Iterable[tuple[bytes, bytes]]) -> None:
    for name, value in items:
        if _CONTROL.search(value):  # RFC 9110 §5.5
            raise BadRequestError(
                400,
                f"the header {name.decode('ascii')} contains a control character; "
                "remove or encode it",
            )


def _check_framing(version: str, headers: tuple[tuple[str, str], ...]) -> None:
    if _find_header(headers, "transfer-encoding") is None:
        return
    # RFC 9112 §6.1: the framing of either is faulty.
    if version == "1.0":
        raise BadRequestError(400, "HTTP/1.0 has no Transfer-Encoding; use HTTP/1.1")
    if _find_header(headers, "content-length") is not None:
        raise BadRequestError(
            400, "a request has Transfer-Encoding or Content-Length, not both"
        )


def _check_expectation(version: str, headers: tuple[tuple[str, str], ...]) -> None:
    # RFC 9110 §10.1.1: one in HTTP/1.0 is ignored.
    expected = _find_header(headers, "expect")
    if expected is not None and version != "1.0" and expected.lower() != _CONTINUE:
        raise BadRequestError(
            417, f"cannot meet the expectation {expected!r}; only {_CONTINUE} is known"
        )


def _name_host(
    headers: tuple[tuple[str, str], ...], host: str
) -> tuple[tuple[str, str], ...]:
    # RFC 9112 §3.2.2: the absolute form replaces the received Host header.
    others = (each for each in headers if each[0].lower() != "host")
    return (("Host", host), *others)


def _find_header(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    return next((value for each, value in headers if each.lower() == name), None)
