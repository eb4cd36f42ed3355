"""Who may use the inspector: the page itself, opened by who reads the gateway's log.

The page can publish and replay, and every web page that a developer visits can send
requests to this machine. So a session begins with a token that only the log shows, and
that works once; it is sent in a header that the browser never adds by itself; and a
request must come from the page, which the browser says in `Origin` and
`Sec-Fetch-Site` (Fetch Standard §3.2; Fetch Metadata §2.1).
"""

import hmac
import re
import secrets
from hashlib import sha256

from wspubsub.local.apigateway.hosts import AllowedHosts
from wspubsub.local.requests import HttpRequest

MAX_SESSIONS = 32
"""How many pages may be open; the one that was opened first goes."""

TOKEN_BYTES = 32
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::[0-9]{1,5})?", re.ASCII)
_BEARER = "Bearer "


class DeniedError(Exception):
    """A request that is not answered.

    Attributes:
        status: HTTP status of the answer.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Access:
    """Lets requests in, or not.

    Args:
        hosts: Which `Host` headers are accepted.
    """

    def __init__(self, hosts: AllowedHosts) -> None:
        self._hosts = hosts
        self._token = secrets.token_urlsafe(TOKEN_BYTES)
        self._sessions: dict[bytes, None] = {}

    @property
    def token(self) -> str:
        """What the next session begins with."""
        return self._token

    def check_host(self, request: HttpRequest) -> str:
        """Return the `Host` of a request, or refuse it.

        Raises:
            DeniedError: It is not a name of this machine (DNS rebinding).
        """
        hosts = [value for name, value in request.headers if name.lower() == "host"]
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
            raise DeniedError(400, "the request must have one valid Host header")
        if not self._hosts.allow(hosts[0]):
            raise DeniedError(
                403, "the inspector is open to this machine's own names only"
            )
        return hosts[0]

    def check_origin(self, request: HttpRequest, *, is_tls: bool) -> None:
        """Refuse a request that does not come from the inspector's page.

        Raises:
            DeniedError: Another page sent it, or no page.
        """
        proxied = request.header("x-forwarded-proto")
        scheme = "https" if is_tls else proxied or "http"
        own = f"{scheme}://{self.check_host(request)}".lower()
        origins = [
            value.lower() for name, value in request.headers if name.lower() == "origin"
        ]
        site = request.header("sec-fetch-site")
        if origins != [own] or site not in (None, "same-origin"):
            raise DeniedError(403, f"only the page of the inspector has access ({own})")

    def open_session(self, token: object) -> str:
        """Return a new session for the token, which is spent by that.

        Raises:
            DeniedError: It is not the token.
        """
        given = token.encode() if isinstance(token, str) else b""
        if not hmac.compare_digest(given, self._token.encode()):
            raise DeniedError(
                403,
                "this link has been used, or is of another run: open the last one in "
                "the output of wspubsub dev",
            )
        self._token = secrets.token_urlsafe(TOKEN_BYTES)
        session = secrets.token_urlsafe(TOKEN_BYTES)
        self._sessions[_digest(session)] = None
        while len(self._sessions) > MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return session

    def check_session(self, request: HttpRequest) -> None:
        """Refuse a request without a session.

        Raises:
            DeniedError: It has none, or one that was not opened here.
        """
        given = request.header("authorization") or ""
        # Digests are compared, so that timing reveals nothing about a session.
        if (
            not given.startswith(_BEARER)
            or _digest(given.removeprefix(_BEARER)) not in self._sessions
        ):
            raise DeniedError(
                401,
                "this session is not known, or the gateway was started again: open "
                "the last link in the output of wspubsub dev",
            )


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
