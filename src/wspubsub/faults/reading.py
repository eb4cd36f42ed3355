"""Reads rules from JSON, and says what is wrong with them."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar

from wspubsub.errors import UsageError
from wspubsub.faults.operations import OPERATIONS, STORE_OPERATIONS
from wspubsub.faults.patterns import covers, is_like
from wspubsub.faults.rules import (
    ACTIONS,
    THROTTLED_CODE,
    TIMED,
    Action,
    Match,
    Rule,
    Service,
)

EnumT = TypeVar("EnumT", bound=Enum)

MAX_RULES = 1_000
"""How many rules there may be."""

_STATUSES = range(400, 600)
_MAX_SECONDS = 900
_COUNTS = ("left", "hits")
_CODES = (THROTTLED_CODE, "RequestLimitExceeded", "ThrottlingException")

MATCHED = {
    Service.MANAGEMENT: ("operation", "connection", "topic"),
    Service.DYNAMODB: ("operation", "connection", "topic", "table"),
    Service.FUNCTION: ("operation", "connection", "topic", "route_key"),
    Service.AUTHORIZER: (),
}
"""What each service can be matched by."""


def read_rules(value: object, *, has_memory: bool = True) -> tuple[Rule, ...]:
    """Return the rules of a parsed JSON document.

    Args:
        value: A list of rules, or an object that has it as `rules`; `Rule` objects may
            be among them.
        has_memory: Whether the operations of stores in memory may be named too.

    Raises:
        UsageError: One is wrong; the text says which, and what to write instead.
    """
    if isinstance(value, Mapping):
        _check_keys(value, {"rules"}, "the document")
        value = value.get("rules")
    if not isinstance(value, list | tuple):
        raise UsageError(
            'rules must be a list, such as [{"match": {"service": "management"}, '
            '"action": "throttle", "times": 3}]'
        )
    if len(value) > MAX_RULES:
        raise UsageError(
            f"there are {len(value)} rules; use at most {MAX_RULES}, and * in what "
            "they match"
        )
    rules = tuple(
        _Reader(f"rule {number}", has_memory=has_memory).read(each)
        for number, each in enumerate(value, 1)
    )
    _check_turns(rules)
    return rules


class _Reader:
    def __init__(self, name: str, *, has_memory: bool) -> None:
        self._name = name
        self._has_memory = has_memory

    def read(self, value: object) -> Rule:
        if isinstance(value, Rule):
            self.read(value.to_json())
            return value
        rule = self._read_object(value, self._name)
        keys = {"match", "action", "times", "probability", "seconds", "status", "code"}
        # What `Faults.to_json` adds may come back.
        rule = {key: each for key, each in rule.items() if key not in _COUNTS}
        _check_keys(rule, keys, self._name)
        match = self._read_match(rule.get("match"))
        action = self._read_action(rule.get("action"), match.service)
        self._check_belonging(rule, match, action)
        return Rule(
            match=match,
            action=action,
            times=self._read_times(rule.get("times")),
            probability=self._read_probability(rule.get("probability", 1)),
            seconds=self._read_seconds(rule.get("seconds"), action),
            status=self._read_status(rule.get("status", 500)),
            code=self._pick(rule.get("code", THROTTLED_CODE), _CODES, "code"),
        )

    def _read_match(self, value: object) -> Match:
        name = f"match of {self._name}"
        match = self._read_object(value, name)
        service = self._read_enum(
            match.get("service"), Service, "service", tuple(Service)
        )
        known = MATCHED[service]
        _check_keys(match, {"service", *known}, f"{name}, which is of {service.value},")
        for key in known:
            text = match.get(key)
            if text is not None and (not isinstance(text, str) or not text):
                raise UsageError(f"{key} in the {name} must be text, not {text!r}")
        operation = match.get("operation")
        if operation is not None:
            self._check_operation(operation, service)
        return Match(service=service, **{key: match.get(key) for key in known})

    def _check_operation(self, operation: str, service: Service) -> None:
        names = OPERATIONS[service]
        if service is Service.DYNAMODB and self._has_memory:
            names = (*names, *STORE_OPERATIONS)
        if not any(is_like(each, operation) for each in names):
            self._pick(operation, names, f"operation of {service.value}")

    def _read_action(self, value: object, service: Service) -> Action:
        what = f"action for {service.value}"
        return self._read_enum(value, Action, what, ACTIONS[service])

    def _check_belonging(
        self, rule: Mapping[str, Any], match: Match, action: Action
    ) -> None:
        is_coded = Rule(match=match, action=action).is_coded
        belongs = {
            "seconds": action in TIMED,
            "status": action is Action.FAIL,
            "code": is_coded,
        }
        for key, does in belongs.items():
            if rule.get(key) is not None and not does:
                raise UsageError(
                    f"{self._name} has {key}, which {action.value} of "
                    f"{match.service.value} does not take; remove it"
                )

    def _read_times(self, value: object) -> int | None:
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise UsageError(
            f"times of {self._name} must be a whole number from 0, or null for "
            f"always, not {value!r}"
        )

    def _read_probability(self, value: object) -> float:
        return self._read_number(value, 1, "probability")

    def _read_seconds(self, value: object, action: Action) -> float | None:
        if value is None:
            if action is Action.SLOW:
                raise UsageError(
                    f'{self._name} is slow; say by how much, such as "seconds": 2'
                )
            return None
        return self._read_number(value, _MAX_SECONDS, "seconds")

    def _read_number(self, value: object, most: float, key: str) -> float:
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and 0 <= value <= most  # which no NaN is
        ):
            return float(value)
        raise UsageError(
            f"{key} of {self._name} must be a number from 0 to {most:g}, not {value!r}"
        )

    def _read_status(self, value: object) -> int:
        if isinstance(value, int) and value in _STATUSES:
            return value
        raise UsageError(
            f"status of {self._name} must be from {_STATUSES.start} to "
            f"{_STATUSES.stop - 1}, not {value!r}"
        )

    def _read_object(self, value: object, name: str) -> Mapping[str, Any]:
        if isinstance(value, Mapping):
            return value
        if value is None:
            raise UsageError(f"the {name} is missing; it must be an object")
        raise UsageError(f"{name} must be an object, not {value!r}")

    def _read_enum(
        self, value: object, enum: type[EnumT], key: str, allowed: Collection[EnumT]
    ) -> EnumT:
        return enum(self._pick(value, [each.value for each in allowed], key))

    def _pick(self, value: object, allowed: Collection[str], key: str) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        article = "an" if key[0] in "aeiou" else "a"
        raise UsageError(
            f"{self._name}: {value!r} is not {article} {key}; {_advise(value, allowed)}"
        )


def _check_turns(rules: Sequence[Rule]) -> None:
    """Check that each rule may have its turn some time.

    Raises:
        UsageError: One before it takes all that it is about.
    """
    greedy: list[tuple[int, dict[str, str]]] = []
    for number, rule in enumerate(rules, 1):
        match = {"service": rule.match.service.value} | {
            key: pattern
            for key in MATCHED[rule.match.service]
            if (pattern := getattr(rule.match, key)) is not None
        }
        for before, wanted in greedy:
            if all(
                key in match and covers(pattern, match[key])
                for key, pattern in wanted.items()
            ):
                raise UsageError(
                    f"rule {number} never has its turn, because rule {before} matches "
                    "all of it and comes first; move it before that one, or give rule "
                    f'{before} "times"'
                )
        if rule.times is None and rule.probability == 1:
            greedy.append((number, match))


def _check_keys(value: Mapping[str, Any], known: Collection[str], name: str) -> None:
    for key in value:
        if key not in known:
            raise UsageError(f"{name} has no key {key!r}; {_advise(key, known)}")


def _advise(word: object, known: Collection[str]) -> str:
    close = difflib.get_close_matches(str(word), known, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"use {' or '.join(sorted(known))}" if known else "it takes none"
