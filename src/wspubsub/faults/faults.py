"""Decides which rule, if any, has its turn."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple

from wspubsub.faults.occasions import Occasion
from wspubsub.faults.reading import read_rules
from wspubsub.faults.rules import Action, Rule

_log = logging.getLogger("wspubsub")


class Fault(NamedTuple):
    """Something that fails now.

    Attributes:
        rule: The rule that says so.
        number: Which of the rules that is, from 1.
        occasion: What fails.
        text: All of it in words.
    """

    rule: Rule
    number: int
    occasion: Occasion
    text: str

    @property
    def action(self) -> Action:
        """How it fails."""
        return self.rule.action

    def to_json(self) -> dict[str, Any]:
        """Return what another process is told of it."""
        return {
            "number": self.number,
            "rule": self.rule.to_json(),
            "text": self.text,
            "trace": self.occasion.trace,
        }


def _log_fault(fault: Fault) -> None:
    _log.info("%s", fault.text)


class Faults:
    """The rules of what fails; the first that matches, and is not used up, has its way.

    Several threads may use it.

    Example:
        >>> faults = Faults()
        >>> faults.set_rules(
        ...     [
        ...         {
        ...             "match": {"service": "management", "topic": "news"},
        ...             "action": "throttle",
        ...             "times": 2,
        ...         }
        ...     ]
        ... )

    Args:
        rules: Rules, or their JSON, see `set_rules`.
        seed: Determines which cases a rule with a `probability` takes.
        on_fault: Called with each fault; by default it is logged.
        wait: Lets that many seconds pass where something is slow; an `InProcessGateway`
            sets it to its own time.

    Attributes:
        wait: See above.
    """

    def __init__(
        self,
        rules: object = (),
        *,
        seed: int = 0,
        on_fault: Callable[[Fault], object] = _log_fault,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self.wait = wait
        self._random = Random(seed)  # noqa: S311 - a test can be repeated
        self._on_fault = on_fault
        self._lock = threading.Lock()
        self._counted: list[_Counted] = []
        self.set_rules(rules)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can fail."""
        return not self._counted

    def set_rules(self, rules: object) -> None:
        """Replace all rules; counting begins again.

        Args:
            rules: The JSON of rules, as in a file, or `Rule` objects.

        Raises:
            UsageError: One is wrong; the rules stay as they were.
        """
        given = read_rules(rules)
        with self._lock:
            self._counted = [_Counted(each) for each in given]

    def add(self, rule: Rule) -> None:
        """Add a rule after the others.

        Raises:
            UsageError: It is wrong.
        """
        (rule,) = read_rules([rule])
        with self._lock:
            self._counted.append(_Counted(rule))

    def find(self, occasion: Occasion) -> Fault | None:
        """Return what fails now, if anything does, and count it."""
        if not self._counted:
            return None
        with self._lock:
            number = self._take(occasion)
            if number is None:
                return None
            counted = self._counted[number - 1]
        fault = Fault(counted.rule, number, occasion, _describe(counted, occasion))
        self._on_fault(fault)
        return fault

    def count(self, fault: Mapping[str, Any]) -> None:
        """Count a fault that another process has found with the same rules.

        Args:
            fault: What `Fault.to_json` says of it. If its rule is not there any more,
                it is not counted.
        """
        place = fault["number"] - 1
        with self._lock:
            if place < len(self._counted):
                counted = self._counted[place]
                if counted.rule.to_json() == fault["rule"]:
                    counted.take()

    def to_json(self) -> list[dict[str, Any]]:
        """Return the rules, with how often each `left` and `hits`."""
        with self._lock:
            return [
                {**each.rule.to_json(), "left": each.left, "hits": each.hits}
                for each in self._counted
            ]

    def _take(self, occasion: Occasion) -> int | None:
        for number, each in enumerate(self._counted, 1):
            if (
                each.left != 0
                and occasion.is_matched_by(each.rule.match)
                and self._random.random() < each.rule.probability
            ):
                each.take()
                return number
        return None


class _Counted:
    __slots__ = ("hits", "left", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.left = rule.times
        self.hits = 0

    def take(self) -> None:
        self.hits += 1
        if self.left is not None:
            self.left -= 1


_WORDS = {
    Action.THROTTLE: "throttled",
    Action.GONE: "answered with 410",
    Action.FORBIDDEN: "answered with 403",
    Action.SLOW: "slow",
    Action.LOSE_ANSWER: "done, its answer lost",
    Action.LOSE_REQUEST: "lost",
    Action.KILL: "killed",
    Action.TIME_OUT: "timed out",
    Action.DENY: "denied",
}


def _describe(counted: _Counted, occasion: Occasion) -> str:
    rule = counted.rule
    done = _WORDS.get(rule.action, f"answered with {rule.status}")
    if rule.seconds:
        done += f" ({rule.seconds:g} s)"
    left = "" if counted.left is None else f", {counted.left} left"
    return f"{occasion.describe()} {done} on request{left}"
