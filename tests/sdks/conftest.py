"""The SDKs as they are published, against examples/rooms under `wspubsub dev`."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.support.sdks.driver import SDKS, Sdk, SdkClient, run_sdk
from tests.support.sdks.rooms import MODES, Rooms, make_token, run_rooms

_rooms = count(1)


@pytest.fixture(scope="module", params=MODES)
def rooms(request: pytest.FixtureRequest) -> Iterator[Rooms]:
    """The example, inline and with its table's stream."""
    with run_rooms(request.param) as running:
        yield running


@pytest.fixture(scope="module", params=SDKS)
def process(request: pytest.FixtureRequest) -> Iterator[Sdk]:
    with run_sdk(request.param) as running:
        yield running


@pytest.fixture
def sdk(process: Sdk) -> Iterator[Sdk]:
    """An SDK; what a test has connected is disconnected at its end."""
    yield process
    process.close_all()


@pytest.fixture
def room() -> str:
    """A room that no other test is in."""
    return f"room:{next(_rooms)}"


class Join:
    """Connects users, each as often as a test wants."""

    def __init__(self, sdk: Sdk, rooms: Rooms) -> None:
        self._sdk = sdk
        self._rooms = rooms

    def __call__(self, user: str, *topics: str) -> SdkClient:
        """Return a connected client of a user, subscribed to topics."""
        token = make_token(user, info={"name": user.title()})
        client = self._sdk.open(self._rooms.url, token=token)
        client.connect()
        for topic in topics:
            client.subscribe(topic)
        return client


@pytest.fixture
def join(sdk: Sdk, rooms: Rooms) -> Join:
    return Join(sdk, rooms)
