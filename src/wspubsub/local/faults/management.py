"""Requests to the Management API that fail on request."""

import asyncio
from urllib.parse import unquote

from wspubsub.faults import Action, Faults
from wspubsub.faults.answers import answer_management
from wspubsub.faults.occasions import see_post
from wspubsub.gateway import ManagementResponse
from wspubsub.local.apigateway.shell import TRACE_HEADER, GatewayShell
from wspubsub.local.requests import HttpRequest

_PART = "/@connections/"


async def manage(
    request: HttpRequest,
    faults: Faults,
    shell: GatewayShell,
) -> ManagementResponse | None:
    """Return the answer to a request; None if its caller gets none.

    Args:
        request: A plain HTTP request.
        faults: What fails.
        shell: Answers it where nothing fails.
    """
    if faults.is_empty or _PART not in request.path:
        return shell.manage(request)
    connection_id = unquote(request.path.rpartition(_PART)[2])
    trace = request.header(TRACE_HEADER) or ""
    occasion = see_post(request.method, connection_id, request.body, trace=trace)
    fault = faults.find(occasion)
    if fault is None:
        return shell.manage(request)
    match fault.action:
        case Action.SLOW:
            await asyncio.sleep(fault.rule.waits_seconds)
            return shell.manage(request)
        case Action.LOSE_ANSWER:
            shell.manage(request)
        case Action.LOSE_REQUEST:
            pass
        case _:
            return shell.refuse(request, answer_management(fault))
    await asyncio.sleep(fault.rule.waits_seconds)
    return None
