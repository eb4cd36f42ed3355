"""Service URLs, split strictly: anything unusual is refused, not guessed.

`urllib.parse` is lenient, and loads more than a cold start needs.
"""

from typing import NamedTuple

from wspubsub.errors import UsageError

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_MAX_PORT, _PORT_DIGITS = 65_535, 5
_LABEL_MARKS, _MAX_LABEL = "-_", 63


class Url(NamedTuple):
    """An absolute URL without user, query and fragment.

    Attributes:
        scheme: `http`, `https`, `ws` or `wss`.
        netloc: Host and, if it is not the scheme's own, port: the `Host` header.
        host: In lower case; an IPv6 address without its brackets.
        port: As written, or the scheme's own.
        path: As written, without a slash at its end.
    """

    scheme: str
    netloc: str
    host: str
    port: int
    path: str


def split_url(text: str) -> Url:
    """Return the parts of a URL.

    Raises:
        UsageError: It is not one, or has a user, a query, a fragment or a space.
    """
    scheme, separator, rest = text.partition("://")
    netloc, slash, path = rest.partition("/")
    netloc, scheme = netloc.lower(), scheme.lower()
    host, port = _split_netloc(netloc)
    is_plain = path.isprintable() and not any(mark in path for mark in " ?#")
    if not separator or scheme not in _PORTS or not host or not is_plain:
        raise UsageError(f"{text!r} is not a service URL; expected https://host/path")
    usual = _PORTS[scheme]
    if port == usual:
        netloc = netloc.rpartition(":")[0]
    return Url(
        scheme,
        netloc,
        host,
        usual if port is None else port,
        (slash + path).rstrip("/"),
    )


def _split_netloc(netloc: str) -> tuple[str, int | None]:
    """Return host and port; an empty host if it is not valid."""
    if netloc.startswith("["):
        host, closing, port = netloc[1:].partition("]")
        digits = host.replace(":", "").replace(".", "")
        is_host = bool(closing) and host.isascii() and digits.isalnum()
        if port and not port.startswith(":"):
            return "", None
    else:
        host, colon, port = netloc.partition(":")
        port = colon + port
        # A dot at the end is that of an absolute name.
        labels = host.removesuffix(".").split(".")
        is_host = host.isascii() and all(map(_is_label, labels))
    if not is_host:
        return "", None
    if not port:
        return host, None
    digits = port[1:]
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _PORT_DIGITS
    is_port = is_number and int(digits) <= _MAX_PORT
    return (host, int(digits)) if is_port else ("", None)


def _is_label(text: str) -> bool:
    return 0 < len(text) <= _MAX_LABEL and all(
        char.isalnum() or char in _LABEL_MARKS for char in text
    )
