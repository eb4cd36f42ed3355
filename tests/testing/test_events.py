"""The functions that make events."""

from wspubsub import (
    ConnectEvent,
    DisconnectEvent,
    MessageEvent,
    Router,
    parse_event,
)
from wspubsub.testing import (
    GatewayConfig,
    authorizer_event,
    connect_event,
    disconnect_event,
    message_event,
)


def test_a_connect_event_has_what_the_client_sent() -> None:
    event = parse_event(
        connect_event(
            connection_id="AAAAAAAAAAAAAAA=",
            query=[("room", "a"), ("room", "b")],
            headers={"Origin": "https://a"},
            subprotocols=["v1", "v2"],
            source_ip="192.0.2.1",
            authorizer={"principalId": "u"},
            at=1_700_000_000.5,
            config=GatewayConfig(stage="prod", stage_variables={"a": "b"}),
        )
    )

    assert isinstance(event, ConnectEvent)
    assert event.connection_id == "AAAAAAAAAAAAAAA="
    assert event.multi_query == {"room": ("a", "b")}
    assert event.headers["origin"] == "https://a"
    assert event.subprotocols == ("v1", "v2")
    assert event.source_ip == "192.0.2.1"
    assert event.principal == "u"
    assert event.connected_at == 1_700_000_000.5
    assert (event.stage, event.stage_variables) == ("prod", {"a": "b"})


def test_a_message_event_has_its_route_and_text() -> None:
    event = parse_event(
        message_event(
            {"action": "join"},
            route_key="join",
            authorizer={"principalId": "u"},
            at=1_700_000_060.0,
            connected_at=1_700_000_000.0,
        )
    )

    assert isinstance(event, MessageEvent)
    assert event.route_key == "join"
    assert event.json() == {"action": "join"}
    assert event.principal == "u"
    assert (event.connected_at, event.requested_at) == (
        1_700_000_000.0,
        1_700_000_060.0,
    )
    assert event.message_id[-8:] == event.connection_id[-8:]


def test_a_disconnect_event_is_that_of_a_browser_unless_told_otherwise() -> None:
    browser = parse_event(disconnect_event())
    idle = parse_event(disconnect_event(code=1001, reason="Going away"))
    silent = parse_event(disconnect_event(code=1000, connected_at=1.0))

    assert isinstance(browser, DisconnectEvent)
    assert isinstance(idle, DisconnectEvent)
    assert isinstance(silent, DisconnectEvent)
    assert (browser.status_code, browser.reason) == (
        1005,
        "Client-side close frame status not set",
    )
    assert (idle.status_code, idle.reason) == (1001, "Going away")
    assert (silent.status_code, silent.reason) == (1000, "")


def test_an_authorizer_event_names_the_method() -> None:
    event = authorizer_event(query="token=t", config=GatewayConfig(stage="prod"))

    assert event["methodArn"].endswith(":local00000/prod/$connect")
    assert event["queryStringParameters"] == {"token": "t"}
    assert event["type"] == "REQUEST"


def test_the_same_call_gives_the_same_event() -> None:
    assert message_event("x") == message_event("x")
    assert connect_event() == connect_event()
    assert connect_event() != connect_event(connection_id="AAAAAAAAAAAAAAA=")


def test_a_router_takes_a_made_event() -> None:
    router = Router()
    seen: list[str] = []

    @router.route("join")
    def join(event: MessageEvent) -> str:
        seen.append(event.body)
        return "joined"

    response = router(message_event('{"action":"join"}'))

    assert response == {"statusCode": 200, "body": "joined"}
    assert seen == ['{"action":"join"}']
