"""An independent client: a page in Chromium."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.browser import Page, run_browser
from tests.support.servers.gateways import APPS, CREDENTIALS, DevGateway, dev

pytestmark = [pytest.mark.integration, pytest.mark.slow]

# Resolves with what a socket has seen by its end.
FOLLOW = """
const [url, protocols, actions] = %s;
const socket = protocols ? new WebSocket(url, protocols) : new WebSocket(url);
socket.binaryType = "arraybuffer";
const seen = {messages: []};
const next = () => {
  const action = actions.shift();
  if (action === undefined) socket.close(4001, "enough");
  else if (action.binary) socket.send(new Uint8Array(action.binary));
  else socket.send(action.text);
};
return await new Promise((resolve) => {
  socket.onopen = () => {
    seen.protocol = socket.protocol;
    seen.extensions = socket.extensions;
    next();
  };
  socket.onmessage = ({data}) => { seen.messages.push(data); next(); };
  socket.onclose = ({code, reason, wasClean}) =>
    resolve({...seen, code, reason, wasClean});
});
"""


@pytest.fixture(scope="module")
def echoing(chat: DevGateway) -> Iterator[DevGateway]:
    with dev(
        f"{APPS / 'probe.py'}:handler",
        *("--two-way", "--environments", "2", "--dynamodb", chat.dynamodb_url),
        environ=CREDENTIALS,
    ) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with run_browser(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser.new_page()


def follow(
    page: Page, url: str, *actions: dict[str, Any], protocols: list[str] | None = None
) -> Any:
    return page.run(FOLLOW % json.dumps([url, protocols, actions]))


def echo(text: str) -> dict[str, Any]:
    return {"text": json.dumps({"action": "echo", "text": text})}


def test_a_page_is_served_like_any_other_client(
    page: Page, echoing: DevGateway
) -> None:
    seen = follow(page, echoing.url, echo("grüße"), echo("x" * 20_000))

    assert seen["messages"] == ["grüße", "x" * 20_000]
    assert seen["extensions"] == "permessage-deflate; server_max_window_bits=12"
    assert (seen["code"], seen["reason"], seen["wasClean"]) == (4001, "enough", True)
    closed = echoing.wait_for(lambda each: each.get("reason") == "enough")
    assert (closed["code"], closed["by"]) == (4001, "client")


def test_a_page_is_cut_off_for_what_aws_does_not_take(
    page: Page, echoing: DevGateway
) -> None:
    assert follow(page, echoing.url, {"binary": [1, 2]})["code"] == 1003
    assert follow(page, echoing.url, echo("x" * 40_000))["code"] == 1009


def test_a_page_gets_the_subprotocol_that_the_handler_chooses(
    page: Page, echoing: DevGateway
) -> None:
    chosen = follow(
        page, f"{echoing.url}?subprotocol=two", echo("x"), protocols=["one", "two"]
    )
    left_open = follow(page, echoing.url, echo("x"), protocols=["one", "two"])

    assert (chosen["protocol"], chosen["messages"]) == ("two", ["x"])
    # As on AWS: the handshake succeeds, and the browser gives up.
    assert left_open["code"] == 1006


def test_a_page_that_is_refused_finds_the_reason_in_the_log(
    page: Page, echoing: DevGateway
) -> None:
    assert follow(page, f"{echoing.url}?status=401")["code"] == 1006
    assert follow(page, echoing.url.replace("ws:", "wss:"))["code"] == 1006

    assert echoing.wait_for(lambda each: each.get("status") == 401)["kind"] == "refused"
    rejected = echoing.wait_for(lambda each: each["kind"] == "rejected")
    assert "must trust the certificates in" in rejected["detail"]


def test_waiting_ends_though_the_page_keeps_asking_for_things(page: Page) -> None:
    page.open("about:blank")
    page.run("setInterval(() => fetch('data:,'), 20); document.body.append('Hello')")

    with pytest.raises(AssertionError, match="never true: return false; seen is Hello"):
        page.wait_for("return false", patience=0.2)
