"""The notifications: what a user's devices get, now and when they are back."""

import hmac
import json
import logging
import time
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
from tests.support.servers.gateways import CREDENTIALS, dev, run
from wspubsub import MessageError
from wspubsub.testing import (
    GatewayConfig,
    HandshakeRefused,
    InProcessGateway,
    TestClient,
)

SECRET = "a secret of these tests"
TEMPLATE = EXAMPLES / "notifications" / "template.yaml"
SOURCE = "route.request.querystring.token"


class Notifications:
    """The example behind a gateway of its own."""

    def __init__(self) -> None:
        self.app: Any = imported("notifications/app.py")
        self.signed = imported("notifications/sign_in.py").signed
        self.gateway = InProcessGateway(
            self.app.handler,
            authorizer=imported("notifications/authorizer.py").handler,
            config=GatewayConfig(has_authorizer=True, identity_sources=(SOURCE,)),
        )

    def device(self, user: str) -> TestClient:
        """Return a device that is connected and has not said anything yet."""
        return self.gateway.connect(query={"token": self.signed(user, SECRET)})

    def resumed(self, user: str) -> TestClient:
        """Return a device that gets what is published from now on."""
        device = self.device(user)
        missed(device)
        return device

    def notify(self, user: str, id_: str, title: str = "Hello") -> dict[str, Any]:
        with self.gateway.serving():
            report: dict[str, Any] = self.app.notify(
                {"user": user, "id": id_, "title": title}, None
            )
        return report


def missed(device: TestClient, since: object = None) -> dict[str, Any]:
    """Return what a device is told that it has missed."""
    device.send({"action": "resume", "since": since})
    resumed: dict[str, Any] = device.receive_json()
    assert resumed["type"] == "resumed"
    return resumed


def ids(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["type"], each["id"]) for each in messages]


@pytest.fixture
def notifications(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notifications]:
    monkeypatch.setenv("TOKEN_SECRET", SECRET)
    with account(monkeypatch):
        yield Notifications()


def test_all_devices_of_the_user_get_it_and_nobody_else(
    notifications: Notifications,
) -> None:
    phone, laptop = (notifications.resumed("alice") for _ in range(2))
    other = notifications.resumed("bob")

    report = notifications.notify("alice", "parcel-17", "Your parcel is here")

    assert report == {"devices": 2, "repeated": False}
    for device in (phone, laptop):
        got = device.receive_json()
        assert (got["id"], got["title"]) == ("parcel-17", "Your parcel is here")
    other.expect_nothing()


def test_who_is_not_connected_gets_it_later(notifications: Notifications) -> None:
    report = notifications.notify("alice", "parcel-17")

    replay = missed(notifications.device("alice"))

    assert report == {"devices": 0, "repeated": False}
    assert ids(replay["messages"]) == [("notification", "parcel-17")]
    assert replay["recovered"]


def test_a_device_that_was_away_gets_what_it_has_not_seen(
    notifications: Notifications,
) -> None:
    device = notifications.resumed("alice")
    notifications.notify("alice", "first")
    seen = device.receive_json()["position"]
    device.close()
    notifications.notify("alice", "second")
    notifications.notify("alice", "third")

    replay = missed(notifications.device("alice"), seen)

    assert ids(replay["messages"]) == [
        ("notification", "second"),
        ("notification", "third"),
    ]
    assert replay["position"] == [seen[0], seen[1] + 2]
    assert not replay["has_more"]


def test_a_device_that_came_before_the_first_notification_misses_none(
    notifications: Notifications,
) -> None:
    device = notifications.device("alice")
    seen = missed(device)["position"]
    device.close()
    for number in range(52):
        notifications.notify("alice", str(number))

    replay = missed(notifications.device("alice"), seen)

    assert ids(replay["messages"])[0] == ("notification", "0")
    assert replay["recovered"]
    assert replay["has_more"]


