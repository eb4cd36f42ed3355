"""Rules as they are read from JSON, and what is said about wrong ones."""

import pytest

from wspubsub import UsageError
from wspubsub.faults import Action, Match, Rule, Service, read_rules
from wspubsub.faults.reading import MAX_RULES

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
        ({"match": {**DYNAMODB, "operation": "Pt*"}}, r"'Pt\*' is not an operation"),
        ({"match": POST, "action": "throtle"}, "did you mean throttle?"),
        (Rule(match=Match(service=Service.DYNAMODB), action=Action.SLOW), "is slow; "),
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


def rule(*, topic: str | None = None, **options: object) -> dict[str, object]:
    match = POST if topic is None else {**POST, "topic": topic}
    return {"match": match, "action": "gone", **options}


@pytest.mark.parametrize(
    "rules",
    [
        [rule(), rule(topic="news")],
        [rule(topic="n*"), rule(topic="news", times=1)],
        [rule(topic="*"), rule(topic="n*")],
        [rule(topic="a", times=1), rule(topic="n*s"), rule(topic="n*s")],
    ],
)
def test_a_rule_that_never_has_its_turn_is_refused(
    rules: list[dict[str, object]],
) -> None:
    complaint = f"rule {len(rules)} never has its turn, because rule {len(rules) - 1} "
    with pytest.raises(UsageError, match=complaint):
        read_rules(rules)


@pytest.mark.parametrize(
    "rules",
    [
        [rule(times=5), rule()],
        [rule(probability=0.5), rule()],
        [rule(topic="news"), rule()],
        [rule(topic="n*s"), rule(topic="n*")],
        [rule(), {"match": DYNAMODB, "action": "fail"}],
    ],
)
def test_a_rule_that_leaves_something_to_the_next_may_come_first(
    rules: list[dict[str, object]],
) -> None:
    assert len(read_rules(rules)) == 2


def test_there_may_be_many_rules_but_not_any_number() -> None:
    rules = [rule(topic=str(number), times=1) for number in range(MAX_RULES)]

    assert len(read_rules(rules)) == MAX_RULES
    with pytest.raises(UsageError, match="1001 rules; use at most 1000"):
        read_rules([*rules, rule()])


def test_rules_may_be_objects_and_json_in_one_list() -> None:
    given = Rule(match=Match(service=Service.MANAGEMENT), action=Action.GONE, times=1)

    assert read_rules([given, rule(times=1)]) == (given, given)


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
