"""Connecting, tokens, and being sent away."""

import uuid
from collections.abc import Iterator

import pytest

from tests.sdks.conftest import Join
from tests.support.sdks.driver import Sdk
from tests.support.sdks.rooms import Rooms, make_token, run_rooms

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def strict_rooms() -> Iterator[Rooms]:
    """The example, where nobody gets in without a token."""
    with run_rooms("inline", is_anonymous=False) as running:
        yield running


def somebody() -> str:
    """Return the ID of a user that no other test has."""
    return f"user-{uuid.uuid4().hex[:8]}"


def test_a_token_says_who_a_client_is(join: Join, room: str) -> None:
    alice = join("alice", room)

    present = alice.call("presence", channel=room)

    me = {"user": "alice", "client": alice.id, "conn_info": {"name": "Alice"}}
    assert present == {alice.id: me}


def test_where_anonymous_users_are_let_in_no_token_is_needed(
    sdk: Sdk, rooms: Rooms, room: str
) -> None:
    client = sdk.open(rooms.url, data={"name": "Guest"})

    client.connect()

    client.subscribe(room)
    me = {"user": "", "client": client.id, "conn_info": {"name": "Guest"}}
    assert client.call("presence", channel=room) == {client.id: me}


def test_elsewhere_a_client_without_a_token_does_not_get_in(
    sdk: Sdk, strict_rooms: Rooms
) -> None:
    client = sdk.open(strict_rooms.url)

    client.call("connect")

    assert client.expect("disconnected")["code"] == 101


@pytest.mark.parametrize("secret", ["another secret, also of 32 bytes."])
def test_a_forged_token_is_final(sdk: Sdk, strict_rooms: Rooms, secret: str) -> None:
    client = sdk.open(strict_rooms.url, token=make_token("alice", secret=secret))

    client.call("connect")

    assert client.expect("disconnected")["code"] in {101, 3500}
    client.expect("connecting")  # the first attempt; there is no other
    assert client.pending("connecting") == []


def test_an_expired_token_is_asked_for_again(sdk: Sdk, rooms: Rooms) -> None:
    expired = make_token("alice", seconds=-60)
    client = sdk.open(rooms.url, tokens=[expired, make_token("alice")])

    client.connect()

    for _ in range(2):
        client.expect("token_asked")
    assert client.call("rpc", method="echo", data=1) == 1


def test_a_token_is_refreshed_before_the_connection_expires(
    sdk: Sdk, rooms: Rooms
) -> None:
    tokens = [make_token("alice", seconds=3), make_token("alice")]
    client = sdk.open(rooms.url, tokens=tokens)
    client.connect()

    for _ in range(2):
        client.expect("token_asked")

    assert client.call("rpc", method="echo", data="still here") == "still here"
    assert client.pending("connected") == []
    assert client.pending("error") == []


def test_a_client_with_one_token_is_gone_when_it_expires(
    sdk: Sdk, strict_rooms: Rooms, room: str
) -> None:
    alice = sdk.open(strict_rooms.url, token=make_token("alice", seconds=2))
    alice.connect()
    alice.subscribe(room)

    # npm's leaves by itself; PyPI's stays until somebody publishes after the grace.
    while not alice.comes("disconnected", seconds=1):
        strict_rooms.call("publish", room, "anybody there?")

    assert alice.expect("disconnected")["code"] == 1  # unauthorized
    assert alice.expect("error", code=12)  # and why: there is no getToken
    assert alice.pending("connected") == []


def test_a_refresh_cannot_turn_a_user_into_another(sdk: Sdk, rooms: Rooms) -> None:
    tokens = [make_token("alice", seconds=3), make_token("bob")]
    client = sdk.open(rooms.url, tokens=tokens)
    client.connect()

    assert client.expect("disconnected")["code"] == 3500


def test_a_banned_user_stays_away(join: Join, rooms: Rooms, room: str) -> None:
    user = somebody()
    banned, also_banned, other = join(user, room), join(user), join("bob", room)

    rooms.call("disconnect", user)

    for client in (banned, also_banned):
        assert client.expect("disconnected")["code"] == 3503
        client.expect("connecting")  # when it came
        assert client.pending("connecting") == []
    assert other.expect("leave", channel=room)["info"]["user"] == user
    assert other.call("rpc", method="echo", data=1) == 1


def test_a_user_who_is_sent_away_for_a_moment_comes_back(
    join: Join, rooms: Rooms, room: str
) -> None:
    alice = join(somebody(), room)

    rooms.call("disconnect", connection=alice.id, code=3011, reason="maintenance")

    assert alice.expect("connected")["id"] != alice.id
    alice.expect("subscribed", channel=room, recovered=True)


def test_clients_of_the_same_user_are_connections_of_their_own(join: Join) -> None:
    assert len({join("alice").id for _ in range(3)}) == 3