def test_a_long_absence_comes_in_parts(notifications: Notifications) -> None:
    for number in range(52):
        notifications.notify("alice", str(number))
    device = notifications.device("alice")
    epoch, newest = missed(device)["position"]

    first = missed(device, [epoch, 0])
    second = missed(device, first["position"])

    assert newest == 52
    assert (len(first["messages"]), first["has_more"]) == (50, True)
    assert ids(second["messages"]) == [("notification", "50"), ("notification", "51")]


def test_a_position_of_another_log_is_not_recovered(
    notifications: Notifications,
) -> None:
    notifications.notify("alice", "parcel-17")

    replay = missed(notifications.device("alice"), ["another log", 1])

    assert (replay["recovered"], replay["messages"]) == (False, [])


def test_the_same_notification_is_published_once(notifications: Notifications) -> None:
    device = notifications.resumed("alice")
    notifications.notify("alice", "parcel-17")

    again = notifications.notify("alice", "parcel-17")

    assert again == {"devices": 0, "repeated": True}
    assert len(device.receive_all()) == 1


def test_two_users_may_have_notifications_of_the_same_id(
    notifications: Notifications,
) -> None:
    reports = [notifications.notify(user, "1") for user in ("alice", "bob")]

    assert [each["repeated"] for each in reports] == [False, False]


def test_what_is_read_on_one_device_is_read_on_the_others(
    notifications: Notifications,
) -> None:
    phone, laptop = (notifications.resumed("alice") for _ in range(2))
    notifications.notify("alice", "parcel-17")
    for device in (phone, laptop):
        device.receive()

    phone.send({"action": "read", "id": "parcel-17"})

    read, done = laptop.receive_json(), phone.receive_json()
    assert (read["type"], read["id"]) == ("read", "parcel-17")
    assert done == {"type": "done", "id": "parcel-17", "position": read["position"]}
    phone.expect_nothing()
    assert ids(missed(notifications.device("alice"))["messages"]) == [
        ("notification", "parcel-17"),
        ("read", "parcel-17"),
    ]


def test_reading_it_twice_is_reading_it_once(notifications: Notifications) -> None:
    phone, laptop = (notifications.resumed("alice") for _ in range(2))

    for device in (phone, laptop):
        device.send({"action": "read", "id": "parcel-17"})

    assert [json.loads(text)["type"] for text in phone.receive_all()] == ["done"]
    assert [json.loads(text)["type"] for text in laptop.receive_all()] == [
        "read",
        "done",
    ]


def test_a_name_may_have_dots(notifications: Notifications) -> None:
    device = notifications.resumed("alice@mail.example.com")

    report = notifications.notify("alice@mail.example.com", "1")

    assert report["devices"] == 1
    assert device.receive_json()["id"] == "1"


def test_only_a_token_that_is_good_lets_somebody_in(
    notifications: Notifications,
) -> None:
    good = notifications.signed("alice", SECRET)
    _, expiry, signature = good.split(".")
    late = f"alice.{int(time.time()) - 1}"
    expired = f"{late}.{hmac.digest(SECRET.encode(), late.encode(), 'sha256').hex()}"
    tokens = [
        notifications.signed("alice", "another secret"),
        f"bob.{expiry}.{signature}",
        f"alice.{int(expiry) + 1}.{signature}",
        expired,
        "alice",
        "..",
        "älice.1.2",
    ]

    for query in ({"token": token} for token in tokens):
        with pytest.raises(HandshakeRefused) as refused:
            notifications.gateway.connect(query=query)
        assert refused.value.status == 401
    with pytest.raises(HandshakeRefused) as without:
        notifications.gateway.connect()

    assert without.value.status == 401
    assert notifications.gateway.connect(query={"token": good}).is_open


NO_POSITION = (
    "a position must be an epoch and an offset as they were received, "
    '["epoch", 5], or null, not 3'
)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"action": "subscribe", "topic": "user:bob"}, "action is resume or read"),
        ({"action": "resume", "since": 3}, NO_POSITION),
        ({"action": "read"}, 'the message has no field "id"'),
        ({"action": "read", "id": "x" * 201}, "id must be text of 1 to 200 bytes"),
    ],
)
def test_nonsense_is_answered_with_what_is_wrong(
    notifications: Notifications, message: object, reason: str
) -> None:
    device = notifications.resumed("alice")

    device.send(message)

    device.expect({"type": "error", "reason": reason})


