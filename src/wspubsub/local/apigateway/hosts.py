"""Which names this machine answers to.

A web page can have its own name resolved to this machine (DNS rebinding) and would
then speak to the gateway as if that were its own server. Its name gives it away.
"""

import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress

from wspubsub.errors import UsageError

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ANYTHING_BELOW = "*."


class AllowedHosts:
    """Knows which `Host` headers are accepted.

    Args:
        bound: Host that the gateway listens on. If that is every interface, any
            address is allowed, as addresses cannot be rebound.
        more: Further names; `*.NAME` is every name below NAME, and `*` every name.

    Raises:
        UsageError: One of `more` is not a name.
    """

    def __init__(self, bound: str, more: Iterable[str] = ()) -> None:
        named = {_read_name(each) for each in more}
        self._takes_all = "*" in named
        self._suffixes = tuple(
            each.removeprefix("*") for each in named if each.startswith(_ANYTHING_BELOW)
        )
        self._names = _LOOPBACK | named | {bound.lower()}
        self._any_address = is_wildcard(bound)

    def allow(self, header: str | None) -> bool:
        """Return whether a request with this `Host` header is accepted."""
        name = name_of(header or "")
        return (
            name in self._names
            or self._takes_all
            or name.endswith(self._suffixes)
            or (self._any_address and _is_address(name))
        )


def name_of(header: str) -> str:
    """Return the host in a `Host` header, without the port and in lower case."""
    if header.startswith("["):  # RFC 3986 §3.2.2: an IPv6 address
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].rstrip(".").lower()


def find_own_names(bound: str) -> list[str]:
    """Return the names and addresses under which this machine can reach the gateway.

    Args:
        bound: Host that the gateway listens on.
    """
    names = {*_LOOPBACK, bound}
    if is_wildcard(bound):
        names = {*_LOOPBACK, socket.gethostname()}
        with suppress(OSError):
            found = socket.getaddrinfo(socket.gethostname(), None)
            names |= {str(address[0]).partition("%")[0] for *_, address in found}
        with suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as probe:
            # Nothing is sent; the system only chooses the address for a way out.
            probe.connect(("192.0.2.1", 9))
            names.add(probe.getsockname()[0])
    return sorted(names)


def is_wildcard(host: str) -> bool:
    """Return whether listening on a host means every interface."""
    return _is_address(host) and ipaddress.ip_address(host).is_unspecified


def url_host(host: str) -> str:
    """Return a host that the gateway listens on as it is written in a URL."""
    if is_wildcard(host):
        is_ipv6 = isinstance(ipaddress.ip_address(host), ipaddress.IPv6Address)
        return "[::1]" if is_ipv6 else "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _read_name(text: str) -> str:
    name = text.lower() if _is_address(text) else name_of(text)
    pattern = name.removeprefix(_ANYTHING_BELOW)
    if not pattern or "/" in text or ("*" in pattern and text != "*"):
        raise UsageError(
            f"{text!r} is not a host to allow; give a name such as laptop.local, or "
            "*.example.com for all names below example.com"
        )
    return name


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
