"""The live dashboard: what pages see of what EventBridge tells."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.example_apps import (
    EXAMPLES,
    account,
    assert_allows,
    assert_extends,
    assert_fits,
    dynamodb_actions,
    grow_old,
    imported,
    run_script,
)
from tests.support.servers.gateways import dev, run
from wspubsub.testing import HandshakeRefused, InProcessGateway, TestClient

TEMPLATE = EXAMPLES / "dashboard" / "template.yaml"
AT = "2026-01-01T00:00:00Z"


class Dashboard:
    """The example behind a gateway of its own."""

    def __init__(self) -> None:
        self.app: Any = imported("dashboard/app.py")
        self.gateway = InProcessGateway(self.app.handler)

    def page(self, board: str = "orders") -> TestClient:
        """Return a page that watches and has been told the state."""
        page = self.gateway.connect(query={"board": board})
        page.send({"action": "sync"})
        assert page.receive_json()["type"] == "state"
        return page

    def state(self) -> dict[str, Any]:
        """Return what a new page is told."""
        page = self.gateway.connect()
        page.send({"action": "sync"})
        state: dict[str, Any] = page.receive_json()
        page.close()
        return state

    def order(self, id_: str, cents: object = 1990, kind: str = "order placed") -> None:
        self._tick(id_, "shop", kind, {"cents": cents})

    def minute(self, id_: str) -> None:
        self._tick(id_, "aws.events", "Scheduled Event", {})

    def _tick(self, id_: str, source: str, kind: str, detail: dict[str, Any]) -> None:
        event = {
            "id": id_,
            "source": source,
            "detail-type": kind,
            "time": AT,
            "detail": detail,
        }
        with self.gateway.serving():
            self.app.tick(event, None)


@pytest.fixture
def dashboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dashboard]:
    with account(monkeypatch):
        yield Dashboard()


def test_a_page_sees_an_order_when_it_is_placed(dashboard: Dashboard) -> None:
    page = dashboard.page()

    dashboard.order("o1", 1990)

    seen = page.receive_json()
    position = seen.pop("position")
    assert seen == {"type": "order", "cents": 1990, "at": AT}
    assert position[1] == 1
    page.expect_nothing()


def test_a_minute_has_the_orders_behind_the_one_before(dashboard: Dashboard) -> None:
    page = dashboard.page()
    for number in range(3):
        dashboard.order(f"o{number}", 1000)
    dashboard.minute("m1")
    dashboard.order("o3", 50)

    dashboard.minute("m2")

    shown = [json.loads(text) for text in page.receive_all()]
    minutes = [each for each in shown if each["type"] == "minute"]
    assert [(each["count"], each["cents"]) for each in minutes] == [(3, 3000), (1, 50)]
    assert [each["until"][1] for each in minutes] == [3, 4]


def test_a_minute_without_orders_is_a_minute(dashboard: Dashboard) -> None:
    dashboard.order("o1", 700)
    dashboard.minute("m1")

    dashboard.minute("m2")
    dashboard.minute("m3")

    state = dashboard.state()
    assert [each["count"] for each in state["minutes"]] == [1, 0, 0]
    assert state["open"]["count"] == 0


def test_an_event_that_is_delivered_twice_is_counted_once(dashboard: Dashboard) -> None:
    page = dashboard.page()
    for id_ in ("o1", "o2", "o1"):
        dashboard.order(id_, 100)
    for id_ in ("m1", "m1"):
        dashboard.minute(id_)

    kinds = [json.loads(text)["type"] for text in page.receive_all()]

    assert kinds == ["order", "order", "minute"]
    assert dashboard.state()["minutes"][0]["cents"] == 200


def test_a_new_page_begins_with_the_state(dashboard: Dashboard) -> None:
    empty = dashboard.state()
    dashboard.order("o1", 300)
    dashboard.minute("m1")
    dashboard.order("o2", 40)
    dashboard.order("o3", 2)

    state = dashboard.state()

    nothing = {"count": 0, "cents": 0, "until": None}
    assert empty == {"type": "state", "minutes": [], "open": nothing, "latest": None}
    assert [each["cents"] for each in state["minutes"]] == [300]
    assert (state["open"]["count"], state["open"]["cents"]) == (2, 42)
    assert state["open"]["until"] == state["latest"]["position"]
    assert state["latest"]["cents"] == 2


def test_an_order_during_the_handshake_costs_no_page_its_subscription(
    dashboard: Dashboard,
) -> None:
    app, let_in = dashboard.app, dashboard.app.handler

    def busy(event: Any, context: Any) -> Any:
        response = let_in(event, context)
        if event["requestContext"]["eventType"] == "CONNECT":
            dashboard.order("o1")
        return response

    dashboard.gateway.handler = busy
    page = dashboard.page()

    dashboard.order("o2", 5)

    assert page.receive_json()["cents"] == 5
    assert app.store.topics(page.connection_id) == {"orders", "orders:minutes"}


def test_boards_do_not_mix(dashboard: Dashboard) -> None:
    orders, refunds = dashboard.page("orders"), dashboard.page("refunds")

    dashboard.order("r1", 10, "order refunded")

    assert refunds.receive_json()["cents"] == 10
    orders.expect_nothing()


def test_there_are_no_other_boards(dashboard: Dashboard) -> None:
    with pytest.raises(HandshakeRefused) as refused:
        dashboard.page("salaries")

    assert refused.value.status == 404


@pytest.mark.parametrize(
    "message",
    [
        {"action": "publish", "topic": "orders", "data": {"type": "order"}},
        {"type": "order", "cents": 1},
        "sync",
    ],
)
def test_a_page_cannot_publish(dashboard: Dashboard, message: object) -> None:
    watching, writing = dashboard.page(), dashboard.page()

    writing.send(message)

    writing.expect(
        {
            "type": "error",
            "reason": 'a dashboard only watches: send {"action": "sync"}',
        }
    )
    watching.expect_nothing()


@pytest.mark.parametrize("cents", ["19.90", 19.9, None])
def test_an_order_without_an_amount_is_an_error_and_no_order(
    dashboard: Dashboard, cents: object
) -> None:
    page = dashboard.page()

    with pytest.raises(TypeError, match="cents are a whole number"):
        dashboard.order("o1", cents)

    page.expect_nothing()
    assert dashboard.state()["open"]["count"] == 0


def test_a_page_that_has_left_is_forgotten(dashboard: Dashboard) -> None:
    page = dashboard.page()

    page.close()

    assert dashboard.app.store.connection(page.connection_id) is None
    assert not dashboard.app.store.topics(page.connection_id)


def test_the_role_of_tick_is_enough_and_not_more(
    dashboard: Dashboard, caplog: pytest.LogCaptureFixture
) -> None:
    # One page has left without a word, so that it is found gone and pruned.
    leaving = dashboard.page()
    dashboard.gateway.handler = lambda _event, _context: {"statusCode": 200}
    leaving.kill()
    grow_old(leaving.connection_id)
    caplog.set_level(logging.DEBUG, "botocore.endpoint")
    caplog.clear()
    for id_ in ("o1", "o1"):
        dashboard.order(id_)
    dashboard.minute("m1")

    used = dynamodb_actions(caplog.text)

    assert_allows(TEMPLATE, "TickRole", used)


@pytest.mark.integration
def test_the_template_fits_the_code_and_cfn_lint_has_nothing_to_say() -> None:
    assert_fits(TEMPLATE)


@pytest.mark.integration
def test_what_was_not_added_by_hand_is_what_the_command_prints() -> None:
    printed = run(
        *("template", "app.py:handler", "--format", "sam", "--history"),
        cwd=TEMPLATE.parent,
    ).stdout

    packaged = printed.replace("CodeUri: .", "CodeUri: build")

    added = {"Tick", "TickLogs", "TickRole", "TickFailures"}
    assert_extends(TEMPLATE, packaged, added)


@pytest.mark.integration
def test_the_shop_on_this_machine_reaches_a_page(tmp_path: Path) -> None:
    app = EXAMPLES / "dashboard" / "app.py"
    with dev(f"{app}:handler", "--environments", "1") as gateway:
        log = tmp_path / "dev.jsonl"
        log.write_text(json.dumps(gateway.records[0]) + "\n")
        with gateway.client("?board=orders") as page:
            page.send('{"action": "sync"}')
            assert json.loads(page.recv(timeout=20))["type"] == "state"

            said = run_script(
                "dashboard", "send.py", str(log), "--minutes=1", "--minute-seconds=0.01"
            )

            seen = [json.loads(page.recv(timeout=20))]
            while seen[-1]["type"] != "minute":
                seen.append(json.loads(page.recv(timeout=20)))

    assert said.startswith("minute 1: ")
    assert seen[-1]["count"] == len(seen) - 1
    assert seen[-1]["cents"] == sum(each["cents"] for each in seen[:-1])
