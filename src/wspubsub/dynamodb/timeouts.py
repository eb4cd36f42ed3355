"""Calls that are abandoned when their time is over."""

import threading
from collections.abc import Callable
from typing import TypeVar

from wspubsub.errors import StoreTimeoutError

ResultT = TypeVar("ResultT")


def run_within(
    seconds: float | None, call: Callable[[], ResultT], operation: str
) -> ResultT:
    """Return what a call returns, or raise what it raises, within a time limit.

    Args:
        seconds: The time. After it the call goes on without anybody's waiting for it.
            If None, it may take any time, and needs no thread of its own.
        call: What to call.
        operation: What DynamoDB is asked for, for the error.

    Raises:
        StoreTimeoutError: The time ran out first.
    """
    if seconds is None:
        return call()
    results: list[ResultT] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    thread = threading.Thread(target=run, name="wspubsub-store", daemon=True)
    thread.start()
    thread.join(min(max(0.0, seconds), threading.TIMEOUT_MAX))
    if errors:
        raise errors[0]
    if not results:
        raise StoreTimeoutError(operation, seconds)
    return results[0]
