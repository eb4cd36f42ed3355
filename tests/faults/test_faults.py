"""Whose turn it is, and what a rule can be about."""

import json
from typing import Any

import pytest

from wspubsub import UsageError
from wspubsub.faults import Action, Fault, Faults, Match, Rule, Service
from wspubsub.faults.answers import answer_dynamodb, answer_management
from wspubsub.faults.occasions import (
    see_dynamodb,
    see_event,
    see_post,
    see_request,
)
from wspubsub.testing import (
    authorizer_event,
    connect_event,
    message_event,
    queue_event,
    stream_event,
)

ANN = "AAAAAAAAAAAAAAA="
GETTING = see_dynamodb("GetItem", {"TableName": "chat"})
P_NEWS = {"pk": {"S": "P#news"}}
POSTING = see_post("POST", ANN, b'{"topic":"news"}')


def rule(action: str, service: str = "management", /, **options: Any) -> dict[str, Any]:
    matched = {"operation", "connection", "topic", "route_key", "table"}
    match = {name: options.pop(name) for name in matched & options.keys()}
    return {"match": {"service": service, **match}, "action": action, **options}


def actions(faults: Faults, times: int) -> list[str | None]:
    found = [faults.find(POSTING) for _ in range(times)]
    return [each and each.action.value for each in found]


def test_the_first_rule_that_matches_has_its_way_until_it_is_used_up() -> None:
    told: list[Fault] = []
    faults = Faults(
        [rule("gone", times=1, topic="other"), rule("throttle", times=2), rule("fail")],
        on_fault=told.append,
    )

    assert actions(faults, 4) == ["throttle", "throttle", "fail", "fail"]
    assert [each.number for each in told] == [2, 2, 3, 3]
    assert told[0].text == f"post to {ANN} throttled on request, 1 left"
    assert told[2].text == f"post to {ANN} answered with 500 on request"
    counts = [(each["left"], each["hits"]) for each in faults.to_json()]
    assert counts == [(1, 0), (0, 2), (None, 2)]


def test_chance_is_seeded_and_leaves_what_it_spares_to_the_next_rule() -> None:
    rules = [rule("throttle", probability=0.5), rule("gone", probability=0)]
    one, same, other = (actions(Faults(rules, seed=seed), 50) for seed in (1, 1, 2))

    assert one == same != other
    assert {*one} == {"throttle", None}


def test_rules_are_replaced_whole_or_not_at_all() -> None:
    faults = Faults([rule("gone", times=1)])
    assert actions(faults, 2) == ["gone", None]

    with pytest.raises(UsageError):
        faults.set_rules([rule("throttle"), rule("throtle")])
    assert actions(faults, 1) == [None]

    faults.set_rules([rule("throttle", times=1)])
    assert actions(faults, 2) == ["throttle", None]
    faults.set_rules([])
    assert faults.is_empty


def test_a_rule_that_may_not_act_any_more_or_never_may_leaves_it_to_the_next() -> None:
    faults = Faults(
        [rule("gone", times=0), rule("fail", probability=0), rule("throttle", times=1)]
    )

    assert actions(faults, 2) == ["throttle", None]
    assert [each["hits"] for each in faults.to_json()] == [0, 0, 1]


def test_what_another_process_found_is_counted_where_the_rule_is_still_there() -> None:
    here, there = Faults([rule("gone")]), Faults([rule("gone")])
    found = there.find(POSTING)
    assert found

    here.count(found.to_json())
    here.set_rules([rule("throttle", times=1)])
    here.count(found.to_json())
    here.set_rules([])
    here.count(found.to_json())
    here.set_rules([rule("gone")])
    here.count(found.to_json())

    assert [each["hits"] for each in here.to_json()] == [1]


def test_a_rule_that_is_added_is_checked_too() -> None:
    faults = Faults()
    post = Match(service=Service.MANAGEMENT)

    with pytest.raises(UsageError, match="'kill' is not an action for management"):
        faults.add(Rule(match=post, action=Action.KILL))

    assert faults.is_empty


def test_what_a_rule_did_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "wspubsub")

    Faults([rule("slow", seconds=2)]).find(POSTING)

    assert caplog.messages == [f"post to {ANN} slow (2 s) on request"]


@pytest.mark.parametrize(
    "matched",
    [
        {"operation": "post"},
        {"connection": ANN},
        {"topic": "news"},
        {"topic": "n*s", "operation": "p*"},
    ],
)
def test_a_post_is_matched_by_operation_connection_and_topic(
    matched: dict[str, str],
) -> None:
    assert Faults([rule("gone", **matched)]).find(POSTING)


@pytest.mark.parametrize(
    "matched",
    [
        {"operation": "get"},
        {"connection": "B*"},
        {"topic": "new"},
        {"topic": "news", "connection": "BBBBBBBBBBBBBBA="},
    ],
)
def test_a_rule_about_something_else_leaves_it_alone(matched: dict[str, str]) -> None:
    assert Faults([rule("gone", **matched)]).find(POSTING) is None
    assert Faults([rule("fail", "dynamodb")]).find(POSTING) is None


def test_a_command_to_a_pubsub_names_its_topic() -> None:
    body = '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"news"}}'
    faults = Faults([rule("kill", "function", topic="news")])

    assert faults.find(see_event(message_event(body)))
    assert faults.find(see_event(message_event(body.replace("news", "n")))) is None


