"""Publishing as the server: what clients get is what the application would send."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support.inspector import (
    Entry,
    InspectorClient,
    InspectorError,
    open_inspector,
    subscribe,
)
from tests.support.sdks.driver import Sdk, SdkClient, run_sdk, settle
from tests.support.sdks.rooms import MODES, Rooms, make_token, run_rooms
from tests.support.servers.gateways import DevGateway, dev

pytestmark = pytest.mark.integration

_rooms = count(1)


def test_subscribers_get_the_text_as_it_was_typed(
    chat: DevGateway, inspector: InspectorClient
) -> None:
    text = '{"text":  "hello", "number": 12345678901234567890}'
    with chat.client() as client:
        client.send(subscribe("spoken-to"))
        client.recv()
        report = inspector.call("publish", topic="spoken-to", text=text)
        received = client.recv()

    assert received == text
    assert (report["delivered"], report["gone"]) == (1, [])
    sent = inspector.wait_for(lambda each: each["kind"] == "sent" and _is(each, text))
    cause = inspector.parent_of(inspector.parent_of(sent))
    result = inspector.wait_for(
        lambda each: (each["kind"], each["parent"]) == ("result", cause["n"])
    )
    assert (cause["kind"], cause["method"]) == ("invocation", "publish")
    assert cause["event"] == {"topic": "spoken-to", "data": text}
    assert result["value"]["delivered"] == 1
    with pytest.raises(InspectorError) as caught:
        inspector.call("replay", n=cause["n"])
    assert caught.value.status == 404


def _is(entry: Entry, text: str) -> bool:
    return bool(entry["text"] == text)


@pytest.mark.parametrize("topic", ["", "no\ntopic", 5, None])
def test_what_is_not_a_topic_is_refused(
    inspector: InspectorClient, topic: object
) -> None:
    with pytest.raises(InspectorError) as caught:
        inspector.call("publish", topic=topic, text="x")

    assert caught.value.status == 400
    if topic == "":
        inspector.wait_for(lambda each: "topic" in each.get("error", ""))


BEHIND_A_FUNCTION = """
from wspubsub.pubsub import ANYONE, PubSub, User

pubsub = PubSub.from_environment()
pubsub.connect(lambda request: User(""))
pubsub.topic("news").subscribe(ANYONE)

def handler(event, context):
    return pubsub(event, context)

handler.router = pubsub.router
handler.table_uses = pubsub.table_uses
"""


@pytest.mark.slow
def test_a_pubsub_behind_a_function_is_published_to_as_from_elsewhere(
    tmp_path: Path,
) -> None:
    (tmp_path / "app.py").write_text(BEHIND_A_FUNCTION)
    with dev("app.py:handler", cwd=tmp_path) as gateway, gateway.client() as client:
        client.send('{"id": 1, "connect": {}}')
        client.recv()
        client.send('{"id": 2, "subscribe": {"channel": "news"}}')
        client.recv()
        report = open_inspector(gateway).call("publish", topic="news", text="hello")
        received = json.loads(client.recv())

    assert received["push"] == {"channel": "news", "pub": {"data": "hello"}}
    assert report["delivered"] == 1


@pytest.fixture(scope="module", params=MODES)
def app(request: pytest.FixtureRequest) -> Iterator[Rooms]:
    """A `PubSub`, inline and with its table's stream, and its own `publish`."""
    with run_rooms(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def page(app: Rooms) -> InspectorClient:
    return open_inspector(app.gateway)


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    with run_sdk("centrifuge") as running:
        yield running


@pytest.fixture
def client(sdk: Sdk, app: Rooms) -> Iterator[SdkClient]:
    """A connected client of the SDK for JavaScript."""
    made = sdk.open(app.url, token=make_token("ann"))
    made.connect()
    yield made
    sdk.close_all()


VALUES: tuple[Any, ...] = ({"text": "hello"}, "text", 5, [1, None, "ü"], "two\nlines")


@pytest.mark.slow
def test_a_pubsubs_clients_cannot_tell_it_from_the_application(
    app: Rooms, page: InspectorClient, client: SdkClient
) -> None:
    room = f"room:{next(_rooms)}"
    client.subscribe(room)

    for value in VALUES:
        app.call("publish", room, value)
        page.call("publish", topic=room, text=json.dumps(value, indent=1))

    got = [client.expect("publication", channel=room) for _ in range(2 * len(VALUES))]
    told = [(each["data"], each["offset"], each["info"]) for each in got]
    assert told == [
        (value, offset, None)
        for offset, value in enumerate((v for v in VALUES for _ in range(2)), 1)
    ]
    kept = client.history(room, limit=100)
    assert [each["data"] for each in kept["publications"]] == [each[0] for each in told]
    settle(client)
    assert client.pending("publication") == []


@pytest.mark.slow
def test_history_is_kept_also_if_nobody_has_ever_been_there(
    page: InspectorClient, client: SdkClient
) -> None:
    room = f"room:{next(_rooms)}"
    report = page.call("publish", topic=room, text='{"text": "first"}')
    page.call("publish", topic="news", text="what is not JSON is a text")

    client.subscribe(room)
    client.subscribe("news")

    kept = client.history(room, limit=10)["publications"]
    news = client.expect("publication", channel="news")
    assert [(each["data"], each["offset"]) for each in kept] == [({"text": "first"}, 1)]
    assert report["position"][1] == 1
    assert news["data"] == "what is not JSON is a text"


@pytest.mark.slow
def test_a_topic_without_history_gets_none(
    page: InspectorClient, client: SdkClient
) -> None:
    report = page.call("publish", topic="user:ann", text='"psst"')

    got = client.expect("publication", channel="user:ann")
    assert (got["data"], got["offset"]) == ("psst", 0)
    assert (report["delivered"], report["position"]) == (1, None)
    assert not report["queued"]


@pytest.mark.slow
def test_what_the_application_refuses_is_refused_with_its_reason(
    page: InspectorClient,
) -> None:
    with pytest.raises(InspectorError, match="'lobby' matches none") as caught:
        page.call("publish", topic="lobby", text="{}")

    assert caught.value.status == 400


@pytest.mark.slow
def test_it_is_an_invocation_with_what_it_causes(
    app: Rooms, page: InspectorClient, client: SdkClient
) -> None:
    page.call("publish", topic="user:ann", text='"who"')
    client.expect("publication", channel="user:ann", data="who")

    sent = page.wait_for(
        lambda each: each["kind"] == "sent" and '"who"' in each["text"]
    )
    invocation = page.parent_of(page.parent_of(sent))
    assert (invocation["kind"], invocation["method"]) == ("invocation", "publish")
    assert invocation["event"] == {"topic": "user:ann", "data": "who"}
    page.call("replay", n=invocation["n"])
    assert client.expect("publication", channel="user:ann")["data"] == "who"
    assert app.gateway.process.poll() is None
