"""Keeps web pages away from the embedded services.

Every page that a developer opens may send requests to ports of this machine. The
services take any signature, so what a browser sends is recognized by what only a
browser sends, and by what a page cannot send without asking first.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[Environ, Any], Iterable[bytes]]

_NAMES = ("127.0.0.1", "localhost")


class Guard:
    """Refuses what no AWS SDK on this machine would send.

    A foreign `Host` is a page whose name was made to mean this machine (DNS
    rebinding); an `Origin` comes from a page; requests without a signature include
    the pages of moto itself, which show and delete everything.

    Args:
        application: A WSGI application that speaks AWS's protocols.
        port: Where it listens.
    """

    def __init__(self, application: Application, *, port: int) -> None:
        self._application = application
        self._hosts = frozenset(f"{name}:{port}" for name in _NAMES)

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request, or refuse it with 403."""
        reason = self._find_reason(environ)
        if reason is None:
            return self._application(environ, start_response)
        error = {"__type": "AccessDeniedException", "message": reason}
        body = json.dumps(error).encode()
        start_response(
            "403 Forbidden",
            [
                ("Content-Type", "application/x-amz-json-1.0"),
                ("Content-Length", str(len(body))),
            ],
        )
        return [body]

    def _find_reason(self, environ: Environ) -> str | None:
        if environ.get("HTTP_HOST", "").lower() not in self._hosts:
            return "the Host header must name 127.0.0.1 or localhost, and the port"
        if "HTTP_ORIGIN" in environ:
            return "web pages have no access: the request has an Origin header"
        if "HTTP_AUTHORIZATION" not in environ:
            return "the request has no AWS signature"
        if environ.get("PATH_INFO", "").startswith("/moto-api"):
            return "this server has no pages"
        return None
