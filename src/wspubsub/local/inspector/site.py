"""The inspector on the gateway's port: its page, and its API.

`GET /` and `GET /.inspector/NAME` are files and change nothing. Everything else is
`POST /.inspector/api/METHOD` with a JSON object. The name of a stage cannot hold a dot,
so no API is hidden by that.
"""

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from wspubsub.errors import MessageError
from wspubsub.local.inspector.access import Access, DeniedError
from wspubsub.local.inspector.files import (
    INDEX,
    SAFE_HEADERS,
    PageFiles,
    page_headers,
)
from wspubsub.local.inspector.methods import Json, MethodError, Methods
from wspubsub.local.requests import HttpRequest
from wspubsub.messages import read_json

PREFIX = "/.inspector/"
_API = f"{PREFIX}api/"
_JSON = {"content-type": "application/json", **SAFE_HEADERS}
MAX_CALLS = 16
"""How many requests may wait for something to happen, of all pages together."""


class Answer(NamedTuple):
    """The answer to a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class InspectorSite:
    """Answers requests for the inspector.

    Args:
        access: Who may use it.
        files: The files of the page.
        methods: What the page may ask.
        on_login: Called when the link has been used, so that there is a new one.
    """

    def __init__(
        self,
        access: Access,
        files: PageFiles,
        methods: Methods,
        on_login: Callable[[], None],
    ) -> None:
        self._access = access
        self._files = files
        self._methods = methods
        self._on_login = on_login
        self._calls = 0

    def is_for(self, request: HttpRequest) -> bool:
        """Return whether a request is for the inspector."""
        if request.path.startswith(PREFIX):
            return True
        return request.path == "/" and request.method in ("GET", "HEAD")

    async def answer(self, request: HttpRequest, *, is_tls: bool) -> Answer:
        """Answer a request."""
        try:
            host = self._access.check_host(request)
            if request.method in ("GET", "HEAD"):
                return self._serve_file(request.path, host)
            return await self._serve_call(request, is_tls=is_tls)
        except (DeniedError, MethodError) as error:
            return _answer_json({"error": str(error)}, error.status)

    def _serve_file(self, path: str, host: str) -> Answer:
        name = INDEX if path == "/" else path.removeprefix(PREFIX)
        found = self._files.find(name)
        if found is None:
            raise DeniedError(404, "the inspector has no such file")
        media_type, content = found
        headers = {"content-type": media_type, **page_headers(host)}
        return Answer(200, headers, content)

    async def _serve_call(self, request: HttpRequest, *, is_tls: bool) -> Answer:
        if request.method != "POST" or not request.path.startswith(_API):
            raise DeniedError(405, "the inspector answers GET, and POST to its API")
        # Before anything that the request says is looked at.
        self._access.check_origin(request, is_tls=is_tls)
        arguments = _read_arguments(request)
        name = request.path.removeprefix(_API)
        if name == "login":
            session = self._access.open_session(arguments.get("token"))
            self._on_login()
            return _answer_json({"session": session})
        self._access.check_session(request)
        return _answer_json(await self._call(name, arguments))

    async def _call(self, name: str, arguments: Json) -> Json:
        if self._calls >= MAX_CALLS:
            raise DeniedError(429, "too many requests at a time; close some pages")
        self._calls += 1
        try:
            return await self._methods.call(name, arguments)
        finally:
            self._calls -= 1


def _read_arguments(request: HttpRequest) -> Json:
    # What a form or a plain fetch may send without asking first is not JSON's type.
    if request.header("content-type") != "application/json":
        raise DeniedError(415, "the Content-Type must be application/json")
    if request.is_cut:
        raise DeniedError(413, "the request is too large")
    try:
        value = read_json(request.body.decode())
    except (MessageError, UnicodeDecodeError):
        value = None
    if not isinstance(value, dict):
        raise DeniedError(400, "the request must be a JSON object")
    return value


def _answer_json(value: Json, status: int = 200) -> Answer:
    return Answer(status, _JSON, json.dumps(value).encode())
