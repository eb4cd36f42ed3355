"""The notifications: what a user's devices get, now and when they are back."""

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
from wspubsub import MessageError
from wspubsub.testing import InProcessGateway, TestClient

SECRET = "a secret of these tests, of 32 bytes"
FOLDER = EXAMPLES / "notifications"
TEMPLATE = FOLDER / "template.yaml"


class Device:
    """A device of a user, connected and subscribed as the page is."""

    def __init__(
        self, gateway: InProcessGateway, token: str, since: list[Any] | None = None
    ) -> None:
        self.client: TestClient = gateway.connect()
        self.connected = self.ask(connect={"token": token})
        if "error" in self.connected:
            return
        self.topic = self.connected["connect"]["data"]["topic"]
        inbox = self.ask(rpc={"method": "inbox"})["rpc"]["data"]
        self.inbox = ids(inbox["messages"])
        epoch, offset = since or inbox["position"]
        recovery = {"recover": True, "epoch": epoch, "offset": offset}
        found = self.ask(subscribe={"channel": self.topic, **recovery})["subscribe"]
        self.missed = ids([each["data"] for each in found.get("publications", ())])
        self.position = [epoch, offset + len(self.missed)]

    def ask(self, **command: Any) -> dict[str, Any]:
        """Return the reply to a command; what had come before it is dropped."""
        self.client.receive_all()
        self.client.send({"id": 1, **command})
        (reply,) = [each for each in self._parts() if each.get("id") == 1]
        return reply

    def read(self, id_: str) -> dict[str, Any]:
        return self.ask(rpc={"method": "read", "data": {"id": id_}})

    def take(self) -> list[dict[str, Any]]:
        """Take what has been published."""
        return [each["push"]["pub"]["data"] for each in self._parts() if "push" in each]

    def _parts(self) -> list[dict[str, Any]]:
        texts = self.client.receive_all()
        return [json.loads(line) for text in texts for line in text.splitlines()]


def ids(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["type"], each["id"]) for each in messages]


class Notifications:
    """The example behind a gateway of its own."""

    def __init__(self) -> None:
        self.app: Any = imported("notifications/app.py")
        self.make_token = imported("notifications/sign_in.py").make_token
        self.gateway = InProcessGateway(self.app.handler)

    def device(self, user: str, since: list[Any] | None = None) -> Device:
        return Device(self.gateway, self.make_token(user, SECRET), since)

    def notify(self, user: str, id_: str, title: str = "Hello") -> dict[str, Any]:
        event = {"user": user, "id": id_, "title": title}
        with self.gateway.serving():
            report: dict[str, Any] = self.app.notify(event, None)
        return report


@pytest.fixture
def notifications(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notifications]:
    monkeypatch.setenv("TOKEN_SECRET", SECRET)
    with account(monkeypatch):
        yield Notifications()


def test_all_devices_of_the_user_get_it_and_nobody_else(
    notifications: Notifications,
) -> None:
    phone, laptop = (notifications.device("alice") for _ in range(2))
    other = notifications.device("bob")

    report = notifications.notify("alice", "parcel-17", "Your parcel is here")

    assert report == {"devices": 2, "repeated": False}
    for device in (phone, laptop):
        (got,) = device.take()
        assert (got["id"], got["title"]) == ("parcel-17", "Your parcel is here")
    assert other.take() == []


def test_who_is_not_connected_gets_it_later(notifications: Notifications) -> None:
    report = notifications.notify("alice", "parcel-17")

    device = notifications.device("alice")

    assert report == {"devices": 0, "repeated": False}
    assert device.inbox == [("notification", "parcel-17")]


def test_a_device_that_was_away_gets_what_it_has_not_seen(
    notifications: Notifications,
) -> None:
    device = notifications.device("alice")
    device.client.close()
    for number in range(52):
        notifications.notify("alice", str(number))

    back = notifications.device("alice", since=device.position)

    assert back.missed == [("notification", str(number)) for number in range(52)]


def test_a_new_device_begins_with_the_newest(notifications: Notifications) -> None:
    for number in range(52):
        notifications.notify("alice", str(number))

    device = notifications.device("alice")

    assert device.inbox == [("notification", str(number)) for number in range(2, 52)]
    assert device.missed == []


def test_the_same_notification_is_published_once(notifications: Notifications) -> None:
    device = notifications.device("alice")
    notifications.notify("alice", "parcel-17")

    again = notifications.notify("alice", "parcel-17")

    assert again == {"repeated": True}
    assert len(device.take()) == 1


def test_two_users_may_have_notifications_of_the_same_id(
    notifications: Notifications,
) -> None:
    reports = [notifications.notify(user, "1") for user in ("alice", "bob")]

    assert [each["repeated"] for each in reports] == [False, False]


