"""The page of the notifications, on two devices in a real browser."""

import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.examples.pages import copy_page
from tests.support.browser import Browser, Page
from tests.support.example_apps import EXAMPLES, imported, run_script
from tests.support.servers.cuttable import Wire
from tests.support.servers.gateways import CREDENTIALS, DevGateway, dev

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

FOLDER = EXAMPLES / "notifications"
SECRET = {"TOKEN_SECRET": "a secret of these tests, of 32 bytes"}
BUTTON = "#list li.unread button"

_numbers = count(1)


@pytest.fixture(scope="module")
def gateway() -> Iterator[DevGateway]:
    environ = {**CREDENTIALS, **SECRET}
    with dev(f"{FOLDER / 'app.py'}:handler", environ=environ) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's page, after the first commands of its README."""
    return copy_page([FOLDER / "index.html"], tmp_path_factory.mktemp("page"))


@pytest.fixture
def user() -> str:
    """A user whom no other test has."""
    return f"user-{next(_numbers)}"


Device = Callable[[], Page]


@pytest.fixture
def device(
    browser: Browser, folder: Path, gateway: DevGateway, wire: Wire, user: str
) -> Device:
    url = wire.reroute(gateway.url)
    token = imported("notifications/sign_in.py").make_token(user, *SECRET.values())

    def device() -> Page:
        """Open the page in another tab, signed in."""
        page = browser.new_page()
        fragment = urlencode({"url": url, "token": token})
        page.open(f"{(folder / 'index.html').as_uri()}#{fragment}")
        page.wait_for_text("#connection", "connected")
        return page

    return device


Notify = Callable[[str], str]


@pytest.fixture
def notify(gateway: DevGateway, tmp_path: Path, user: str) -> Notify:
    log = tmp_path / "dev.jsonl"
    log.write_text(json.dumps(gateway.records[0]) + "\n")

    def notify(id_: str) -> str:
        arguments = (str(log), user, id_, f"{id_}!")
        return run_script("notifications", "send.py", *arguments, **SECRET)

    return notify


def test_what_is_read_on_one_device_is_read_on_both(
    device: Device, notify: Notify
) -> None:
    notify("before")
    phone, laptop = device(), device()
    for page in (phone, laptop):
        page.wait_for_text("#badge", "1 unread")

    notify("parcel")
    for page in (phone, laptop):
        page.wait_for_text("#list li:first-child .title", "parcel!")
    phone.click(BUTTON)

    for page in (phone, laptop):
        page.wait_for_text("#badge", "1 unread")
        assert page.run("return document.querySelector('#list .unread').innerText")
        assert page.complaints() == []


def test_a_device_that_was_away_has_all_when_it_is_back(
    device: Device, notify: Notify, wire: Wire
) -> None:
    phone, laptop = device(), device()
    notify("parcel")
    for page in (phone, laptop):
        page.wait_for_text("#badge", "1 unread")

    phone.click("#toggle")
    phone.wait_for_text("#connection", "offline")
    phone.click(BUTTON)
    notify("invoice")
    laptop.wait_for_text("#badge", "2 unread")
    phone.click("#toggle")
    for page in (phone, laptop):
        page.wait_for_text("#badge", "1 unread")
        page.wait_for_text("#list .unread .title", "invoice!")

    wire.cut()
    laptop.wait_for_text("#connection", "trying again")
    notify("letter")
    wire.mend()
    for page in (phone, laptop):
        page.wait_for_text("#badge", "2 unread")


@pytest.mark.parametrize("width", [320, 1280])
def test_it_fits_the_screen(device: Device, notify: Notify, width: int) -> None:
    page = device()
    page.resize(width, 700)
    notify("x" * 150)
    page.wait_for_text("#badge", "1 unread")

    assert page.run("return document.documentElement.scrollWidth") <= width
