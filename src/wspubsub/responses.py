"""What a handler returns, turned into what API Gateway accepts.

A proxy result may have the keys `statusCode`, `headers`, `multiValueHeaders`, `body`
and `isBase64Encoded`; with any other key, or a body that is not text, the client gets
an "Internal server error" message instead.

What is returned for a handshake decides who gets in, so it is read more strictly than
the answer to a message: whatever does not clearly accept the client is an error.
"""

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from wspubsub.errors import UsageError
from wspubsub.messages import Json, encode
from wspubsub.records import Record

RESULT_KEYS = frozenset(
    {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
)
"""All that a proxy result may have ("Output format of a Lambda function for proxy
integration")."""

MIN_STATUS, MAX_STATUS = 200, 599

# RFC 9110 §5.1 and §5.5: a token, and a value without line breaks: nothing may end a
# header early and begin another. Compiled when a handler first sets a header.
_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEADER_VALUE = r"[\t\x20-\x7e\x80-\xff]*"


class _ImpliedStatus(int):
    # A status that nobody wrote: it counts as 200, but accepts no handshake.
    __slots__ = ()


class Response(Record):
    """A handler's answer to API Gateway.

    Args:
        body: Text for the client. Only a route with a route response delivers it.
        status_code: In `connect`, 200 to 299 accepts the handshake and any other
            status refuses it; there it must be given, since only a status that was
            written lets a client in. Elsewhere it has no effect.
        headers: In `connect`, sent with the handshake's answer.
        subprotocol: In `connect`, the subprotocol chosen from
            `ConnectEvent.subprotocols`; API Gateway does not choose one itself, and a
            browser that offered some closes the connection when none is chosen.
        multi_headers: As `headers`, for a header that is sent several times.

    Raises:
        MessageError: The body holds half of a surrogate pair, or is over 128 KB.
        UsageError: A value that API Gateway would reject.
    """

    body: str | None = None
    status_code: int
    headers: Mapping[str, str] = MappingProxyType({})
    subprotocol: str | None = None
    multi_headers: Mapping[str, Sequence[str]] = MappingProxyType({})

    def __init__(
        self,
        body: str | None = None,
        status_code: int | None = None,
        headers: Mapping[str, str] | None = None,
        subprotocol: str | None = None,
        multi_headers: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(
            body=_check_body(body),
            status_code=_check_status(status_code),
            headers=_check_headers(headers),
            subprotocol=subprotocol,
            multi_headers=_check_multi_headers(multi_headers),
        )
        if subprotocol is not None:
            _check_header("Sec-WebSocket-Protocol", subprotocol)

    def as_dict(self) -> dict[str, Any]:
        """Return the proxy result of this response."""
        headers = dict(self.headers)
        if self.subprotocol is not None:
            headers["Sec-WebSocket-Protocol"] = self.subprotocol
        result: dict[str, Any] = {"statusCode": int(self.status_code)}
        if headers:
            result["headers"] = headers
        if self.multi_headers:
            several = {name: [*values] for name, values in self.multi_headers.items()}
            result["multiValueHeaders"] = several
        if self.body is not None:
            result["body"] = self.body
        return result


def to_response(value: object, returned_by: str = "a handler") -> Response:
    """Return the response for the result of a handler for messages.

    `None` is an empty one, text is a body, a `Response` is what it says, and anything
    else is a JSON body. That is so for an object with a `statusCode` too: it may be
    what a client has sent.

    Raises:
        MessageError: The body holds half of a surrogate pair, or is over 128 KB.
        UsageError: It cannot be written as JSON.
    """
    if isinstance(value, Response):
        return value
    if value is None or isinstance(value, str):
        return Response(value)
    try:
        body = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{returned_by} returned {type(value).__name__}, which cannot be written "
            f"as JSON ({error}); return None, text, a Response, or JSON data"
        ) from None
    return Response(body)


def to_handshake_response(
    value: object, returned_by: str = "a handler", *, none_accepts: bool = False
) -> Response:
    """Return the response for the result of a `connect` handler.

    Args:
        value: What was returned.
        returned_by: By whom, for error texts.
        none_accepts: Whether `None` accepts the client.

    Raises:
        UsageError: It is neither a `Response` whose status was written, nor a proxy
            result; so it says nothing about whether the client may come in.
    """
    if value is None and none_accepts:
        return Response(status_code=200)
    response = _of_proxy_result(value)
    if not isinstance(response, Response):
        said = f"{type(value).__name__}, which does not accept the client"
    elif isinstance(response.status_code, _ImpliedStatus):
        said = "a Response without a status_code, which does not accept the client"
    else:
        return response
    raise UsageError(
        f"{returned_by} returned {said}; during a handshake return "
        f"{'None or ' if none_accepts else ''}Response(status_code=200) to accept it, "
        "or raise Unauthorized, Forbidden or Reject to refuse it"
    )


def to_failed_handshake_response(
    value: object, returned_by: str = "an exception handler", *, status: int = 500
) -> Response:
    """Return the response for an exception handler's result during a handshake.

    What failed has not let the client in. Only a status that was written can.

    Args:
        value: What was returned.
        returned_by: By whom, for error texts.
        status: What refuses the client if no status was written.

    Raises:
        MessageError: The body holds half of a surrogate pair, or is over 128 KB.
        UsageError: It cannot become a valid response.
    """
    response = to_response(_of_proxy_result(value), returned_by)
    if isinstance(response.status_code, _ImpliedStatus):
        return response.__replace__(status_code=status)
    return response


def read_status(value: Json) -> Json:
    """Return the status of a proxy result; text with three digits is accepted."""
    is_digits = isinstance(value, str) and re.fullmatch("[0-9]{3}", value)
    return int(value) if is_digits else value


def read_header_value(value: Json) -> Json:
    """Return the text of a header's value, which may be a number or a boolean."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def is_header_name(name: object) -> bool:
    """Return whether a text is a valid name of an HTTP header (RFC 9110 §5.1)."""
    return isinstance(name, str) and bool(re.fullmatch(_HEADER_NAME, name))


def is_header_value(value: object) -> bool:
    """Return whether a text is a valid header value: one line of Latin-1 text."""
    return isinstance(value, str) and bool(re.fullmatch(_HEADER_VALUE, value))


def _of_proxy_result(value: object) -> object:
    if not isinstance(value, Mapping) or "statusCode" not in value:
        return value
    extra = value.keys() - RESULT_KEYS
    if extra:
        raise UsageError(
            "API Gateway rejects a result with the keys "
            f"{', '.join(sorted(map(repr, extra)))}; it allows only "
            f"{', '.join(sorted(RESULT_KEYS))}"
        )
    if value.get("isBase64Encoded"):
        raise UsageError(
            "isBase64Encoded must be False, because a WebSocket API sends only text"
        )
    return Response(
        value.get("body"),
        status_code=value["statusCode"],
        headers=value.get("headers"),
        multi_headers=value.get("multiValueHeaders"),
    )


def _check_body(body: object) -> str | None:
    if not isinstance(body, str | None):
        raise UsageError(
            f"a response body must be text, not {type(body).__name__}; encode it "
            "with json.dumps first"
        )
    if body is not None:
        encode(body)
    # A member of a `str` enumeration is its value.
    return body and str.__str__(body)


def _check_status(given: object) -> int:
    if given is None:
        return _ImpliedStatus(200)
    status: int = read_status(given)
    if isinstance(status, bool) or not isinstance(status, int):
        raise UsageError(f"a status code must be a whole number, not {status!r}")
    if not MIN_STATUS <= status <= MAX_STATUS:
        raise UsageError(
            f"a status code must be from {MIN_STATUS} to {MAX_STATUS}, not {status}"
        )
    return status


def _check_headers(headers: object) -> dict[str, str]:
    given = _mapping(headers)
    return {name: _check_header(name, value) for name, value in given.items()}


def _check_multi_headers(headers: object) -> dict[str, Sequence[str]]:
    checked = _mapping(headers)
    for name, values in checked.items():
        if not isinstance(values, list | tuple):
            raise UsageError(f"header {name!r} must be a list of texts")
        checked[name] = [_check_header(name, value) for value in values]
    return checked


def _mapping(headers: object) -> dict[Any, Any]:
    if not isinstance(headers, Mapping | None):
        raise UsageError("response headers must map names to text")
    return dict(headers or {})


def _check_header(name: object, value: object) -> str:
    if not is_header_name(name):
        raise UsageError(f"{name!r} is not the name of an HTTP header")
    text: str = read_header_value(value)
    if not is_header_value(text):
        raise UsageError(f"the value of header {name} must be one line of Latin-1 text")
    return text
