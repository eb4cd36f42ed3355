"""What a rule does to a request in a test, where waiting takes no real time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from wspubsub.faults import Action, Fault, Faults

AnswerT = TypeVar("AnswerT")

SILENT = 0
"""Instead of a status: no answer."""

# The rules of the accounts that exist, the last one at the end.
_shared: list[Faults] = []


@contextmanager
def share(faults: Faults) -> Iterator[None]:
    """Let the gateways that are made while the block runs have the same rules."""
    _shared.append(faults)
    try:
        yield
    finally:
        _shared.remove(faults)


def find_shared() -> Faults | None:
    """Return the rules that a gateway has unless it is given others."""
    return _shared[-1] if _shared else None


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