@pytest.mark.parametrize("name", ["user", "id", "title"])
@pytest.mark.parametrize("value", ["", None, 17, "x" * 201])
def test_nobody_is_notified_of_nonsense(
    notifications: Notifications, name: str, value: object
) -> None:
    event = {"user": "alice", "id": "1", "title": "Hello", name: value}

    with pytest.raises(MessageError, match=f"{name} must be text of 1 to 200 bytes"):
        notifications.app.notify(event, None)

    assert missed(notifications.device("alice"))["messages"] == []


def test_the_longest_titles_can_be_caught_up_with(notifications: Notifications) -> None:
    for number in range(50):
        notifications.notify("alice", f"{number:0>200}", "\x00" * 200)

    replay = missed(notifications.device("alice"))

    assert len(replay["messages"]) == 50


def test_the_role_of_notify_is_enough_and_not_more(
    notifications: Notifications, caplog: pytest.LogCaptureFixture
) -> None:
    # A device has left without a word, so that it is found gone and pruned.
    leaving = notifications.resumed("alice")
    notifications.gateway.handler = lambda _event, _context: {"statusCode": 200}
    leaving.kill()
    grow_old(leaving.connection_id)
    caplog.set_level(logging.DEBUG, "botocore.endpoint")
    caplog.clear()
    for _ in range(2):
        notifications.notify("alice", "parcel-17")

    used = dynamodb_actions(caplog.text)

    assert_allows(TEMPLATE, "NotifyRole", used)


@pytest.mark.integration
def test_the_template_fits_the_code_and_cfn_lint_has_nothing_to_say() -> None:
    assert_fits(TEMPLATE)


@pytest.mark.integration
def test_what_was_not_added_by_hand_is_what_the_command_prints() -> None:
    printed = run(
        *("template", "app.py:handler", "--history", "--variable", "TOKEN_SECRET"),
        *("--authorizer", "authorizer.py:handler", "--identity-source", SOURCE),
        cwd=TEMPLATE.parent,
    ).stdout

    # Only the authorizer is to know it.
    secret = "          TOKEN_SECRET:\n            Ref: TokenSecret\n"
    before, _, rest = printed.partition(secret)

    assert secret in rest
    added = {"Notify", "NotifyLogs", "NotifyRole", "NotifyFailures"}
    assert_extends(TEMPLATE, before + rest, added | {"NotifyInvokeConfig"})


def test_without_an_authorizer_nobody_is_mistaken_for_anybody(
    notifications: Notifications,
) -> None:
    gateway = InProcessGateway(notifications.app.handler)

    with pytest.raises(HandshakeRefused) as refused:
        gateway.connect()

    assert refused.value.status == 401


@pytest.mark.integration
def test_a_notification_on_this_machine_reaches_a_device(tmp_path: Path) -> None:
    folder = EXAMPLES / "notifications"
    region = {"AWS_REGION": "eu-central-1"}  # which send.py finds in the log
    token = run_script("notifications", "sign_in.py", "alice", TOKEN_SECRET=SECRET)
    with dev(
        f"{folder / 'app.py'}:handler",
        *("--authorizer", f"{folder / 'authorizer.py'}:handler"),
        *("--identity-source", SOURCE),
        *("--environments", "1"),
        environ={**CREDENTIALS, **region, "TOKEN_SECRET": SECRET},
    ) as gateway:
        log = tmp_path / "dev.jsonl"
        log.write_text(json.dumps(gateway.records[0]) + "\n")
        with gateway.client(f"?token={token}") as device:
            device.send('{"action": "resume", "since": null}')
            assert json.loads(device.recv(timeout=20))["type"] == "resumed"

            arguments = (str(log), "alice", "parcel-17", "It is here")
            said = run_script("notifications", "send.py", *arguments)

            got = json.loads(device.recv(timeout=20))

    assert said == "{'devices': 1, 'repeated': False}"
    assert (got["id"], got["title"]) == ("parcel-17", "It is here")
