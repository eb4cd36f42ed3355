"""Requests to the Management API that fail on request."""

import asyncio
from collections.abc import Callable
from urllib.parse import unquote

from wspubsub.faults import Action, Faults
from wspubsub.faults.answers import answer_management
from wspubsub.faults.occasions import see_post
from wspubsub.gateway import ManagementResponse
from wspubsub.local.requests import HttpRequest

_PART = "/@connections/"


async def manage(
    request: HttpRequest,
    faults: Faults,
    answer: Callable[[HttpRequest], ManagementResponse],
) -> ManagementResponse | None:
    """Return the answer to a request; None if its caller gets none.

    Args:
        request: A plain HTTP request.
        faults: What fails.
        answer: Answers it where nothing fails.
    """
    connection_id = unquote(request.path.rpartition(_PART)[2])
    if faults.is_empty or _PART not in request.path:
        return answer(request)
    fault = faults.find(see_post(request.method, connection_id, request.body))
    if fault is None:
        return answer(request)
    match fault.action:
        case Action.SLOW:
            await asyncio.sleep(fault.rule.waits_seconds)
            return answer(request)
        case Action.LOSE_ANSWER:
            answer(request)
        case Action.LOSE_REQUEST:
            pass
        case _:
            return answer_management(fault)
    await asyncio.sleep(fault.rule.waits_seconds)
    return None
