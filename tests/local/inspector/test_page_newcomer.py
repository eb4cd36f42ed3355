"""Why does the second client get nothing? The page says so, whatever the mistake is."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.browser import Browser
from tests.support.inspector_page import InspectorPage, open_page
from tests.support.servers.gateways import APPS, CREDENTIALS, dev
from tests.support.servers.raw import RawClient, handshake

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SAID = json.dumps({"action": "message", "topic": "news", "text": "hello"})

Say = Callable[[str], InspectorPage]


@pytest.fixture
def say(browser: Browser) -> Iterator[Say]:
    with ExitStack() as stack:

        def say(mistake: str) -> InspectorPage:
            """Have one client subscribe and another one publish; return the page."""
            gateway = stack.enter_context(
                dev(
                    f"{APPS / 'mistaken.py'}:handler",
                    environ={**CREDENTIALS, "MISTAKE": mistake},
                )
            )
            page = open_page(browser, gateway)
            reader = stack.enter_context(gateway.client())
            writer = stack.enter_context(gateway.client())
            reader.send(json.dumps({"action": "subscribe", "topic": "news"}))
            page.wait_for_row("subscribe returned 200")
            writer.send(SAID)
            page.page.wait_for(
                "return [...document.querySelectorAll('.row')].some((row) => "
                "/^message (returned|failed)/.test("
                "row.querySelector('.title').innerText))"
            )
            return page

        yield say


def test_the_first_client_was_subscribed_to_another_topic(say: Say) -> None:
    page = say("topic")

    page.wait_for_row("message in", "hello", "0 messages out")
    page.wait_for_row("DynamoDB", "Query topic news", "0 items")
    page.select("message in", "hello")
    page.details("Nobody is subscribed to the topic “news”.")
    page.details("No client was sent anything because of this message.")
    page.show("items")
    page.page.wait_for_text("#items", "News")
    assert "news" not in page.page.run(
        "return document.querySelector('#items').innerText"
    )


def test_the_handler_raises(say: Say) -> None:
    page = say("raise")

    page.wait_for_row("message in", "hello", "failed")
    page.select("message in", "hello")
    page.details("The handler for message raised an error")
    page.select("message failed", "KeyError")
    assert 'sender["name"]' in page.details("Traceback")


def test_the_posts_are_forbidden(say: Say) -> None:
    page = say("forbidden")

    page.wait_for_row("message in", "hello", "1 of 1 post failed")
    page.select("message in", "hello")
    page.details("was answered with 403")
    page.select("post", "403 forbidden")
    assert "clients connect to /dev" in page.details("Detail")


def test_the_client_itself_was_refused(browser: Browser) -> None:
    with dev(f"{APPS / 'probe.py'}:handler") as gateway:
        page = open_page(browser, gateway)
        refuse(gateway.port, handshake(host="phone.local"))
        refuse(gateway.port, handshake("/dev", "/prod"))
        page.wait_for_row("connect", "/prod")

        page.select("refused", "phone.local")
        page.details("The client was refused with 403. The gateway does not accept")
        page.details("--allow-host phone.local")
        page.details("Sec-WebSocket-Key")
        page.select("refused", "403 clients connect to /dev")
        page.details("The client was refused with 403.")
        page.show("connections")
        page.page.click("#open-raw")
        page.fill("#connections input[placeholder^='name=']", "status=403")
        page.press_button("#connections .card", "Connect")
        page.page.wait_for_text("#connections .card", "refused; Activity says why")
        page.show("activity")
        page.wait_for_row("connect", "status=403")
        page.page.run(
            "const field = document.querySelector('[name=outcome]');"
            "field.value = 'refused';"
            "field.dispatchEvent(new Event('input', {bubbles: true}))"
        )
        page.page.wait_for_text("#activity-state", "3 of 3 trees")


def refuse(port: int, request: bytes) -> None:
    with RawClient(port) as client:
        client.send(request)
        assert client.status() == 403
