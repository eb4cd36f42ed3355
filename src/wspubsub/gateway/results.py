"""What API Gateway makes of the result of an invocation.

"Output format of a Lambda function for proxy integration": an object with the keys
`statusCode`, `headers`, `multiValueHeaders`, `body` and `isBase64Encoded`. Any other
key, or a body that is not text, makes the result malformed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.inputs import InvocationResult, Raised
from wspubsub.headers import Headers
from wspubsub.messages import MAX_MESSAGE_BYTES
from wspubsub.responses import (
    MAX_STATUS,
    MIN_STATUS,
    RESULT_KEYS,
    is_header_name,
    is_header_value,
    read_header_value,
    read_status,
)

_ACCEPTING = range(200, 300)


class Late(Enum):
    """An invocation that has no result although its time is up."""

    TIMED_OUT = "timed out"


Conclusion = InvocationResult | Late
"""How an invocation ended for API Gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyResult:
    """A well-formed result.

    Attributes:
        status: HTTP status.
        headers: Found by their names in any case.
        body: Text; may be empty.
    """

    status: int
    headers: Headers
    body: str

    @property
    def accepts(self) -> bool:
        """Whether a `$connect` handler accepts the client."""
        return self.status in _ACCEPTING


class MalformedResultError(Exception):
    """An invocation failed, or returned what API Gateway rejects; the text says why."""


def proxy_result(result: InvocationResult, config: GatewayConfig) -> ProxyResult:
    """Return a handler's result.

    Raises:
        MalformedResultError: It is malformed, so the client gets an error message.
    """
    if isinstance(result, Raised):
        raise MalformedResultError(f"{result.error_type}: {result.message}")
    value = result.value
    if value is None and not config.null_result_is_malformed:
        value = {"statusCode": 200}
    if not isinstance(value, dict):
        raise MalformedResultError(
            f"the handler returned {_kind(value)}; return an object such as "
            '{"statusCode": 200}'
        )
    extra = sorted(value.keys() - RESULT_KEYS)
    if extra:
        raise MalformedResultError(
            f"the handler's result has the keys {', '.join(extra)}; API Gateway "
            f"allows only {', '.join(sorted(RESULT_KEYS))}"
        )
    return ProxyResult(
        status=_status(value, config),
        headers=Headers(_header_values(value)),
        body=_body(value),
    )


def without_surrogates(text: str) -> str:
    """Return text as valid UTF-8: half a surrogate pair becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _status(value: Mapping[str, Any], config: GatewayConfig) -> int:
    status = read_status(value.get("statusCode"))
    if status is None and not config.missing_status_is_malformed:
        return MIN_STATUS
    if isinstance(status, bool) or not isinstance(status, int):
        raise MalformedResultError(
            f"the handler's statusCode is {_kind(status)}; return a whole number"
        )
    if not MIN_STATUS <= status <= MAX_STATUS:
        raise MalformedResultError(
            f"the handler's statusCode is {status}; return one from {MIN_STATUS} "
            f"to {MAX_STATUS}"
        )
    return status


def _body(value: Mapping[str, Any]) -> str:
    body = value.get("body")
    if body is None:
        return ""
    if not isinstance(body, str):
        raise MalformedResultError(
            f"the handler's body is {_kind(body)}; encode it with json.dumps first"
        )
    text = without_surrogates(body)
    if len(text.encode()) > MAX_MESSAGE_BYTES:
        raise MalformedResultError(
            f"the handler's body is longer than {MAX_MESSAGE_BYTES:,} bytes; "
            "return less"
        )
    return text


def _header_values(value: Mapping[str, Any]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, text in _headers(value):
        if not is_header_name(name) or not is_header_value(text):
            raise MalformedResultError(
                f"the handler's header {name!r} has an invalid name, or its value "
                "is not a single line of Latin-1 text"
            )
        values.setdefault(name, []).append(text)
    return values


def _headers(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    single, multi = (
        {} if value.get(key) is None else value[key]
        for key in ("headers", "multiValueHeaders")
    )
    if not isinstance(single, dict) or not isinstance(multi, dict):
        raise MalformedResultError("the handler's headers must be an object")
    for name, text in single.items():
        yield name, _header_text(name, text)
    for name, several in multi.items():
        if not isinstance(several, list):
            raise MalformedResultError(
                f"the handler's multiValueHeaders.{name} is {_kind(several)}; "
                "return an array"
            )
        for text in several:
            yield name, _header_text(name, text)


def _header_text(name: str, value: object) -> str:
    text = read_header_value(value)
    if isinstance(text, str):
        return text
    raise MalformedResultError(
        f"the handler's header {name} is {_kind(value)}; return text"
    )


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")
