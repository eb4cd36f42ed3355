"""What is stored of a handshake, and which pages may connect.

Headers and the query string are in the `$connect` event only, and rules are asked when
the first command comes. So what they need is stored with the connection.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from wspubsub.errors import Forbidden, UsageError
from wspubsub.events import ConnectEvent, Connection
from wspubsub.headers import Headers

QUERY_MARK = "?"
"""The prefix of a query string parameter that is stored."""


class Handshakes:
    """Handles `$connect`.

    Args:
        keep: Names of the headers to keep, and of the query string parameters, these
            with a question mark before them: `["Cookie", "?room"]`.
        origins: Origins whose pages may connect, such as `https://example.com`; None
            for all. Clients that are not browsers send no `Origin`, and are let in.

    Raises:
        UsageError: One is not text.
    """

    def __init__(
        self, keep: Collection[str] = (), origins: Collection[str] | None = None
    ) -> None:
        self._keep = _check_texts("keep", keep)
        # Scheme and host are compared in any casing, and browsers send them in lower.
        self._origins = (
            None
            if origins is None
            else {each.lower().rstrip("/") for each in _check_texts("origins", origins)}
        )

    @property
    def is_needed(self) -> bool:
        """Whether anything must be done in `$connect`."""
        return bool(self._keep) or self._origins is not None

    @property
    def keeps(self) -> bool:
        """Whether anything is stored."""
        return bool(self._keep)

    def check(self, event: ConnectEvent) -> None:
        """Check where a handshake comes from.

        Raises:
            Forbidden: From a page of another origin (RFC 6455 §10.2).
        """
        origin = event.headers.get("Origin")
        if self._origins is None or origin is None:
            return
        if origin.lower() not in self._origins:
            raise Forbidden("pages from this origin may not connect")

    def store(
        self, event: ConnectEvent, connect: Callable[[Connection], object]
    ) -> None:
        """Store the parts of a handshake that are kept, if any.

        Args:
            event: The handshake.
            connect: Records a connection.
        """
        if not self._keep:
            return
        kept = {
            name.lower(): value for name in self._keep if (value := _find(event, name))
        }
        connect(event.connection.__replace__(attributes=kept))


def kept_fields(attributes: Mapping[str, str]) -> dict[str, Any]:
    """Return what a connect rule receives of the handshake."""
    headers, query = {}, {}
    for name, value in attributes.items():
        if name.startswith(QUERY_MARK):
            query[name[1:]] = value
        else:
            headers[name] = [value]
    return {"headers": Headers(headers), "query": query}


def _find(event: ConnectEvent, name: str) -> str | None:
    if name.startswith(QUERY_MARK):
        return event.query.get(name[1:])
    # Browsers send one Cookie header; over HTTP/2 a proxy may have split it, and
    # RFC 6265 joins its parts so (RFC 9113 §8.2.3).
    joint = "; " if name.lower() == "cookie" else ", "
    return joint.join(event.headers.all(name))


def _check_texts(what: str, names: object) -> tuple[str, ...]:
    if isinstance(names, str) or not isinstance(names, Collection):
        raise UsageError(f"{what} must be a list of text values, not {names!r:.80}")
    for name in names:
        if not isinstance(name, str) or not name.strip(QUERY_MARK):
            raise UsageError(
                f"{what} must be a list of text values, but {name!r:.80} is not text"
            )
    return tuple(names)
