"""The page of the rooms, in a real browser, against `wspubsub dev`."""

import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.examples.pages import copy_page
from tests.support.browser import Browser, Page
from tests.support.sdks.rooms import APP, MODES, Rooms, make_token, run_rooms

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

_numbers = count(1)
PAGE = ("index.html", "page.css", "page.js", "room.js")
LINES = "[...document.querySelectorAll('#messages li:not(.note) p')]"
TEXTS = f"{LINES}.map((line) => line.firstChild.textContent)"
PEOPLE = "[...document.querySelectorAll('#people li')].map((each) => each.innerText)"


@pytest.fixture(scope="module", params=MODES)
def rooms(request: pytest.FixtureRequest) -> Iterator[Rooms]:
    with run_rooms(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's folder, after the first commands of its README."""
    return copy_page(map(APP.with_name, PAGE), tmp_path_factory.mktemp("page"))


@pytest.fixture
def room() -> str:
    """A room that no other test is in."""
    return f"room-{next(_numbers)}"


Enter = Callable[..., Page]


@pytest.fixture
def enter(browser: Browser, folder: Path, rooms: Rooms, room: str) -> Enter:
    def enter(name: str = "", token: str = "") -> Page:
        """Open the page and go in."""
        page = browser.new_page()
        query = {"url": rooms.url, "name": name, "token": token, "room": room}
        page.open(f"{(folder / 'index.html').as_uri()}?{urlencode(query)}")
        page.click("#sign-in button")
        page.wait_for_text("#connection", "live")
        page.wait_for("return document.querySelector('#people li')")
        return page

    return enter


def say(page: Page, text: str) -> None:
    """Send a message and wait for the reply."""
    page.type("#text", text)
    page.click("#say button")
    page.wait_for("return !document.querySelector('#say').ariaBusy")


def wait_for_texts(page: Page, *texts: str) -> None:
    """Wait until a page shows these messages and no others."""
    wanted = json.dumps(json.dumps(texts))
    page.wait_for(
        f"return JSON.stringify({TEXTS}) === JSON.stringify(JSON.parse({wanted}))"
    )


def test_what_one_says_the_other_sees(enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")

    say(ann, "hello")
    wait_for_texts(bob, "hello")
    say(bob, "hi there")

    for page in (ann, bob):
        wait_for_texts(page, "hello", "hi there")
        assert page.complaints() == []
    assert ann.run("return document.querySelectorAll('.ours').length") == 1
    assert bob.run("return document.querySelector('#messages b').innerText") == "Ann"


def test_who_comes_and_goes_is_shown(enter: Enter) -> None:
    ann = enter("Ann")
    bob = enter("Bob")
    ann.wait_for_text("#people", "Bob")

    bob.open("about:blank")

    ann.wait_for(f"return {PEOPLE}.length === 1")
    assert ann.run(f"return {PEOPLE}[0]") == "Annyou"


def test_who_comes_later_sees_what_was_said(enter: Enter) -> None:
    ann = enter("Ann")
    for text in ("one", "two", "three"):
        say(ann, text)
    wait_for_texts(ann, "one", "two", "three")

    bob = enter("Bob")

    wait_for_texts(bob, "one", "two", "three")


def test_a_page_comes_back_by_itself_with_what_it_missed(
    enter: Enter, rooms: Rooms, room: str
) -> None:
    ann = enter("Ann")
    say(ann, "before")
    wait_for_texts(ann, "before")

    rooms.wire.cut()
    ann.wait_for_text("#connection", "reconnecting")
    rooms.call("publish", f"room:{room}", {"text": "meanwhile"})
    rooms.wire.mend()

    ann.wait_for_text("#connection", "live")
    wait_for_texts(ann, "before", "meanwhile")
    say(ann, "after")
    wait_for_texts(ann, "before", "meanwhile", "after")
    ann.wait_for(f"return {PEOPLE}.length === 1")


def test_a_page_that_was_away_too_long_says_that_messages_are_missing(
    enter: Enter, rooms: Rooms, room: str
) -> None:
    ann = enter("Ann")
    say(ann, "before")
    wait_for_texts(ann, "before")
    kept = [f"message {number}" for number in range(3, 103)]

    rooms.wire.cut()
    ann.wait_for_text("#connection", "reconnecting")
    for text in ("lost", "lost as well", *kept):
        rooms.call("publish", f"room:{room}", {"text": text})
    rooms.wire.mend()

    wait_for_texts(ann, "before", *kept)
    note = "[...document.querySelectorAll('#messages li')][1].innerText"
    assert ann.run(f"return {note}") == "Some messages are missing here."


def test_news_are_shown_to_those_who_are_there_and_who_come(
    enter: Enter, rooms: Rooms
) -> None:
    ann = enter("Ann")

    rooms.call("publish", "news", {"text": f"news of {rooms.url}"})

    ann.wait_for_text("#news", f"news of {rooms.url}")
    enter("Bob").wait_for_text("#news", f"news of {rooms.url}")


def test_a_user_is_told_something_and_then_banned(
    enter: Enter, rooms: Rooms, room: str
) -> None:
    user = f"user-{room}"
    page = enter(token=make_token(user, info={"name": "Mallory"}))

    rooms.call("publish", f"user:{user}", {"text": "behave"})
    page.wait_for_text("#notices", "behave")
    rooms.call("disconnect", user)

    page.wait_for_text("#refused", "3503")
    assert page.run("return document.querySelector('#chat').hidden")


def test_who_is_removed_from_a_room_is_told_and_may_come_again(
    enter: Enter, rooms: Rooms, room: str
) -> None:
    user = f"user-{room}"
    page = enter(token=make_token(user, info={"name": "Ann"}))
    say(page, "hello")
    wait_for_texts(page, "hello")

    rooms.call("unsubscribe", user, f"room:{room}")

    page.wait_for_text("#messages", "not in this room any more")
    page.click("#rooms button")
    page.wait_for("return !document.querySelector('#messages .note')")
    wait_for_texts(page, "hello")


def test_a_forged_token_is_refused_with_its_reason(
    browser: Browser, folder: Path, rooms: Rooms
) -> None:
    page = browser.new_page()
    forged = make_token("alice", secret="another secret, also of 32 bytes.")
    query = urlencode({"url": rooms.url, "token": forged})
    page.open(f"{(folder / 'index.html').as_uri()}?{query}")

    page.click("#sign-in button")

    page.wait_for_text("#refused", "You were disconnected")


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"text": "<img src=x onerror=fail()>"}, "<img src=x onerror=fail()>"),
        ({"text": 7}, '{"text":7}'),
        ({"text": "late", "at": "yesterday"}, "late"),
        ({"text": "never", "at": 1e300}, "never"),
        ("plain", '"plain"'),
        ([], "[]"),
    ],
)
def test_anything_that_was_published_can_be_shown(
    enter: Enter, rooms: Rooms, room: str, data: object, shown: str
) -> None:
    page = enter("<b>Ann</b>")

    rooms.call("publish", f"room:{room}", data)

    wait_for_texts(page, shown)
    assert page.run(f"return {PEOPLE}[0]") == "<b>Ann</b>you"
    assert page.complaints() == []


def test_it_needs_nothing_from_elsewhere(enter: Enter) -> None:
    page = enter("Ann")
    page.wait_for_text("#people", "Ann")

    requested = page.requests()

    assert len(requested) >= 6  # the page, its style and four scripts
    assert all(url.startswith(("file:", "data:")) for url in requested), requested


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_it_fits_the_screen(enter: Enter, width: int, room: str) -> None:
    page = enter("Ann" * 12)
    page.resize(width, 760)
    say(page, "x" * 500)
    wait_for_texts(page, "x" * 500)
    for number in range(6):
        page.type("#new-room", f"{room}-{number}-with-a-long-name")
        page.click("#enter button")

    assert page.run("return document.documentElement.scrollWidth") <= width
    assert (
        page.run("return document.querySelector('#say').getBoundingClientRect().bottom")
        <= 760
    )
