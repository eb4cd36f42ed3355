"""Rules as they are read from JSON, and what is said about wrong ones."""

import pytest

from wspubsub import UsageError
from wspubsub.faults import Action, Match, Rule, Service, read_rules

POST = {"service": "management"}
DYNAMODB = {"service": "dynamodb"}


def test_a_rule_says_what_it_is_about_what_it_does_and_how_often() -> None:
    match = {"service": "dynamodb", "operation": "UpdateItem", "table": "chat"}
    rules = [
        {"match": match, "action": "throttle", "code": "ThrottlingException"},
        {"match": POST, "action": "fail", "status": 503, "times": 3},
        {"match": POST, "action": "slow", "seconds": 0.5, "probability": 0.25},
    ]

    throttle, fail, slow = read_rules(rules)

    assert throttle == Rule(
        match=Match(service=Service.DYNAMODB, operation="UpdateItem", table="chat"),
        action=Action.THROTTLE,
        code="ThrottlingException",
    )
    assert (fail.status, fail.times, fail.probability) == (503, 3, 1)
    assert (slow.seconds, slow.times, slow.probability) == (0.5, None, 0.25)
    assert read_rules({"rules": rules}) == (throttle, fail, slow)
    assert read_rules([each.to_json() for each in (throttle, fail, slow)]) == (
        throttle,
        fail,
        slow,
    )


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("throttle", "rule 1 must be an object, not 'throttle'"),
        ({"action": "throttle"}, "the match of rule 1 is missing"),
        ({"match": POST, "action": "slow", "secs": 1}, "'secs'; did you mean seconds?"),
        ({"match": POST, "action": "throttle", "tiems": 1}, "did you mean times?"),
        ({"match": {}, "action": "gone"}, "rule 1: None is not a service; use autho"),
        ({"match": {"service": "managment"}}, "did you mean management?"),
        ({"match": {**POST, "tpic": "x"}}, "management, has no key 'tpic'.*topic?"),
        ({"match": {**POST, "table": "x"}}, "no key 'table'"),
        ({"match": {"service": "authorizer", "topic": "x"}}, "use service"),
        ({"match": {**POST, "topic": 3}}, "topic in the match of rule 1 must be text"),
        ({"match": {**POST, "operation": "pst"}}, "'pst' is not an operation.*post?"),
        ({"match": POST, "action": "throtle"}, "did you mean throttle?"),
        ({"match": POST, "action": "kill"}, "'kill' is not an action for management"),
        ({"match": POST, "action": "gone", "times": -1}, "whole number from 0.*-1"),
        ({"match": POST, "action": "gone", "times": True}, "whole number from 0.*Tr"),
        ({"match": POST, "action": "gone", "probability": 2}, "from 0 to 1, not 2"),
        ({"match": POST, "action": "slow", "seconds": "1"}, "from 0 to 900, not '1'"),
        ({"match": POST, "action": "slow", "seconds": True}, "from 0 to 900, not Tr"),
        ({"match": POST, "action": "slow"}, 'rule 1 is slow; .*"seconds": 2'),
        ({"match": POST, "action": "gone", "seconds": 1}, "seconds, which gone of man"),
        ({"match": POST, "action": "gone", "status": 500}, "status, which gone"),
        ({"match": POST, "action": "fail", "status": 200}, "from 400 to 599, not 200"),
        ({"match": POST, "action": "throttle", "code": "x"}, "code, which throttle of"),
        ({"match": DYNAMODB, "action": "throttle", "code": "Thr"}, "is not a code; "),
    ],
)
def test_a_wrong_rule_is_refused_with_what_to_write_instead(
    rule: object, complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint.replace("?", r"\?")):
        read_rules([rule])


def test_the_document_must_be_a_list_of_rules() -> None:
    with pytest.raises(UsageError, match="rules must be a list"):
        read_rules("throttle")
    with pytest.raises(UsageError, match="no key 'rule'; did you mean rules"):
        read_rules({"rule": []})


def test_operations_of_stores_in_memory_are_known_only_where_these_are() -> None:
    rule = {"match": {**DYNAMODB, "operation": "subscribe"}, "action": "fail"}

    assert read_rules([rule])[0].match.operation == "subscribe"
    with pytest.raises(UsageError, match="'subscribe' is not an operation"):
        read_rules([rule], has_memory=False)
    rule = {"match": {**DYNAMODB, "operation": "*Item"}, "action": "fail"}
    assert read_rules([rule], has_memory=False)[0].match.operation == "*Item"
