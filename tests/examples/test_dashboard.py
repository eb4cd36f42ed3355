"""The live dashboard: what pages see of what EventBridge tells."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.example_apps import (
    EXAMPLES,
    account,
    assert_extends,
    assert_fits,
    imported,
    run_script,
)
from tests.support.servers.gateways import CREDENTIALS, dev, run
from wspubsub.testing import InProcessGateway, TestClient

FOLDER = EXAMPLES / "dashboard"
TEMPLATE = FOLDER / "template.yaml"
AT = "2026-01-01T00:00:00Z"


class Watcher:
    """A page that watches a board, as the example's own page does."""

    hour: Any = None

    def __init__(self, gateway: InProcessGateway, board: str = "orders") -> None:
        self.client: TestClient = gateway.connect()
        self.orders: list[Any] = []
        self.ask(connect={})
        self.ask(subscribe={"channel": f"hour:{board}"})
        epoch, offset = self.hour["until"]
        since = {"recover": True, "epoch": epoch, "offset": offset}
        self.ask(subscribe={"channel": f"orders:{board}", **since})

    def ask(self, **command: Any) -> dict[str, Any]:
        """Send a command and return its reply."""
        self.client.send({"id": 1, **command})
        (reply,) = [each for each in self.take() if each.get("id") == 1]
        for each in reply.get("subscribe", {}).get("publications", ()):
            self._show(command["subscribe"]["channel"], each)
        return reply

    def take(self) -> list[dict[str, Any]]:
        texts = self.client.receive_all()
        parts = [json.loads(line) for text in texts for line in text.splitlines()]
        for push in (part["push"] for part in parts if "push" in part):
            if "pub" in push:
                self._show(push["channel"], push["pub"])
        return parts

    def _show(self, topic: str, publication: dict[str, Any]) -> None:
        if topic.startswith("hour:"):
            self.hour = publication["data"]
        else:
            self.orders.append({**publication["data"], "offset": publication["offset"]})

    @property
    def open(self) -> list[int]:
        """What the minute that is not over comes to."""
        self.take()
        until = self.hour["until"][1]
        return [each["cents"] for each in self.orders if each["offset"] > until]

    @property
    def minutes(self) -> list[list[int]]:
        """Count and cents of the minutes that are over."""
        self.take()
        minutes: list[list[int]] = self.hour["minutes"]
        return minutes


class Dashboard:
    """The example behind a gateway of its own."""

    def __init__(self) -> None:
        self.app: Any = imported("dashboard/app.py")
        self.gateway = InProcessGateway(self.app.handler)

    def page(self, board: str = "orders") -> Watcher:
        return Watcher(self.gateway, board)

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

    page.take()
    assert page.orders == [{"cents": 1990, "at": AT, "offset": 1}]


def test_a_minute_has_the_orders_behind_the_one_before(dashboard: Dashboard) -> None:
    page = dashboard.page()
    for number in range(3):
        dashboard.order(f"o{number}", 1000)
    dashboard.minute("m1")
    dashboard.order("o3", 50)
    assert page.open == [50]

    dashboard.minute("m2")

    assert page.minutes[-2:] == [[3, 3000], [1, 50]]
    assert page.open == []


def test_a_minute_without_orders_is_a_minute(dashboard: Dashboard) -> None:
    dashboard.order("o1", 700)

    for id_ in ("m1", "m2", "m3"):
        dashboard.minute(id_)

    page = dashboard.page()
    assert page.minutes == [[1, 700], [0, 0], [0, 0]]
    assert page.open == []


def test_an_event_that_is_delivered_twice_is_counted_once(dashboard: Dashboard) -> None:
    page = dashboard.page()
    for id_ in ("o1", "o2", "o1"):
        dashboard.order(id_, 100)
    dashboard.minute("m1")
    dashboard.order("o3", 7)
    dashboard.minute("m1")

    assert page.minutes[-1] == [2, 200]
    assert [each["cents"] for each in page.orders] == [100, 100, 7]
    assert page.open == [7]


def test_a_new_page_begins_with_the_last_hour(dashboard: Dashboard) -> None:
    dashboard.order("o1", 300)
    dashboard.minute("m1")
    dashboard.order("o2", 40)
    dashboard.order("o3", 2)

    page = dashboard.page()

    assert page.minutes == [[1, 300]]
    assert page.open == [40, 2]
    assert page.hour["latest"] == {"cents": 300, "at": AT}


def test_a_page_that_comes_before_the_first_minute_watches_too(
    dashboard: Dashboard,
) -> None:
    dashboard.order("o1", 5)

    first, second = dashboard.page(), dashboard.page()
    dashboard.order("o2", 6)

    for page in (first, second):
        assert page.minutes == [[1, 5]]
        assert page.open == [6]


