"""The application's functions, plain or `async def`, called where an SDK must go on."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
A = TypeVar("A")


def call_back(function: Callable[[A], object], argument: A) -> None:
    """Call a function, and report what it raises to the event loop.

    An SDK whose listener raises ends its connection for good.
    """
    try:
        function(argument)
    except Exception as error:  # noqa: BLE001 - whatever the application raises
        asyncio.get_running_loop().call_exception_handler(
            {"message": f"exception in {function!r}", "exception": error}
        )


async def settle(result: T | Awaitable[T]) -> T:
    """Return what a function has returned, plain or as an awaitable."""
    return await result if inspect.isawaitable(result) else result
