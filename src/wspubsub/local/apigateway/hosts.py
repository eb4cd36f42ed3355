"""Which names this machine answers to.

A web page can have its own name resolved to this machine (DNS rebinding) and would
then speak to the gateway as if that were its own server. Its name gives it away.
"""

import ipaddress

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class AllowedHosts:
    """Knows which `Host` headers are accepted.

    Args:
        bound: Host that the gateway listens on. If that is every interface, any
            address is allowed, as addresses cannot be rebound.
        more: Further names.
    """

    def __init__(self, bound: str, more: tuple[str, ...] = ()) -> None:
        self._names = _LOOPBACK | {name.lower() for name in (bound, *more)}
        self._any_address = is_wildcard(bound)

    def allow(self, header: str | None) -> bool:
        """Return whether a request with this `Host` header is accepted."""
        name = _name(header or "")
        return name in self._names or (self._any_address and _is_address(name))


def is_wildcard(host: str) -> bool:
    """Return whether listening on a host means every interface."""
    return _is_address(host) and ipaddress.ip_address(host).is_unspecified


def url_host(host: str) -> str:
    """Return a host that the gateway listens on as it is written in a URL."""
    if is_wildcard(host):
        is_ipv6 = isinstance(ipaddress.ip_address(host), ipaddress.IPv6Address)
        return "[::1]" if is_ipv6 else "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _name(header: str) -> str:
    if header.startswith("["):  # RFC 3986 §3.2.2: an IPv6 address
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].rstrip(".").lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
