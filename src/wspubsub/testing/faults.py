"""What a rule does to a request in a test, where waiting takes no real time."""

from collections.abc import Callable
from typing import TypeVar

from wspubsub.faults import Action, Fault

AnswerT = TypeVar("AnswerT")

SILENT = 0
"""Instead of a status: no answer."""


def suffer(
    fault: Fault,
    act: Callable[[], AnswerT],
    *,
    wait: Callable[[float], object],
    answer: Callable[[Fault], AnswerT],
    silence: Callable[[], AnswerT],
) -> AnswerT:
    """Return the answer to a request that a rule fails.

    Args:
        fault: How it fails.
        act: Does what was requested.
        wait: Lets time pass.
        answer: Makes the answer that reports an error.
        silence: Makes what stands for no answer.
    """
    match fault.action:
        case Action.SLOW:
            wait(fault.rule.waits_seconds)
            return act()
        case Action.LOSE_ANSWER:
            act()
            return silence()
        case Action.LOSE_REQUEST:
            return silence()
        case _:
            return answer(fault)
