"""The page of the quiz, on phones in a real browser, against `wspubsub dev`."""

import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.examples.pages import copy_page
from tests.support.browser import Browser, Page
from tests.support.example_apps import EXAMPLES, run_script
from tests.support.javascript import serve
from tests.support.servers.cuttable import Wire
from tests.support.servers.gateways import CREDENTIALS, DevGateway, dev

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

FOLDER = EXAMPLES / "quiz"
QUESTIONS = json.loads((FOLDER / "questions.json").read_text())
SCORES = "[...document.querySelectorAll('#scores li')].map((each) => each.innerText)"

_numbers = count(1)


@pytest.fixture(scope="module")
def gateway() -> Iterator[DevGateway]:
    with dev(f"{FOLDER / 'app.py'}:handler", environ=CREDENTIALS) as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example's folder on a web server, after the `npm install` of its README."""
    names = ("index.html", "page.css", "page.js")
    folder = copy_page(map(FOLDER.joinpath, names), tmp_path_factory.mktemp("page"))
    with serve(folder) as url:
        yield f"{url}/"


@pytest.fixture
def room() -> str:
    """A room that no other test is in."""
    return f"room-{next(_numbers)}"


Enter = Callable[[str], Page]


@pytest.fixture
def enter(
    browser: Browser, site: str, gateway: DevGateway, wire: Wire, room: str
) -> Enter:
    url = gateway.url.replace(f":{gateway.port}", f":{wire.port}")

    def enter(name: str) -> Page:
        """Open the page on another phone and go in."""
        page = browser.new_page()
        query = urlencode({"url": url, "name": name, "room": room})
        page.open(f"{site}?{query}")
        page.click("#entrance button")
        page.wait_for_text("#connection", "live")
        page.wait_for("return document.querySelector('#text').innerText")
        return page

    return enter


def right(number: int) -> str:
    return f"#choices button:nth-child({QUESTIONS[number]['solution'] + 1})"


def wait_for_scores(page: Page, *lines: str) -> None:
    wanted = json.dumps(json.dumps(lines))
    page.wait_for(
        f"return JSON.stringify({SCORES}) === JSON.stringify(JSON.parse({wanted}))"
    )


def test_a_quiz_from_the_first_question_to_the_scores(enter: Enter) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    ann.wait_for_text("#here", "Ann, Bob")
    bob.wait_for_text("#text", "Wait for the host")
    assert bob.run("return document.querySelector('#go-on').hidden")

    for number in range(len(QUESTIONS)):
        ann.click("#go-on")
        for page in (bob, ann):
            page.wait_for_text("#text", QUESTIONS[number]["text"])
            page.click(right(number))
            page.wait_for("return document.querySelector('[aria-pressed=true]')")
    ann.click("#go-on")

    for page in (ann, bob):
        page.wait_for_text("#text", "That was all!")
        wait_for_scores(page, "Bob\n10", "Ann\n5")
        assert page.complaints() == []
    assert ann.run("return document.querySelector('#go-on').hidden")


def test_who_comes_late_or_back_sees_where_the_quiz_stands(
    enter: Enter, wire: Wire
) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    ann.click("#go-on")
    bob.wait_for_text("#text", QUESTIONS[0]["text"])
    bob.click(right(0))
    bob.wait_for("return document.querySelector('[aria-pressed=true]')")
    ann.click("#go-on")
    late = enter("Cleo")
    late.wait_for_text("#text", QUESTIONS[1]["text"])
    wait_for_scores(late, "Bob\n2")

    wire.cut()
    bob.wait_for_text("#connection", "reconnecting")
    wire.mend()
    for page in (ann, bob, late):
        page.wait_for_text("#connection", "live")
    ann.click("#go-on")
    bob.wait_for_text("#text", QUESTIONS[2]["text"])
    bob.click(right(2))
    bob.wait_for("return document.querySelector('[aria-pressed=true]')")
    ann.click("#go-on")

    wait_for_scores(bob, "Bob\n4")
    wait_for_scores(late, "Bob\n4")


def test_the_news_of_the_day_are_shown(
    enter: Enter, gateway: DevGateway, tmp_path: Path
) -> None:
    page = enter("Ann")
    log = tmp_path / "dev.jsonl"
    log.write_text(json.dumps(gateway.records[0]) + "\n")

    run_script("quiz", "today.py", str(log))

    page.wait_for_text("#news", "daily-20")
    enter("Bob").wait_for_text("#news", "daily-20")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_it_fits_the_screen(enter: Enter, width: int) -> None:
    page = enter("Ann" * 10)
    page.resize(width, 700)
    page.click("#go-on")
    page.wait_for_text("#text", QUESTIONS[0]["text"])

    assert page.run("return document.documentElement.scrollWidth") <= width
