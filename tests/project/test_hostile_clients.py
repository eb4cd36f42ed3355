"""An application that anybody may send anything to."""

import json

from hypothesis import given, settings, strategies as st

from tests.support.strategies import json_values
from wspubsub import (
    ConnectEvent,
    MemorySubscriptionStore,
    MemoryTopicLog,
    MessageEvent,
    Position,
    Publisher,
    Router,
)
from wspubsub.testing import RecordingConnections, connect_event, message_event

ODD_NUMBERS = ["1e999", "-1e999", "9" * 400, "NaN", "1" + "0" * 200]
ODD_TEXTS = ['"\\ud800"', '"\\u0000"', '""', '".."', f'"{"x" * 300}"']
NESTED = ["[" * 200 + "]" * 200]


def make_router() -> Router:
    store = MemorySubscriptionStore()
    log = MemoryTopicLog()
    publisher = Publisher(store, RecordingConnections(), log=log)
    router = Router()

    @router.connect
    def connect(event: ConnectEvent) -> None:
        store.connect(event.connection)
        store.subscribe(event.connection_id, event.query.get("topic", "news"))

    @router.route("subscribe")
    def subscribe(event: MessageEvent) -> None:
        topics, since = event.fields(topics=str | list[str], since=(object, None))
        for topic in [topics] if isinstance(topics, str) else topics:
            log.read(topic, Position.parse(since))
            store.subscribe(event.connection_id, topic)

    @router.route("say")
    def say(event: MessageEvent) -> None:
        topic, data, key = event.fields(topic=str, data=object, key=str | None)
        publisher.publish(topic, data, key=key, exclude={event.connection_id})

    @router.route("tell")
    def tell(event: MessageEvent) -> None:
        to, data = event.fields(to=str, data=(object, "hello"))
        publisher.post(to, data, timeout_seconds=0)

    @router.route("close")
    def close(event: MessageEvent) -> None:
        (connection_id,) = event.fields(to=str)
        publisher.close(connection_id)

    @router.default
    def echo(event: MessageEvent) -> object:
        return event.json()

    return router


values = json_values.map(json.dumps) | st.sampled_from(
    [*ODD_NUMBERS, *ODD_TEXTS, *NESTED]
)
anything = st.text(st.characters())  # halves of surrogate pairs too
names = st.sampled_from(["topic", "topics", "data", "key", "to", "since", "statusCode"])


@st.composite
def objects(draw: st.DrawFn) -> str:
    """Draw a JSON object that one of the handlers is for."""
    action = draw(
        st.sampled_from(["subscribe", "say", "tell", "close", "x", "$connect"])
    )
    members = draw(st.dictionaries(names, values, max_size=4))
    fields = {"action": json.dumps(action), **members}
    return "{" + ", ".join(f'"{name}": {text}' for name, text in fields.items()) + "}"


@settings(max_examples=300, deadline=None)
@given(objects() | values | anything)
def test_nothing_that_a_client_sends_is_an_error_of_the_function(text: str) -> None:
    result = make_router()(message_event(text))

    assert result["statusCode"] in {200, 400}
    assert json.dumps(result, ensure_ascii=False).encode()


@given(st.text())  # a query cannot carry half of a surrogate pair
def test_nothing_that_a_client_asks_for_lets_it_in_by_mistake(topic: str) -> None:
    result = make_router()(connect_event(query={"topic": topic}))

    assert result["statusCode"] in {200, 400}
