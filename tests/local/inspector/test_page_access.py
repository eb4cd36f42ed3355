"""Getting into the page, and what it says when the gateway or the session has gone."""

import pytest

from tests.support.browser import Browser
from tests.support.inspector import subscribe, use_link
from tests.support.inspector_page import InspectorPage, open_page
from tests.support.servers.gateways import CHAT, DevGateway, dev

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_the_token_leaves_the_address_and_a_reload_stays_signed_in(
    page: InspectorPage, gateway: DevGateway
) -> None:
    assert page.page.run("return location.hash") == ""

    page.page.open(gateway.management_url.removesuffix("dev"))

    page.page.wait_for_text("#status", "Live")


def test_it_says_what_to_do_without_a_link_or_with_a_used_one(
    browser: Browser, gateway: DevGateway
) -> None:
    with use_link(gateway) as link:
        browser.new_page().open(link)
    used, bare = browser.new_page(), browser.new_page()

    used.open(link)
    bare.open(link.partition("#")[0])

    assert "this link has been used" in used.wait_for_text(
        "#entrance", "cannot be used"
    )
    assert "wspubsub dev printed last" in bare.wait_for_text("#entrance", "is needed")


def test_it_asks_for_nothing_but_its_gateway(page: InspectorPage) -> None:
    origin = page.page.run("return location.origin")

    assert {each.startswith((origin, "data:")) for each in page.page.requests()} == {
        True
    }


def test_a_lost_gateway_is_said_and_what_was_seen_stays(browser: Browser) -> None:
    with dev(f"{CHAT}:handler", "--environments", "1") as gateway:
        page = open_page(browser, gateway)
        with gateway.client() as client:
            client.send(subscribe("kept"))
            client.recv()
            page.wait_for_row("message out", "kept")

        gateway.stop()

        page.page.wait_for_text("#banner", "The gateway cannot be reached")
        page.page.wait_for_text("#status", "Reconnecting")
        page.wait_for_row("message out", "kept")
    with dev(
        f"{CHAT}:handler", "--environments", "1", "--port", str(gateway.port)
    ) as second:
        assert second.port == gateway.port
        told = page.page.wait_for_text("#banner", "wspubsub dev printed last")
        assert "this session is not known" in told
        page.wait_for_row("message out", "kept")
