"""What the log says of an invocation and of its result."""

from wspubsub.gateway import InvocationResult, Invoke, Raised
from wspubsub.local.journal.texts import DIM, GREEN, RED, YELLOW


def identify(
    invoke: Invoke, function: str, own_route_key: str | None
) -> dict[str, object]:
    """Return the fields that say which invocation a line is about."""
    request = invoke.event["requestContext"]
    return {
        "function": function,
        "route_key": request["routeKey"],
        **({"own_route_key": own_route_key} if own_route_key else {}),
        "request_id": request["requestId"],
        "invocation_id": invoke.invocation_id,
    }


def count_again(times: int) -> str:
    """Return how often something has happened; an empty text for the first time."""
    return f" again ({times} times)" if times > 1 else ""


def describe_result(result: InvocationResult) -> tuple[str, str, str]:
    """Return an outcome in a word, what was wrong, and its color."""
    if isinstance(result, Raised):
        return result.error_type, result.message, RED
    value = result.value
    status = value.get("statusCode") if isinstance(value, dict) else None
    if status is None:
        return "returned", "", DIM
    return str(status), "", GREEN if status in range(200, 400) else YELLOW