def test_a_push_of_a_pubsub_names_its_topic_in_any_line() -> None:
    push = json.dumps({"push": {"channel": "room:1", "pub": {"data": 1}}}).encode()
    faults = Faults([rule("gone", topic="room:*")])

    assert faults.find(see_post("POST", ANN, b"{}\n" + push))
    assert (
        faults.find(see_post("POST", ANN, b'no JSON\n[1]\n{"topic":["room:1"]}'))
        is None
    )


@pytest.mark.parametrize(
    ("operation", "request_", "matched"),
    [
        ("PutItem", {"TableName": "chat", "Item": {}}, {"table": "chat"}),
        ("PutItem", {"Item": {"pk": {"S": "L#news"}}}, {"topic": "news"}),
        (
            "Query",
            {"Values": {":p": {"S": "T#3#news"}}},
            {"topic": "news"},
        ),
        ("GetItem", {"Key": {"pk": {"S": f"C#{ANN}"}}}, {"connection": ANN}),
        ("GetItem", {"Key": {"pk": {"S": "K#4#news#1"}}}, {"topic": "news"}),
        ("BatchGetItem", {"RequestItems": {"chat": {"Keys": []}}}, {"table": "chat"}),
        ("BatchGetItem", {"RequestItems": {"a": {}, "chat": {}}}, {"table": "chat"}),
        (
            "GetItem",
            {"TableName": "arn:aws:dynamodb:us-east-1:123456789012:table/chat"},
            {"table": "chat"},
        ),
        (
            "TransactGetItems",
            {
                "TransactItems": [
                    {"Get": {"TableName": "a"}},
                    {"Get": {"TableName": "chat"}},
                    {"Get": None},
                    "nonsense",
                ]
            },
            {"table": "chat"},
        ),
        (
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "chat", "Item": P_NEWS}}]},
            {"table": "chat", "topic": "news", "operation": "Transact*"},
        ),
    ],
)
def test_a_request_to_dynamodb_is_matched_by_table_topic_and_connection(
    operation: str, request_: dict[str, Any], matched: dict[str, str]
) -> None:
    occasion = see_dynamodb(operation, request_)

    assert Faults([rule("fail", "dynamodb", **matched)]).find(occasion)
    other = {**dict.fromkeys(matched, "other*"), "operation": "Scan"}
    assert Faults([rule("fail", "dynamodb", **other)]).find(occasion) is None


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("", b"{}"),
        ("DynamoDBStreams_20120810.GetRecords", b"{}"),
        ("AmazonSQS.SendMessage", b"{}"),
        ("DynamoDB_20120810.GetItem", b""),
        ("DynamoDB_20120810.GetItem", b"[]"),
    ],
)
def test_what_is_no_request_to_dynamodb_is_not_matched(
    target: str, body: bytes
) -> None:
    assert see_request(target, body) is None


def test_a_request_to_dynamodb_is_seen_with_its_tables() -> None:
    occasion = see_request(
        "DynamoDB_20120810.BatchGetItem",
        b'{"RequestItems": {"a": {}, "b": {}}}',
        trace="Root=1",
    )

    assert occasion
    assert occasion.describe() == "BatchGetItem of a, b"
    assert occasion.trace == "Root=1"


def test_invocations_are_matched_by_route_connection_and_kind() -> None:
    said = see_event(
        message_event({"topic": "news"}, connection_id=ANN, route_key="say")
    )

    for matched in (
        {"topic": "news"},
        {"route_key": "say"},
        {"connection": ANN},
        {"operation": "message"},
    ):
        assert Faults([rule("kill", "function", **matched)]).find(said)
    for event, operation in (
        (connect_event(), "connect"),
        (queue_event("a"), "queue"),
        (stream_event({"pk": {"S": "a"}, "sk": {"S": "b"}}), "stream"),
    ):
        faults = Faults([rule("kill", "function", operation=operation)])
        assert faults.find(see_event(event))
        assert faults.find(said) is None
    authorizing = see_event(authorizer_event(), is_authorizer=True)
    fault = Faults([rule("deny", "authorizer")]).find(authorizing)
    assert fault
    assert fault.text == "authorizer denied on request"
    assert Faults([rule("kill", "function")]).find(authorizing) is None


@pytest.mark.parametrize(
    ("given", "status", "error_type"),
    [
        (rule("throttle"), 429, "LimitExceededException"),
        (rule("gone"), 410, "GoneException"),
        (rule("forbidden"), 403, "ForbiddenException"),
        (rule("fail"), 500, None),
        (rule("fail", status=413), 413, "PayloadTooLargeException"),
    ],
)
def test_the_management_api_answers_as_aws_does(
    given: dict[str, Any], status: int, error_type: str | None
) -> None:
    fault = Faults([given]).find(POSTING)
    assert fault

    answer = answer_management(fault)

    assert answer.status == status
    assert answer.headers.get("x-amzn-errortype") == error_type
    assert answer.headers["content-length"] == str(len(answer.body))
    assert "on request" in answer.detail


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        (rule("throttle", "dynamodb"), 400, "ProvisionedThroughputExceededException"),
        (
            rule("throttle", "dynamodb", code="ThrottlingException"),
            400,
            "ThrottlingException",
        ),
        (rule("fail", "dynamodb"), 500, "InternalServerError"),
        (rule("fail", "dynamodb", status=503), 503, "ServiceUnavailable"),
    ],
)
def test_dynamodb_answers_as_aws_does(
    given: dict[str, Any], status: int, code: str
) -> None:
    fault = Faults([given]).find(GETTING)
    assert fault
    assert fault.action in {Action.THROTTLE, Action.FAIL}

    answered, body = answer_dynamodb(fault)

    assert answered == status
    assert json.loads(body)["__type"].partition("#")[2] == code