def test_an_hour_has_sixty_minutes(dashboard: Dashboard) -> None:
    dashboard.minute("m1")
    hour = {**dashboard.page().hour, "minutes": [[0, 0], *[[1, 1]] * 59]}
    with dashboard.gateway.serving():
        dashboard.app.pubsub.publish("hour:orders", hour)
    dashboard.order("o1", 2)

    dashboard.minute("m2")

    assert dashboard.page().minutes == [*[[1, 1]] * 59, [1, 2]]


def test_a_minute_can_have_more_orders_than_a_page_of_the_history(
    dashboard: Dashboard,
) -> None:
    with dashboard.gateway.serving():
        for _ in range(301):  # without a key, which takes longer
            dashboard.app.pubsub.publish("orders:orders", {"cents": 1, "at": AT})

    dashboard.minute("m1")

    assert dashboard.page().minutes == [[301, 301]]


def test_orders_of_another_time_do_not_stop_the_minutes(dashboard: Dashboard) -> None:
    dashboard.minute("m1")
    hour = {**dashboard.page().hour, "until": ["another log", 7]}
    with dashboard.gateway.serving():
        dashboard.app.pubsub.publish("hour:orders", hour)
    dashboard.order("o1", 3)

    dashboard.minute("m2")

    assert dashboard.page().minutes == [[0, 0], [1, 3]]


def test_boards_do_not_mix(dashboard: Dashboard) -> None:
    orders, refunds = dashboard.page("orders"), dashboard.page("refunds")

    dashboard.order("r1", 10, "order refunded")

    assert refunds.open == [10]
    assert orders.open == []


def test_there_are_no_other_boards(dashboard: Dashboard) -> None:
    page = dashboard.page()

    for topic in ("hour:salaries", "orders:salaries"):
        refused = page.ask(subscribe={"channel": topic})
        assert refused["error"]["code"] == 102


@pytest.mark.parametrize(
    "command",
    [
        {"publish": {"channel": "orders:orders", "data": {"cents": 1, "at": AT}}},
        {"publish": {"channel": "hour:orders", "data": {"minutes": []}}},
        {"rpc": {"method": "tick"}},
    ],
)
def test_a_page_cannot_publish(dashboard: Dashboard, command: dict[str, Any]) -> None:
    watching, writing = dashboard.page(), dashboard.page()

    assert writing.ask(**command)["error"]["code"] in {103, 104}

    assert watching.open == []


@pytest.mark.parametrize("cents", ["19.90", 19.9, None])
def test_an_order_without_an_amount_is_an_error_and_no_order(
    dashboard: Dashboard, cents: object
) -> None:
    page = dashboard.page()

    with pytest.raises(TypeError, match="cents are a whole number"):
        dashboard.order("o1", cents)

    assert page.open == []


@pytest.mark.integration
def test_the_template_fits_the_code_and_cfn_lint_has_nothing_to_say() -> None:
    assert_fits(TEMPLATE)


@pytest.mark.integration
def test_what_was_not_added_by_hand_is_what_the_command_prints() -> None:
    printed = run(
        *("template", "app.py:handler", "--format", "sam", "--code-uri", "build"),
        *("--publisher", "app.py:tick", "--schedule", "rate(1 minute)"),
        cwd=FOLDER,
        environ=CREDENTIALS,
    )

    assert printed.returncode == 0, printed.stderr
    failures = {"PublisherFailures", "PublisherFailuresPolicy", "PublisherInvokeConfig"}
    shop = {"ShopEvents", "ShopEventsPermission"}
    assert_extends(TEMPLATE, printed.stdout, failures | shop)


@pytest.mark.integration
def test_the_shop_on_this_machine_reaches_a_page(tmp_path: Path) -> None:
    with dev(f"{FOLDER / 'app.py'}:handler", environ=CREDENTIALS) as gateway:
        log = tmp_path / "dev.jsonl"
        log.write_text(json.dumps(gateway.records[0]) + "\n")
        with gateway.client() as page:
            page.send('{"id": 1, "connect": {}}')
            page.send('{"id": 2, "subscribe": {"channel": "orders:orders"}}')
            page.send('{"id": 3, "subscribe": {"channel": "hour:orders"}}')
            while '"id":3' not in str(page.recv(timeout=20)):
                pass

            said = run_script(
                "dashboard", "send.py", str(log), "--minutes=1", "--minute-seconds=0.01"
            )

            seen: list[int] = []
            hour: Any = {"minutes": []}  # then the one that the page has begun
            while len(hour["minutes"]) < 2 or len(seen) < hour["minutes"][-1][0]:
                for line in str(page.recv(timeout=20)).splitlines():
                    push = json.loads(line)["push"]
                    if push["channel"] == "hour:orders":
                        hour = push["pub"]["data"]
                    elif push["channel"] == "orders:orders":
                        seen.append(push["pub"]["data"]["cents"])

    assert said.startswith("minute 1: ")
    assert hour["minutes"][-1] == [len(seen), sum(seen)]
