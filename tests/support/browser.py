"""Pages in a headless Chromium, driven over the Chrome DevTools Protocol."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from tests.support.servers.gateways import connect_patiently

PATIENCE_SECONDS = 120.0
_NAMES = ("chromium", "chromium-browser", "google-chrome")
# A browser that asks for nothing but the page.
_FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--remote-debugging-port=0",
)
# Keys that do something themselves, such as moving the focus, need their number.
_KEY_CODES = {
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    "End": 35,
    "Home": 36,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}
_LISTENING = re.compile(r"DevTools listening on (\S+)")
# Resolves as soon as what is asked for is there: looks after each change of the page.
_WAIT = """
new Promise((resolve) => {
  const look = () => {
    const found = (() => { %s })();
    if (found) { observer.disconnect(); resolve(found); }
  };
  const observer = new MutationObserver(look);
  observer.observe(document, {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
  look();
})
"""


class Page:
    """A tab with cookies and storage of its own.

    Args:
        browser: What it is a tab of.
        session: The protocol's ID of it.
    """

    def __init__(self, browser: "Browser", session: str) -> None:
        self._browser = browser
        self._session = session

    def open(self, url: str) -> None:
        """Load a page and wait until it has run its scripts."""
        self._call("Page.enable")
        self._call("Page.navigate", url=url)
        self._browser.wait_for_event("Page.loadEventFired", self._session)

    def run(self, script: str) -> Any:
        """Run statements in the page and return what they return."""
        return self._evaluate(f"(async () => {{ {script} }})()")

    def wait_for(self, script: str, *, patience: float = PATIENCE_SECONDS) -> Any:
        """Return what statements return, once that is true.

        Args:
            script: The statements.
            patience: How many seconds that may take.
        """
        try:
            return self._evaluate(_WAIT % script, patience)
        except TimeoutError:
            seen = self.run("return document.body.innerText")
            raise AssertionError(f"never true: {script}; seen is {seen}") from None

    def wait_for_text(self, selector: str, text: str) -> str:
        """Return the text of an element once it contains what is wanted."""
        wanted, where = json.dumps(text), json.dumps(selector)
        found = self.wait_for(
            f"const it = document.querySelector({where})?.innerText ?? '';"
            f"return it.includes({wanted}) && it;"
        )
        return str(found)

    def type(self, selector: str, text: str) -> None:
        """Type into a field."""
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self._call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def resize(self, width: int, height: int, *, is_dark: bool = False) -> None:
        """Be a screen of this size, in CSS pixels."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {
            "name": "prefers-color-scheme",
            "value": "dark" if is_dark else "light",
        }
        self._call("Emulation.setEmulatedMedia", features=[scheme])

    def press(self, key: str) -> None:
        """Press and release a key, by its name in `KeyboardEvent.key`."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        code = _KEY_CODES.get(key, 0)
        about = {"key": key, "windowsVirtualKeyCode": code}
        self._call("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        self._call("Input.dispatchKeyEvent", type="keyUp", **about)

    def screenshot(self) -> bytes:
        """Return what is seen, as PNG."""
        answer = self._call("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])

    def complaints(self) -> list[Any]:
        """Return the exceptions that nothing in the page has caught, and its errors."""
        kinds = ("Runtime.exceptionThrown", "Log.entryAdded")
        return self._browser.events(self._session, *kinds)

    def requests(self) -> list[str]:
        """Return the URLs that the page has asked for."""
        sent = self._browser.events(self._session, "Network.requestWillBeSent")
        return [each["request"]["url"] for each in sent]

    def _evaluate(self, expression: str, patience: float = PATIENCE_SECONDS) -> Any:
        answer = self._call(
            "Runtime.evaluate",
            patience=patience,
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def _call(self, method: str, **parameters: Any) -> Any:
        return self._browser.call(method, self._session, **parameters)


class Browser:
    """A running Chromium.

    Args:
        socket: Its DevTools.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = count(1)
        self._events: list[dict[str, Any]] = []

    def new_page(self) -> Page:
        """Return a tab that shares nothing with the others."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call(
            "Target.createTarget", url="about:blank", browserContextId=context
        )
        attached = self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        session = str(attached["sessionId"])
        self.call("Runtime.enable", session)
        self.call("Log.enable", session)
        self.call("Network.enable", session)
        return Page(self, session)

    def call(
        self,
        method: str,
        session: str | None = None,
        *,
        patience: float = PATIENCE_SECONDS,
        **parameters: Any,
    ) -> Any:
        number = next(self._ids)
        request = {"id": number, "method": method, "params": parameters}
        if session:
            request["sessionId"] = session
        self._socket.send(json.dumps(request))
        until = time.monotonic() + patience
        while (message := self._receive(until)).get("id") != number:
            self._events.append(message)
        assert "error" not in message, message["error"]
        return message["result"]

    def wait_for_event(self, method: str, session: str) -> None:
        def is_wanted(event: dict[str, Any]) -> bool:
            return (event.get("method"), event.get("sessionId")) == (method, session)

        until = time.monotonic() + PATIENCE_SECONDS
        while not any(map(is_wanted, self._events)):
            self._events.append(self._receive(until))
        self._events = [each for each in self._events if not is_wanted(each)]

    def _receive(self, until: float) -> dict[str, Any]:
        # Of a page that keeps asking for things there is always something to receive.
        remaining = until - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        message: dict[str, Any] = json.loads(self._socket.recv(remaining))
        return message

    def events(self, session: str, *methods: str) -> list[Any]:
        """Return what a tab has reported so far."""
        return [
            each["params"]
            for each in self._events
            if each.get("method") in methods and each.get("sessionId") == session
        ]


@contextmanager
def run_browser(folder: Path) -> Iterator[Browser]:
    """Run a browser whose profile is in a folder; skip without one, but not in CI."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None and "CI" not in os.environ:
        pytest.skip(f"none of {', '.join(_NAMES)} is installed")
    assert program is not None, "CI has Chromium"
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # root cannot have one
    with subprocess.Popen(
        [program, *_FLAGS, *sandbox, f"--user-data-dir={folder}", "about:blank"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        found = next(filter(None, map(_LISTENING.search, process.stderr)), None)
        # What it says besides is read, or it would wait for a reader.
        reader = threading.Thread(target=process.stderr.read)
        reader.start()
        try:
            assert found is not None, "Chromium did not start"
            with connect_patiently(found[1], max_size=None) as socket:
                yield Browser(socket)
        finally:
            _end(process)
            reader.join()


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
