"""What a page of the inspector does, without a page."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.support.servers.gateways import PATIENCE_SECONDS, DevGateway

Entry = dict[str, Any]


def subscribe(topic: str) -> str:
    """Return what a client of the chat sends to be subscribed to a topic."""
    return json.dumps({"type": "subscribe", "topic": topic})


def say(topic: str, text: str) -> str:
    """Return what a client of the chat sends to publish a text to a topic."""
    return json.dumps({"type": "message", "topic": topic, "message": text})


def body_of(entry: Entry) -> str:
    """Return the message that an invocation is about; empty if it is about none."""
    return str(entry.get("event", {}).get("body") or "")


class InspectorError(Exception):
    """The inspector refused a request.

    Attributes:
        status: HTTP status of the answer.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class InspectorClient:
    """A page that was opened with a link from the log.

    Args:
        link: The link.
        tls: Whom to trust if it is one of `https`.
    """

    def __init__(self, link: str, tls: ssl.SSLContext | None = None) -> None:
        page, _, token = link.partition("/#token=")
        self.origin = page
        self._host = urlsplit(page).netloc
        self._tls = tls
        self.session = ""
        self.session = self.call("login", token=token)["session"]
        self.entries: list[Entry] = []

    def call(self, method: str, **arguments: Any) -> Any:
        """Call a method of the API and return its answer."""
        connection = self._open()
        headers = {"Content-Type": "application/json", "Origin": self.origin}
        if self.session:
            headers["Authorization"] = f"Bearer {self.session}"
        try:
            connection.request(
                "POST", f"/.inspector/api/{method}", json.dumps(arguments), headers
            )
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise InspectorError(response.status, answer["error"])
        return answer

    def _open(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, timeout=PATIENCE_SECONDS)
        return http.client.HTTPSConnection(
            self._host, timeout=PATIENCE_SECONDS, context=self._tls
        )

    def wait_for(self, is_wanted: Callable[[Entry], bool]) -> Entry:
        """Return the first entry that is wanted, once there is one."""
        until = time.monotonic() + PATIENCE_SECONDS
        while (found := next(filter(is_wanted, self.entries), None)) is None:
            last = self.entries[-1]["n"] if self.entries else 0
            new = self.call("follow", after=last, wait=20)["entries"]
            is_over = not new and time.monotonic() > until
            assert not is_over, f"never; the last entries are {self.entries[-20:]}"
            self.entries += new
        return found

    def parent_of(self, entry: Entry) -> Entry:
        """Return the entry that caused another one."""
        return next(each for each in self.entries if each["n"] == entry["parent"])


def open_inspector(
    gateway: DevGateway, tls: ssl.SSLContext | None = None
) -> InspectorClient:
    """Open a page with the last link in a gateway's log."""
    with use_link(gateway) as link:
        return InspectorClient(link, tls)


@contextmanager
def use_link(gateway: DevGateway) -> Iterator[str]:
    """Yield the last link in a gateway's log, then wait for the one after it."""
    links = [
        each["inspector"] if each["kind"] == "ready" else each["url"]
        for each in gateway.records
        if each["kind"] in {"ready", "inspector"}
    ]
    yield links[-1]
    gateway.wait_for(lambda each: each["kind"] == "inspector", count=len(links))
