"""The page's other views: what can be seen, and done, beside the trees."""

import json
import time
from collections.abc import Iterator

import boto3
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.support.inspector import say, subscribe
from tests.support.inspector_page import InspectorPage
from tests.support.servers.gateways import DevGateway
from tests.support.table_items import write_every_kind
from wspubsub.operations import ItemKind

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SPEED = "document.querySelector('#connections tbody select')"


@pytest.fixture
def reader(gateway: DevGateway) -> Iterator[ClientConnection]:
    """A client that is subscribed to `news`."""
    with gateway.client() as client:
        client.send(subscribe("news"))
        client.recv()
        yield client


def test_a_connection_is_listed_and_closed(
    page: InspectorPage, reader: ClientConnection
) -> None:
    page.show("connections")
    row = page.page.wait_for_text("#connections tbody tr", "news")
    assert "1 (38 bytes)" in row
    page.press_button("#connections tbody", "Close")

    with pytest.raises(ConnectionClosed) as closed:
        reader.recv()

    assert closed.value.rcvd is not None
    page.page.wait_for_text("#connections .list", "Nobody is connected")


def test_a_connection_is_dropped_without_a_close_frame(
    page: InspectorPage, reader: ClientConnection
) -> None:
    page.show("connections")
    page.page.wait_for_text("#connections tbody tr", "news")
    page.press_button("#connections tbody", "Drop")

    with pytest.raises(ConnectionClosed) as closed:
        reader.recv()

    assert closed.value.rcvd is None


def test_a_topic_shows_its_subscribers_and_the_server_publishes_to_it(
    page: InspectorPage, reader: ClientConnection
) -> None:
    page.show("topics")
    page.page.wait_for_text("#topics tbody", "news")
    page.page.click("[aria-label='Show news']")
    page.page.wait_for_text("#topics .about .ids", "=")
    page.fill("[name=publish-data]", '{"text": "from the server"}')
    page.page.click("#publish")

    assert "from the server" in str(reader.recv())

    page.wait_for_notice("Published to news: ")
    page.show("activity")
    page.select("publish", "news", " delivered", "1 message out")
    page.details("Publishing to “news” as the server succeeded")


def test_the_tables_items_are_decoded_and_raw_on_demand(
    page: InspectorPage, reader: ClientConnection
) -> None:
    page.show("items")
    shown = page.page.wait_for_text("#items", "Subscription")
    assert "C#" not in shown
    page.page.click("#items-raw")
    page.page.wait_for_text("#items", '"T#news"')
    assert reader.protocol.close_code is None


def test_items_of_every_kind_are_shown_as_what_they_are(
    page: InspectorPage, gateway: DevGateway
) -> None:
    client = boto3.client(
        "dynamodb",
        endpoint_url=gateway.dynamodb_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    write_every_kind(client, gateway.table, time.time)
    page.show("items")

    page.page.wait_for_text("#items", "QUIZ#1")

    shown = page.page.run(
        "return Object.fromEntries([...document.querySelectorAll('#items .group')].map("
        "(group) => [group.querySelector('h3').firstChild.data, "
        "[...group.querySelectorAll('th')].map((head) => head.innerText)]))"
    )
    assert {name.lower() for name in shown} == {each.value for each in ItemKind}
    assert {"Topic", "ID", "Data", "Known up to", "Carried until"} <= {*shown["Offer"]}
    assert not any("Problem" in columns for columns in shown.values())


def test_a_rule_makes_posts_fail(
    page: InspectorPage, reader: ClientConnection, gateway: DevGateway
) -> None:
    page.show("shake")
    page.page.run(
        "const form = document.querySelector('#add-rule');"
        "form.elements.action.value = 'gone';"
        "form.elements.times.value = '1';"
        "form.requestSubmit()"
    )
    page.page.wait_for_text("#shake .rules", "gone (410)")
    with gateway.client() as writer:
        writer.send(say("news", "lost"))
        page.show("activity")
        page.wait_for_row("post", "410 gone")
    page.show("shake")
    page.page.wait_for_text("#shake .rules", "0 left")
    page.press_button("#shake", "Remove all")

    page.page.wait_for_text("#shake .list", "Nothing fails on request")
    assert reader.protocol.close_code is None


def test_a_wrong_rule_is_refused_in_words(page: InspectorPage) -> None:
    page.show("shake")
    page.page.run(
        "const form = document.querySelector('#add-rule');"
        "form.elements.probability.value = '7';"
        "form.requestSubmit()"
    )

    assert "probability" in page.wait_for_notice("probability")


def test_the_worker_is_killed_and_the_next_start_is_cold(
    page: InspectorPage, reader: ClientConnection
) -> None:
    page.show("shake")
    page.press_button("#shake", "Kill the worker")
    page.wait_for_notice("was killed")
    reader.send(subscribe("news"))
    reader.recv()
    page.show("activity")

    page.wait_for_row("subscribe returned 200", "cold start")


def test_a_client_is_made_slow(page: InspectorPage, reader: ClientConnection) -> None:
    page.show("connections")
    page.page.wait_for_text("#connections tbody tr", "news")

    choose_speed(page, "100 bytes/s")
    page.page.wait_for_text("#connections tbody tr", "empty, slow")
    chosen = page.page.run(f"return {SPEED}.selectedOptions[0].text")
    choose_speed(page, "Full speed")
    page.page.wait_for(
        "return !document.querySelector('#connections tbody').innerText"
        ".includes('slow')"
    )

    assert chosen == "100 bytes/s"
    assert reader.protocol.close_code is None


def choose_speed(page: InspectorPage, speed: str) -> None:
    page.page.run(
        f"const choice = {SPEED};"
        "choice.selectedIndex = [...choice.options].findIndex("
        f"(each) => each.text === {json.dumps(speed)});"
        "choice.dispatchEvent(new Event('change', {bubbles: true}))"
    )


def test_a_clock_that_is_advanced_closes_an_idle_client(
    page: InspectorPage, gateway: DevGateway, reader: ClientConnection
) -> None:
    page.show("shake")
    page.page.wait_for_text("#clock", "clock is right")
    page.press_button("#shake", "+ 10 minutes")

    with pytest.raises(ConnectionClosed) as closed:
        reader.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    page.page.wait_for_text("#clock", "10 min ahead")
    page.show("activity")
    page.wait_for_row("closed", "1001", "by the gateway")
    page.page.open(gateway.management_url.removesuffix("dev"))
    page.show("shake")
    page.page.wait_for_text("#clock", "10 min ahead")


def test_what_it_would_cost_is_counted(
    page: InspectorPage, reader: ClientConnection
) -> None:
    page.show("costs")

    shown = page.page.wait_for_text("#costs", "PutItem")

    lines = [line.split("\t") for line in shown.splitlines()]
    bill = {name: figures for name, *figures in lines}
    assert bill["Messages"][1] == "$1.00"
    assert bill["Messages"][2].startswith("$0.0000")
    assert bill["Connection minutes"][1] == "$0.25"
    assert "10,000 are allowed" in shown
    assert reader.protocol.close_code is None


def test_an_event_is_replayed(page: InspectorPage, reader: ClientConnection) -> None:
    page.select("subscribe returned 200")
    page.details("Event")
    page.press_button("#detail", "Replay")

    page.wait_for_row("subscribe (replay) returned 200")

    assert "subscribed" in str(reader.recv())
