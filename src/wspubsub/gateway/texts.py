"""What API Gateway itself sends to a client, character by character.

Its messages on an open connection are text with exactly this spacing; a refused
handshake is answered with a JSON body of the same three keys.
"""

import json

INTERNAL_SERVER_ERROR = "Internal server error"
FORBIDDEN = "Forbidden"
TIMED_OUT = "Endpoint request timed out"
UNAUTHORIZED = "Unauthorized"
EXPLICIT_DENY = (
    "User is not authorized to access this resource with an explicit deny in an "
    "identity-based policy"
)
NO_ALLOW = (
    "User is not authorized to access this resource because no identity-based policy "
    "allows the execute-api:Invoke action"
)
FORBIDDEN_BODY = '{"message":"Forbidden"}'
"""The body for a path that the stage does not have."""

CLIENT_CLOSED_WITHOUT_CODE = "Client-side close frame status not set"
GOING_AWAY = "Going away"
CLOSED_NORMALLY = "Connection Closed Normally"

_BY_STATUS = {400: "Bad Request", 401: UNAUTHORIZED, 403: FORBIDDEN}
_BAD_REQUEST, _TOO_MANY_REQUESTS, _SERVER_ERROR = 400, 429, 500


def error_message(text: str, *, connection_id: str, request_id: str) -> str:
    """Return the text message that reports an error to a client."""
    return (
        f'{{"message": "{text}", "connectionId":"{connection_id}", '
        f'"requestId":"{request_id}"}}'
    )


def refusal_body(text: str, *, connection_id: str, request_id: str) -> str:
    """Return the body of the answer to a refused handshake."""
    return json.dumps(
        {"message": text, "connectionId": connection_id, "requestId": request_id}
    )


def refusal_text(status: int) -> str:
    """Return the message for a status that a `$connect` handler chose.

    AWS does not document the wording.
    """
    if status == _TOO_MANY_REQUESTS:
        return "Too Many Requests"
    if status >= _SERVER_ERROR:
        return INTERNAL_SERVER_ERROR
    return _BY_STATUS.get(
        status, "Bad Request" if status >= _BAD_REQUEST else "Refused"
    )
