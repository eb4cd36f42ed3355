"""What a handler returns, made into what API Gateway accepts.

A proxy result may have the keys `statusCode`, `headers`, `multiValueHeaders`, `body`
and `isBase64Encoded`; with any other key, or a body that is not text, the client gets
an "Internal server error" message instead.
"""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from wspubsub.errors import UsageError
from wspubsub.records import Record

_ALLOWED_KEYS = frozenset(
    {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
)
_MIN_STATUS, _MAX_STATUS = 200, 599
# RFC 9110 §5.1 and §5.5: a token, and a value without line breaks. Compiled when a
# handler first sets a header.
_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEADER_VALUE = r"[^\r\n\0]*"


class Response(Record):
    """A handler's answer to API Gateway.

    Args:
        body: Text for the client. Only a route with a route response delivers it.
        status_code: In `connect`, 200 to 299 accepts the handshake and any other
            status refuses it; elsewhere it has no effect.
        headers: In `connect`, sent with the handshake's answer.
        subprotocol: In `connect`, the subprotocol chosen from
            `ConnectEvent.subprotocols`; API Gateway does not choose one itself, and a
            browser that offered some closes the connection when none is chosen.

    Raises:
        UsageError: A value that API Gateway would reject.
    """

    body: str | None = None
    status_code: int = 200
    headers: Mapping[str, str] = MappingProxyType({})
    subprotocol: str | None = None

    def __init__(
        self,
        body: str | None = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        subprotocol: str | None = None,
    ) -> None:
        super().__init__(
            body=body,
            status_code=status_code,
            headers={} if headers is None else headers,
            subprotocol=subprotocol,
        )
        _check(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return the proxy result of this response."""
        headers = dict(self.headers)
        if self.subprotocol is not None:
            headers["Sec-WebSocket-Protocol"] = self.subprotocol
        result: dict[str, Any] = {"statusCode": self.status_code}
        if headers:
            result["headers"] = headers
        if self.body is not None:
            result["body"] = self.body
        return result


def to_response(value: object) -> dict[str, Any]:
    """Return the proxy result for what a handler returned.

    `None` is an empty 200, text is a body, a `Response` is what it says, an object
    with a `statusCode` is a proxy result already and is checked, and anything else is
    a JSON body.

    Raises:
        UsageError: It cannot become a valid proxy result.
    """
    if value is None:
        return {"statusCode": 200}
    if isinstance(value, Response):
        return value.as_dict()
    if isinstance(value, str):
        return {"statusCode": 200, "body": value}
    if isinstance(value, Mapping) and "statusCode" in value:
        return _check(value)
    try:
        body = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"a handler returned {type(value).__name__}, which cannot be written as "
            f"JSON ({error}); return None, text, a Response, or JSON data"
        ) from None
    return {"statusCode": 200, "body": body}


def _check(result: Mapping[Any, Any]) -> dict[str, Any]:
    extra = result.keys() - _ALLOWED_KEYS
    if extra:
        raise UsageError(
            "API Gateway rejects a result with the keys "
            f"{', '.join(sorted(map(repr, extra)))}; allowed are "
            f"{', '.join(sorted(_ALLOWED_KEYS))}"
        )
    _check_status(result["statusCode"])
    if not isinstance(result.get("body"), str | None):
        raise UsageError(
            f"a response body must be text, not {type(result['body']).__name__}; "
            "write it with json.dumps first"
        )
    _check_headers(result.get("headers"), result.get("multiValueHeaders"))
    if not isinstance(result.get("isBase64Encoded"), bool | None):
        raise UsageError("isBase64Encoded must be True or False")
    return dict(result)


def _check_status(status: object) -> None:
    if isinstance(status, bool) or not isinstance(status, int):
        raise UsageError(f"a status code must be a whole number, not {status!r}")
    if not _MIN_STATUS <= status <= _MAX_STATUS:
        raise UsageError(
            f"a status code is from {_MIN_STATUS} to {_MAX_STATUS}, not {status}"
        )


def _check_headers(single: object, several: object) -> None:
    for headers in (single, several):
        if not isinstance(headers, Mapping | None):
            raise UsageError("response headers must be a mapping of names to texts")
    flat = [*(single or {}).items()] if isinstance(single, Mapping) else []
    if isinstance(several, Mapping):
        for name, values in several.items():
            if not isinstance(values, list | tuple):
                raise UsageError(f"multiValueHeaders[{name!r}] must be a list of texts")
            flat.extend((name, value) for value in values)
    for name, value in flat:
        _check_header(name, value)


def _check_header(name: object, value: object) -> None:
    if not isinstance(name, str) or not re.fullmatch(_HEADER_NAME, name):
        raise UsageError(f"{name!r} is not the name of an HTTP header")
    if not isinstance(value, str) or not re.fullmatch(_HEADER_VALUE, value):
        raise UsageError(f"the value of header {name} must be one line of text")
