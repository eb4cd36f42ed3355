"""A clock that a page advances, and a table that is elsewhere."""

from collections.abc import Iterator

import pytest
from websockets.sync.client import ClientConnection

from tests.support.browser import Browser
from tests.support.inspector import open_inspector
from tests.support.inspector_page import InspectorPage, open_page
from tests.support.members import Member, serve_rooms
from tests.support.servers.gateways import CHAT, DevGateway, dev

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def patient() -> Iterator[DevGateway]:
    """A `PubSub` whose clients may be idle for a month."""
    with serve_rooms("--idle-timeout", "2592000") as running:
        yield running


@pytest.fixture
def page(browser: Browser, patient: DevGateway) -> Iterator[InspectorPage]:
    page = open_page(browser, patient)
    yield page
    assert page.page.complaints() == []
    page.page.open("about:blank")


def end_of(client: ClientConnection) -> tuple[int, str]:
    """Return the code and the reason with which a client is closed, once it is."""
    for _ in client:
        """What was sent before."""
    assert client.protocol.close_rcvd is not None
    return client.protocol.close_rcvd.code, client.protocol.close_rcvd.reason


def test_two_hours_end_a_connection_however_busy_it_is(
    page: InspectorPage, patient: DevGateway
) -> None:
    with patient.client() as client:
        Member(client, "ann").ask("rpc", method="echo", data="busy")
        page.wait_for_row("message in", "busy")
        page.show("shake")
        page.press_button("#clock-card", "+ 2 hours")

        assert end_of(client) == (1001, "Going away")

    page.page.wait_for_text("#clock", "2 h")
    page.show("activity")
    page.select("closed", "1001 Going away", "by the gateway")
    page.details("The gateway closed the connection: open for 7200 s, the longest")


def test_a_token_expires_with_the_clock(
    page: InspectorPage, patient: DevGateway
) -> None:
    with patient.client() as one, patient.client() as two:
        ahead = open_inspector(patient).call("state")["clock_offset"]
        brief = Member(one, "ann", seconds=ahead + 1800)
        lasting = Member(two, "bob", seconds=ahead + 86_400)
        for each in (brief, lasting):
            each.ask("subscribe", channel="room:time")
        page.show("shake")
        page.fill("[name=advance]", "3600")
        page.press_button("#clock-card", "Advance")
        page.wait_for_notice("advanced by 1 h")

        page.show("topics")
        page.fill("[name=publish-topic]", "room:time")
        page.fill("[name=publish-data]", '"who is still here?"')
        page.page.click("#publish")

        told = lasting.receive(lambda each: "pub" in each.get("push", {}))
        away = brief.receive(lambda each: "disconnect" in each.get("push", {}))
        end_of(one)

    assert told["push"]["pub"]["data"] == "who is still here?"
    assert away["push"]["disconnect"]["code"] == 3005
    page.show("activity")
    page.wait_for_row("message out", '"code":3005')


def test_a_table_elsewhere_is_shown_but_not_its_calls(
    browser: Browser, patient: DevGateway
) -> None:
    place = ("--dynamodb", patient.dynamodb_url, "--table", patient.table)
    with dev(f"{CHAT}:handler", *place, "--environments", "1") as gateway:
        page = open_page(browser, gateway)
        said = page.page.wait_for_text("#blind", "Calls to DynamoDB cannot be seen")
        with gateway.client() as client:
            client.send('{"type": "subscribe", "topic": "elsewhere"}')
            client.recv()
            page.wait_for_row("message out", "subscribed")
            assert not any("DynamoDB" in each for each in page.rows())
            page.show("topics")
            page.page.wait_for_text("#topics tbody", "elsewhere")
            page.show("costs")
            page.page.wait_for_text("#costs", "Without reads and writes")
    assert "--dynamodb" in said
