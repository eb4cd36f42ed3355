"""What API Gateway says when a function fails is no message of the protocol."""

from collections.abc import Iterator

import pytest

from tests.support.sdks.driver import Sdk, SdkClient, SdkError
from tests.support.sdks.rooms import Rooms, run_rooms
from tests.support.servers.gateways import APPS

pytestmark = [pytest.mark.integration, pytest.mark.slow]

FUNCTION_SECONDS = 2


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    timeout = ("--timeout", str(FUNCTION_SECONDS))
    with run_rooms("inline", *timeout, app=APPS / "troubled.py") as running:
        yield running


@pytest.fixture
def alice(sdk: Sdk, rooms: Rooms, room: str) -> SdkClient:
    """A client in the room, which waits a second and a half for each reply."""
    client = sdk.open(rooms.url, token="alice", timeout=1.5, max_ping_delay=1.0)
    client.connect()
    client.subscribe(room)
    return client


@pytest.mark.parametrize("method", ["raise", "answer nonsense"])
def test_of_an_error_only_that_there_was_one_is_told(
    alice: SdkClient, method: str
) -> None:
    with pytest.raises(SdkError) as failed:
        alice.call("rpc", method=method, data=None)

    assert failed.value.code == 100
    assert "secret" not in failed.value.message
    assert alice.call("rpc", method="echo", data=1) == 1
    assert alice.pending("disconnected") == []


@pytest.mark.parametrize("method", ["die", "hang"])
def test_a_function_that_dies_costs_a_client_nothing_but_its_reply(
    alice: SdkClient, rooms: Rooms, room: str, method: str
) -> None:
    with pytest.raises(SdkError):
        alice.call("rpc", method=method, data=None)
    rooms.gateway.wait_for(
        lambda each: (
            each["kind"] == "sent"
            and each["connection_id"] == alice.id
            and "requestId" in each["text"]
        )
    )
    rooms.call("publish", room, "still there?")

    # centrifuge-python takes the gateway's words for a ping and waits for the next one
    # in vain, so it connects again; what is published is recovered.
    assert alice.expect("publication", channel=room)["data"] == "still there?"
    assert alice.pending("disconnected") == []
