"""The page about migrating, followed step by step: after each of them it works."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from wspubsub.testing import GatewayConfig, InProcessGateway

PAGE = Path(__file__).parents[2] / "docs/how-to/migrate.md"
SECTION = PAGE.read_text().split("## From a hand-written boto3 loop")[1]
OLD, TABLE, LOOP, ROUTER, TOPICS, *_ = re.findall(
    r"^```python\n(.*?)^```", SECTION.split("\n## ")[0], re.MULTILINE | re.DOTALL
)
ROUTES = frozenset({"$connect", "$disconnect", "$default", "sendmessage"})


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch, wspubsub_aws: None) -> dict[str, Any]:
    """The handler as it was, with its table; steps are run in this namespace."""
    del wspubsub_aws
    monkeypatch.setenv("TABLE_NAME", "connections")
    namespace: dict[str, Any] = {}
    for block in (OLD, TABLE):
        exec(block, namespace)  # noqa: S102 - the page's own examples
    return namespace


def talk(handler: Any) -> InProcessGateway:
    """Have one client send what two receive."""
    gateway = InProcessGateway(handler, config=GatewayConfig(routes=ROUTES))
    ann, bob = gateway.connect(), gateway.connect()

    ann.send({"action": "sendmessage", "message": "hello"})

    for client in (ann, bob):
        client.expect("hello")
    ann.close()
    bob.send({"action": "sendmessage", "message": "anybody here?"})
    bob.expect("anybody here?")
    assert not bob.receive_all()
    return gateway


def test_the_handler_runs_as_it_was(code: dict[str, Any]) -> None:
    talk(code["lambda_handler"])


def test_a_publisher_does_the_loop(code: dict[str, Any]) -> None:
    exec(LOOP, code)  # noqa: S102 - as said
    table, old_handler = code["table"], code["lambda_handler"]

    def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
        if event["requestContext"]["routeKey"] != "sendmessage":
            answer: dict[str, Any] = old_handler(event, context)
            return answer
        code["send_to_all"](code["json"].loads(event["body"])["message"])
        return {"statusCode": 200}

    gateway = talk(handler)

    young, long_gone = "GoneAMinuteAgo1=", "GoneAnHourAgo12="
    for gone, connected_at in ((young, int(time.time())), (long_gone, 0)):
        table.put_item(Item={"connectionId": gone, "connectedAt": connected_at})
    client = gateway.connect()
    client.send({"action": "sendmessage", "message": "who is here?"})
    client.expect("who is here?")
    left = {item["connectionId"] for item in table.scan()["Items"]}
    assert young in left
    assert long_gone not in left


def test_a_router_chooses_the_function(code: dict[str, Any]) -> None:
    for block in (LOOP, ROUTER):
        exec(block, code)  # noqa: S102 - as said

    gateway = talk(code["lambda_handler"])

    client = gateway.connect()
    client.send({"action": "sendmessage"})
    assert not gateway.errors


def test_those_who_connected_before_hear_what_is_published(
    code: dict[str, Any],
) -> None:
    for block in (LOOP, ROUTER):
        exec(block, code)  # noqa: S102 - as said
    gateway = InProcessGateway(
        code["lambda_handler"], config=GatewayConfig(routes=ROUTES)
    )
    before = gateway.connect()
    exec(TOPICS, code)  # noqa: S102 - as said
    gateway.handler = code["lambda_handler"]
    after = gateway.connect()

    after.send({"action": "sendmessage", "message": "hello"})

    assert [each.receive_all() for each in (before, after)] == [["hello"], ["hello"]]
    talk(code["lambda_handler"])
