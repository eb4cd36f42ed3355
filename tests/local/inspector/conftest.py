"""What the tests of the inspector's page share."""

from collections.abc import Iterator

import pytest

from tests.support.browser import Browser, run_browser
from tests.support.inspector import InspectorClient, open_inspector
from tests.support.inspector_page import InspectorPage, open_page
from tests.support.members import serve_rooms
from tests.support.servers.gateways import CHAT, DevGateway, dev


@pytest.fixture(scope="module")
def inspector(chat: DevGateway) -> InspectorClient:
    """The inspector of a gateway that other tests talk to as well."""
    return open_inspector(chat)


@pytest.fixture(scope="module")
def rooms() -> Iterator[DevGateway]:
    """A `PubSub`, to which clients may come without a token."""
    with serve_rooms() as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser, each of whose tabs has storage of its own."""
    with run_browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def gateway() -> Iterator[DevGateway]:
    """A gateway that nobody else talks to."""
    with dev(f"{CHAT}:handler", "--environments", "1") as running:
        yield running


@pytest.fixture
def page(browser: Browser, gateway: DevGateway) -> Iterator[InspectorPage]:
    """The page of that gateway, without what other tests have done."""
    page = open_page(browser, gateway)
    page.clear()
    page.page.wait_for_text("#activity-state", "0 trees")
    yield page
    # What the gateway refuses, the browser calls an error; the page shows the reason.
    refused = "400 (Bad Request)"
    assert [each for each in page.page.complaints() if refused not in str(each)] == []
    page.page.open("about:blank")
