"""The Management API's requests and answers, as they were recorded from AWS.

"Use @connections commands in your backend service". SDKs recognize errors by the
header `x-amzn-errortype`; a connection ID must be percent-encoded, since it ends in
`=`.
"""

import json
import re
from typing import NamedTuple
from urllib.parse import unquote

from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.connection import ClientConnection
from wspubsub.gateway.effects import ManagementResponse
from wspubsub.gateway.ids import Ids, decode_segment, is_well_formed
from wspubsub.gateway.inputs import ManagementRequest
from wspubsub.gateway.texts import FORBIDDEN_BODY
from wspubsub.gateway.times import iso_8601
from wspubsub.messages import MAX_MESSAGE_BYTES

_METHODS = frozenset({"GET", "POST", "DELETE"})
_PATH_PARTS = 3
# The first of these three bytes begins an encoded surrogate wherever it is followed by
# the second (RFC 3629 §3), and can be no continuation byte itself.
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_REPLACEMENT = "\ufffd".encode()


class Refused(NamedTuple):
    """Why a request is answered with an error.

    Attributes:
        status: HTTP status.
        error_type: What SDKs recognize it by.
        body: What AWS answers.
        detail: What the developer should know.
    """

    status: int
    error_type: str
    body: str = ""
    detail: str = ""


GONE = Refused(
    410,
    "GoneException",
    detail="no client has this connection ID: it has left, or its handshake has not "
    "been answered yet; catch GoneException",
)
TOO_LARGE = Refused(
    413,
    "PayloadTooLargeException",
    '{"message":"Message exceeds 128 KB"}',
    f"a message has at most {MAX_MESSAGE_BYTES:,} bytes; send less",
)
LIMIT_EXCEEDED = Refused(
    429,
    "LimitExceededException",
    '{"message":"Limit exceeded"}',
    "the client does not read what it was sent before; retry later",
)
FORBIDDEN = Refused(403, "ForbiddenException", FORBIDDEN_BODY)
_UNSIGNED = Refused(
    403,
    "ForbiddenException",
    '{"message":"Missing Authentication Token"}',
    "the request has no AWS signature; use an AWS SDK, or sign it",
)


def is_connect_path(path: str, stage: str) -> bool:
    """Return whether clients connect to a path: the stage and nothing more."""
    return unquote(path).removesuffix("/") == f"/{stage}"


def find_target(request: ManagementRequest, config: GatewayConfig) -> str | Refused:
    """Return the connection ID that a request is for, or why it is refused.

    Anything other than a request for a connection of this stage is forbidden, so this
    also answers plain HTTP requests to any other path.
    """
    parts = request.path.partition("?")[0].removeprefix("/").split("/")
    if len(parts) != _PATH_PARTS or request.method not in _METHODS:
        return _forbid(request, config)
    stage, resource, connection_id = map(decode_segment, parts)
    if stage != config.stage or resource != "@connections":
        return _forbid(request, config)
    if config.require_signature and not _is_signed(request):
        return _UNSIGNED
    if not is_well_formed(connection_id):
        message = {"message": f"Invalid connectionId: {connection_id}"}
        text = json.dumps(message, separators=(",", ":"))
        detail = "a connection ID is percent-encoded in the path and ends in %3D"
        return Refused(400, "BadRequestException", text, detail)
    if request.method == "POST" and len(request.body) > MAX_MESSAGE_BYTES:
        return TOO_LARGE
    return connection_id


def text_of(data: bytes) -> str:
    """Return the text message as which posted bytes are delivered.

    Bytes that are not UTF-8 become U+FFFD, and an encoded surrogate a single one.
    """
    return _SURROGATE.sub(_REPLACEMENT, data).decode("utf-8", "replace")


class ManagementAnswers:
    """Makes the answers of the Management API.

    Args:
        ids: Names each answer.
    """

    __slots__ = ("_ids",)

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def answer_post(self, *, now: float) -> ManagementResponse:
        """Return the answer to a post that was accepted."""
        return self._answer(200, b"", now)

    def answer_delete(self, *, now: float) -> ManagementResponse:
        """Return the answer to the deletion of a connection."""
        return ManagementResponse(status=204, headers=self._make_id_headers(now))

    def answer_get(
        self, connection: ClientConnection, *, now: float
    ) -> ManagementResponse:
        """Return the answer that describes a connection."""
        description = {
            "identity": {
                "sourceIp": connection.handshake.source_ip,
                "userAgent": connection.user_agent,
            },
            "connectedAt": iso_8601(connection.connected_at),
            "lastActiveAt": iso_8601(connection.last_active_at),
        }
        # Spaced as recorded: `"identity" : {`.
        text = json.dumps(description, indent=2, separators=(",", " : "))
        return self._answer(200, text.encode(), now)

    def refuse(self, refused: Refused, *, now: float) -> ManagementResponse:
        """Return the answer to a request that is refused."""
        return self._answer(
            refused.status,
            refused.body.encode(),
            now,
            {"x-amzn-errortype": refused.error_type},
            detail=refused.detail,
        )

    def _answer(
        self,
        status: int,
        body: bytes,
        now: float,
        extra: dict[str, str] | None = None,
        *,
        detail: str = "",
    ) -> ManagementResponse:
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            **self._make_id_headers(now),
            **(extra or {}),
        }
        return ManagementResponse(
            status=status, headers=headers, body=body, detail=detail
        )

    def _make_id_headers(self, now: float) -> dict[str, str]:
        return {
            "x-amzn-requestid": self._ids.uuid(),
            "x-amz-apigw-id": self._ids.opaque(),
            "x-amzn-trace-id": self._ids.trace(now),
        }


def _forbid(request: ManagementRequest, config: GatewayConfig) -> Refused:
    if is_connect_path(request.path.partition("?")[0], config.stage):
        detail = (
            "this is not a WebSocket handshake, which is an HTTP/1.1 GET with "
            "Upgrade: websocket"
        )
    else:
        detail = (
            f"clients connect to /{config.stage}; the Management API takes GET, POST "
            f"and DELETE of /{config.stage}/@connections/ID"
        )
    return FORBIDDEN._replace(detail=detail)


def _is_signed(request: ManagementRequest) -> bool:
    return (
        request.headers.get("authorization", "").startswith("AWS4-")
        or "X-Amz-Signature=" in request.path.partition("?")[2]
    )
