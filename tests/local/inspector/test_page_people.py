"""A `PubSub` on the page: its users, who is present, the log, and publishing to it."""

import json
from collections.abc import Iterator

import pytest

from tests.support.inspector_page import InspectorPage
from tests.support.members import Member
from tests.support.servers.gateways import DevGateway

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def room(rooms: DevGateway) -> Iterator[tuple[Member, Member]]:
    """Ann and Bob, who are in the room `room:tea`."""
    with rooms.client() as one, rooms.client() as two:
        members = Member(one, "ann"), Member(two, "bob")
        for each in members:
            each.ask("subscribe", channel="room:tea")
        yield members


@pytest.fixture(scope="module")
def gateway(rooms: DevGateway) -> DevGateway:
    """The gateway that `page` looks into."""
    return rooms


def test_trees_are_filtered_by_user_whenever_they_came(
    room: tuple[Member, Member], page: InspectorPage, rooms: DevGateway
) -> None:
    for member, name in zip(room, ("ann", "bob"), strict=True):
        member.ask("rpc", method="echo", data=f"by {name}")
    page.wait_for_row("message in", "by bob")
    # They had connected before this page was there.
    page.page.run("document.querySelector('[name=user]').focus()")
    page.filter("user", "ann")

    page.page.wait_for(
        "const shown = document.querySelector('#tree').innerText;"
        "return shown.includes('by ann') && !shown.includes('by bob')"
    )

    with rooms.client() as third:
        Member(third, "eve").ask("rpc", method="echo", data="by eve")
        page.filter("user", "eve")
        page.wait_for_row("message in", "by eve")
        suggested = page.page.run(
            "return [...document.querySelectorAll('#known-user option')]"
            ".map((each) => each.value)"
        )
    assert not any("by ann" in each for each in page.rows())
    assert {"ann", "bob", "eve"} <= {*suggested}


def test_a_topic_shows_who_is_present_and_its_log_with_positions(
    room: tuple[Member, Member], page: InspectorPage
) -> None:
    for text in ("first", "second"):
        room[0].ask("publish", channel="room:tea", data={"text": text})
    page.show("topics")
    page.page.wait_for_text("#topics tbody", "room:tea")
    page.page.click("[aria-label='Show room:tea']")

    log = read_table(page, "#topics .about", "Log")
    present = read_table(page, "#topics .about", "Present")

    kept = page.page.run("return document.querySelector('#topics .facts').innerText")
    assert kept.split()[-1] == str(sum("{" in each["Data"] for each in log))
    first, second = log[-2:]
    assert (first["Data"], second["Data"]) == ('{"text":"first"}', '{"text":"second"}')
    assert int(second["Offset"]) == int(first["Offset"]) + 1
    assert first["Epoch"] == second["Epoch"] != ""
    assert {each["User"] for each in present} == {"ann", "bob"}
    assert all(json.loads(each["Info"])["name"] for each in present)


def test_the_server_publishes_to_members_as_the_application_would(
    room: tuple[Member, Member], page: InspectorPage
) -> None:
    page.show("topics")
    page.fill("[name=publish-topic]", "room:tea")
    page.fill("[name=publish-data]", '"tea is ready"')
    page.page.click("#publish")

    notice = page.wait_for_notice("Published to room:tea: offset")

    for member in room:
        push = member.receive(lambda each: "tea is ready" in json.dumps(each))["push"]
        assert push["channel"] == "room:tea"
        assert push["pub"]["data"] == "tea is ready"
        assert f"offset {push['pub']['offset']}," in notice
    page.show("activity")
    page.select("publish", "room:tea", "the stream delivers it")
    page.details("Publishing to “room:tea” as the server succeeded")
    page.wait_for_row("batch")
    page.fill("#filter [name='text']", "tea is ready")
    page.wait_for_row("message out", "tea is ready")

    page.show("topics")
    page.fill("[name=publish-topic]", "nowhere")
    page.page.click("#publish")
    page.wait_for_notice("matches none of the patterns")
    refused = "400 (Bad Request)"
    assert [each for each in page.page.complaints() if refused not in str(each)] == []


def read_table(page: InspectorPage, within: str, caption: str) -> list[dict[str, str]]:
    """Return the rows of a table by the titles of its columns, once it is there."""
    rows: list[dict[str, str]] = page.page.wait_for(
        f"const table = [...document.querySelectorAll({json.dumps(within + ' table')})]"
        f".find((each) => each.caption.innerText === {json.dumps(caption)});"
        "return table && [...table.tBodies[0].rows].map((row) => Object.fromEntries("
        "[...row.cells].map((cell) => [cell.dataset.title, cell.innerText])))"
    )
    return rows
