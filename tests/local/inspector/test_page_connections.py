"""Test clients in the page, raw and as clients of a PubSub."""

import pytest

from tests.support.browser import Browser
from tests.support.inspector import subscribe
from tests.support.inspector_page import InspectorPage, open_page
from tests.support.servers.gateways import DevGateway

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_a_raw_client_sends_and_shows_what_comes(page: InspectorPage) -> None:
    page.show("connections")
    page.page.click("#open-raw")
    page.press_button(".card", "Connect")
    page.page.wait_for_text(".card header", "connected")
    page.page.wait_for(
        "return document.querySelector('.card').dataset.state === 'connected'"
    )
    message = subscribe("<b>here</b>")
    page.fill(".card textarea", message)
    page.press_button(".card", "Send")

    shown = page.page.wait_for_text(".card .messages", '"subscribed"')

    assert message in shown
    assert page.page.run("return document.querySelector('.messages b')") is None
    page.press_button(".card", "Disconnect")
    page.page.wait_for_text(".card .messages", "closed with 1000")
    page.show("activity")
    page.wait_for_row("message in", "<b>here</b>")


def test_pubsub_clients_connect_subscribe_and_publish(
    browser: Browser, rooms: DevGateway
) -> None:
    page = open_page(browser, rooms)
    page.show("connections")
    for number in (1, 2):
        card = f".card:nth-child({number})"
        page.page.click("#open-pubsub")
        page.fill(f"{card} [placeholder='room:lobby']", "room:lobby")
        page.press_button(card, "Connect")
        wait_for_reply(page, number, '"connect"')
        page.press_button(card, "Subscribe")
        wait_for_reply(page, number, '"subscribe"')
    page.fill(".card:nth-child(1) textarea", '{"text": "hello"}')
    page.press_button(".card:nth-child(1)", "Publish")

    wait_for_reply(page, 2, '"text":"hello"')

    page.press_button(".card:nth-child(2)", "Presence")
    wait_for_reply(page, 2, '"presence"')
    page.press_button(".card:nth-child(2)", "History")
    wait_for_reply(page, 2, '"history"')
    page.fill(".card:nth-child(1) [placeholder='room:lobby']", "nowhere")
    page.press_button(".card:nth-child(1)", "Subscribe")
    page.wait_for_notice("subscribe: error")
    assert page.page.complaints() == []


def wait_for_reply(page: InspectorPage, card: int, text: str) -> None:
    """Wait until the client of a card has received a text."""
    page.page.wait_for(
        "return [...document.querySelectorAll("
        f"'.card:nth-child({card}) .messages .in')]"
        f".some((each) => each.innerText.includes('{text}'))"
    )
