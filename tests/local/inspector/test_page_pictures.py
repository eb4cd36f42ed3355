"""The documentation's pictures of the page, which these tests look at and make.

With WSPUBSUB_DRAW=1 they replace those in `docs/_static`.
"""

import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.browser import Browser
from tests.support.inspector import say, subscribe
from tests.support.inspector_page import PHONE, InspectorPage, open_page
from tests.support.servers.gateways import APPS, CREDENTIALS, ROOT, DevGateway, dev

pytestmark = [pytest.mark.integration, pytest.mark.slow]

FOLDER = ROOT / "docs" / "_static"
WIDE = (1100, 560)


@contextmanager
def talk(gateway: DevGateway, page: InspectorPage) -> Iterator[None]:
    """Have one client publish to another; both stay connected."""
    with gateway.client() as reader, gateway.client() as writer:
        reader.send(subscribe("news"))
        reader.recv()
        writer.send(say("news", "hello"))
        reader.recv()
        page.wait_for_row("message returned 200")
        page.wait_for_row("log", "published to news")
        yield


def keep(page: InspectorPage, name: str, size: tuple[int, int]) -> None:
    """Check that a picture has its size and is in the documentation; or replace it."""
    # Tracebacks name the folder of this checkout, which is nobody else's.
    page.page.run(
        "const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);"
        "for (let each; (each = texts.nextNode());) each.data = "
        f"each.data.replaceAll({json.dumps(str(ROOT))}, '/home/ann/app');"
    )
    picture = page.page.screenshot()
    path = FOLDER / name
    if os.environ.get("WSPUBSUB_DRAW"):
        path.write_bytes(picture)
    assert size_of(picture) == size_of(path.read_bytes()) == size
    assert path.stat().st_size < 120_000
    assert name in Path(ROOT / "docs/how-to/look-inside.md").read_text()


def size_of(picture: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def test_a_publish(browser: Browser, gateway: DevGateway) -> None:
    page = open_page(browser, gateway, WIDE)
    with talk(gateway, page):
        keep(page, "inspector-activity.png", WIDE)


def test_a_failure(browser: Browser) -> None:
    environ = {**CREDENTIALS, "MISTAKE": "raise"}
    with dev(f"{APPS / 'mistaken.py'}:handler", environ=environ) as gateway:
        page = open_page(browser, gateway, WIDE)
        with gateway.client() as client:
            said = {"action": "message", "topic": "news", "text": "hello"}
            client.send(json.dumps(said))
            page.select("message failed", "KeyError")
            page.details("Traceback")

            keep(page, "inspector-failure.png", WIDE)


def test_a_phone(browser: Browser, gateway: DevGateway) -> None:
    page = open_page(browser, gateway, PHONE)
    page.page.resize(*PHONE, is_dark=True)
    page.clear()
    with talk(gateway, page):
        keep(page, "inspector-phone.png", PHONE)
