"""The page of the dashboard, in a real browser, while the shop sells."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.examples.pages import copy_page
from tests.support.browser import Browser, Page
from tests.support.example_apps import EXAMPLES, run_script
from tests.support.servers.cuttable import Wire
from tests.support.servers.gateways import CREDENTIALS, DevGateway, dev

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

FOLDER = EXAMPLES / "dashboard"


@pytest.fixture(scope="module")
def gateway() -> Iterator[DevGateway]:
    with dev(f"{FOLDER / 'app.py'}:handler", environ=CREDENTIALS) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's page, after the first commands of its README."""
    return copy_page([FOLDER / "index.html"], tmp_path_factory.mktemp("page"))


Watch = Callable[[str], Page]


@pytest.fixture
def watch(browser: Browser, folder: Path, gateway: DevGateway, wire: Wire) -> Watch:
    url = wire.reroute(gateway.url)

    def watch(board: str) -> Page:
        page = browser.new_page()
        query = urlencode({"url": url, "board": board})
        page.open(f"{(folder / 'index.html').as_uri()}?{query}")
        return page

    return watch


@pytest.fixture
def sell(gateway: DevGateway, tmp_path: Path) -> Callable[[], None]:
    log = tmp_path / "dev.jsonl"
    log.write_text(json.dumps(gateway.records[0]) + "\n")

    def sell() -> None:
        """Be the shop for a minute."""
        arguments = (str(log), "--minutes=1", "--minute-seconds=0.01")
        run_script("dashboard", "send.py", *arguments)

    return sell


def test_pages_show_the_same_hour_also_after_they_were_away(
    watch: Watch, sell: Callable[[], None], wire: Wire
) -> None:
    first = watch("orders")
    first.wait_for_text("#connection", "live")
    assert first.run("return document.querySelector('#count').innerText") == "0"
    sell()
    first.wait_for("return document.querySelectorAll('rect').length === 3")
    first.wait_for("return document.querySelector('#open').innerText === '0'")
    assert first.complaints() == []

    wire.cut()
    first.wait_for_text("#connection", "trying again")
    sell()
    wire.mend()
    first.wait_for_text("#connection", "live")
    first.wait_for("return document.querySelectorAll('rect').length === 4")

    second = watch("orders")
    second.wait_for("return document.querySelectorAll('rect').length === 4")
    shown = "return document.querySelector('main').innerText"
    assert first.run(shown) == second.run(shown)
    assert "Latest: " in first.run(shown)
    assert second.complaints() == []


def test_a_board_that_is_none_says_so(watch: Watch) -> None:
    page = watch("salaries")

    page.wait_for_text("#connection", "unknown channel")


@pytest.mark.parametrize("width", [320, 1280])
def test_it_fits_the_screen(watch: Watch, width: int) -> None:
    page = watch("refunds")
    page.wait_for_text("#connection", "live")

    page.resize(width, 700)

    assert page.run("return document.documentElement.scrollWidth") <= width