def test_what_is_read_on_one_device_is_read_on_the_others(
    notifications: Notifications,
) -> None:
    phone, laptop = (notifications.device("alice") for _ in range(2))
    notifications.notify("alice", "parcel-17")

    for device in (phone, laptop):  # reading it twice is reading it once
        assert "error" not in device.read("parcel-17")

    assert notifications.device("alice").inbox == [
        ("notification", "parcel-17"),
        ("read", "parcel-17"),
    ]


def test_a_device_is_told_what_another_one_has_read(
    notifications: Notifications,
) -> None:
    phone, laptop = (notifications.device("alice") for _ in range(2))

    phone.read("parcel-17")

    assert ids(laptop.take()) == [("read", "parcel-17")]


def test_a_name_may_have_dots(notifications: Notifications) -> None:
    device = notifications.device("alice@mail.example.com")

    report = notifications.notify("alice@mail.example.com", "1")

    assert report["devices"] == 1
    assert ids(device.take()) == [("notification", "1")]


@pytest.mark.parametrize("user", ["", "google:123"])
def test_a_user_who_can_have_no_topic_does_not_get_in(
    notifications: Notifications, user: str
) -> None:
    assert notifications.device(user).connected["error"]["code"] == 101


def test_only_a_token_that_is_good_lets_somebody_in(
    notifications: Notifications,
) -> None:
    good = notifications.make_token("alice", SECRET)
    another = notifications.make_token("alice", "another secret, of 32 bytes too.")

    for token in (another, good[:-2], good.split(".")[0], "..", "älice.1.2", ""):
        refused = Device(notifications.gateway, token).connected
        assert refused["error"]["code"] == 101, token


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"subscribe": {"channel": "user:bob"}}, 103),
        ({"history": {"channel": "user:bob", "limit": 1}}, 103),
        ({"publish": {"channel": "user:alice", "data": {}}}, 103),
        ({"rpc": {"method": "read", "data": {}}}, 107),
        ({"rpc": {"method": "read", "data": {"id": "x" * 201}}}, 107),
    ],
)
def test_nobody_reads_what_is_for_others_or_writes_to_anybody(
    notifications: Notifications, command: dict[str, Any], code: int
) -> None:
    device = notifications.device("alice")

    assert device.ask(**command)["error"]["code"] == code


@pytest.mark.parametrize("name", ["user", "id", "title"])
@pytest.mark.parametrize("value", ["", None, 17, "x" * 201])
def test_nobody_is_notified_of_nonsense(
    notifications: Notifications, name: str, value: object
) -> None:
    event = {"user": "alice", "id": "1", "title": "Hello", name: value}

    with pytest.raises(MessageError, match=f"{name} must be text of 1 to 200 bytes"):
        notifications.app.notify(event, None)

    assert notifications.device("alice").inbox == []


def test_the_longest_titles_fit_into_the_inbox(notifications: Notifications) -> None:
    for number in range(50):
        notifications.notify("alice", f"{number:0>200}", "\x00" * 200)

    assert len(notifications.device("alice").inbox) == 50


@pytest.mark.integration
def test_the_template_fits_the_code_and_cfn_lint_has_nothing_to_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOKEN_SECRET", SECRET)

    assert_fits(TEMPLATE)


@pytest.mark.integration
def test_what_was_not_added_by_hand_is_what_the_command_prints() -> None:
    printed = run(
        *("template", "app.py:handler", "--publisher", "app.py:notify"),
        *("--secret", "TOKEN_SECRET"),
        cwd=FOLDER,
        environ={**CREDENTIALS, "TOKEN_SECRET": SECRET},
    )

    assert printed.returncode == 0, printed.stderr
    added = {"PublisherFailures", "PublisherFailuresPolicy", "PublisherInvokeConfig"}
    assert_extends(TEMPLATE, printed.stdout, added)


@pytest.mark.integration
def test_a_notification_on_this_machine_reaches_a_device(tmp_path: Path) -> None:
    region = {"AWS_REGION": "eu-central-1"}  # which send.py finds in the log
    secret = {"TOKEN_SECRET": SECRET}
    token = run_script("notifications", "sign_in.py", "alice", **secret)
    with dev(
        f"{FOLDER / 'app.py'}:handler", environ={**CREDENTIALS, **region, **secret}
    ) as gateway:
        log = tmp_path / "dev.jsonl"
        log.write_text(json.dumps(gateway.records[0]) + "\n")
        with gateway.client() as device:
            for number, command in enumerate(
                (
                    {"connect": {"token": token}},
                    {"subscribe": {"channel": "user:alice"}},
                ),
                start=1,
            ):
                device.send(json.dumps({"id": number, **command}))
                assert json.loads(device.recv(timeout=20))["id"] == number

            arguments = (str(log), "alice", "parcel-17", "It is here")
            said = run_script("notifications", "send.py", *arguments, **secret)

            text = device.recv(timeout=20)
            while '"pub"' not in str(text):  # a push that clients pass over
                text = device.recv(timeout=20)
            got = json.loads(text)["push"]["pub"]["data"]

    assert said == "{'repeated': False, 'devices': 1}"
    assert (got["id"], got["title"]) == ("parcel-17", "It is here")
