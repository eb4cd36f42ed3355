"""Lambda REQUEST authorizers: what they need, and what their result means.

"Use Lambda authorizers" and "Output from an API Gateway Lambda authorizer": a missing
identity source is 401 before the function is invoked; an error whose text is exactly
`Unauthorized` is 401; a policy that does not allow is 403; anything else is 500.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.inputs import Raised
from wspubsub.gateway.policies import MalformedPolicyError, PolicyVerdict, evaluate
from wspubsub.gateway.results import Conclusion, Late
from wspubsub.gateway.texts import (
    EXPLICIT_DENY,
    INTERNAL_SERVER_ERROR,
    NO_ALLOW,
    UNAUTHORIZED,
)
from wspubsub.headers import Headers

MAX_RESULT_BYTES = 8192

_ALLOWED, _UNAUTHORIZED, _FORBIDDEN, _FAILED = 200, 401, 403, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an authorizer's result means for the handshake.

    Attributes:
        status: 200 if the client may go on, else the status of the refusal.
        text: What the client is told.
        detail: What only the developer is told.
        context: What later events carry: texts and nulls, with `principalId` among
            them.
    """

    status: int
    text: str = ""
    detail: str = ""
    context: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def is_allowed(self) -> bool:
        """Whether the handshake may continue."""
        return self.status == _ALLOWED


def missing_identity_source(
    config: GatewayConfig, event: Mapping[str, Any]
) -> str | None:
    """Return the first identity source that a handshake lacks; None if it has them all.

    Args:
        config: Names the identity sources.
        event: The event that the authorizer would be invoked with.
    """
    for source in config.identity_sources:
        if not _identity(source, event):
            return source
    return None


def decide(conclusion: Conclusion, config: GatewayConfig) -> Decision:
    """Return what an authorizer's result means."""
    if conclusion is Late.TIMED_OUT:
        return _fail("the authorizer timed out")
    if isinstance(conclusion, Raised):
        if conclusion.message == UNAUTHORIZED:
            return Decision(
                status=_UNAUTHORIZED,
                text=UNAUTHORIZED,
                detail=f"the authorizer raised {UNAUTHORIZED}",
            )
        return _fail(f"{conclusion.error_type}: {conclusion.message}")
    try:
        return _evaluate_result(conclusion.value, config)
    except MalformedPolicyError as error:
        return _fail(str(error))


def _evaluate_result(result: object, config: GatewayConfig) -> Decision:
    if not isinstance(result, dict):
        raise MalformedPolicyError("the authorizer's result must be an object")
    size = len(json.dumps(result, ensure_ascii=False).encode(errors="replace"))
    if size > MAX_RESULT_BYTES:
        raise MalformedPolicyError(
            f"the authorizer's result has {size:,} bytes; at most "
            f"{MAX_RESULT_BYTES:,} are allowed"
        )
    principal = _read_principal(result.get("principalId"), config)
    verdict = evaluate(result.get("policyDocument"), config.connect_arn)
    context = _stringify(result.get("context") or {}, config)
    if verdict is PolicyVerdict.ALLOWED:
        return Decision(status=_ALLOWED, context={"principalId": principal} | context)
    text = EXPLICIT_DENY if verdict is PolicyVerdict.DENIED else NO_ALLOW
    return Decision(
        status=_FORBIDDEN,
        text=text,
        detail=f"{config.connect_arn} is {verdict.value}",
    )


def _read_principal(principal: object, config: GatewayConfig) -> str:
    if isinstance(principal, str):
        return principal
    # One public report: a number comes out as text.
    if not config.numeric_principal_is_malformed and _is_number(principal):
        return json.dumps(principal)
    raise MalformedPolicyError(
        "the authorizer's result must have a principalId (text) and a policyDocument"
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _stringify(context: object, config: GatewayConfig) -> dict[str, str | None]:
    # "API Gateway mapping template reference": context values come out as text.
    if not isinstance(context, dict):
        raise MalformedPolicyError("the authorizer's context must be an object")
    texts: dict[str, str | None] = {}
    for name, value in context.items():
        if value is None and not config.null_context_is_malformed:
            texts[name] = None
            continue
        if not isinstance(value, str | int | float):
            raise MalformedPolicyError(
                f"the authorizer's context.{name} must be text, a number, true or "
                "false; encode anything else with json.dumps"
            )
        texts[name] = value if isinstance(value, str) else json.dumps(value)
    texts.pop("principalId", None)
    return texts


def _fail(detail: str) -> Decision:
    return Decision(status=_FAILED, text=INTERNAL_SERVER_ERROR, detail=detail)


def _identity(source: str, event: Mapping[str, Any]) -> object:
    if source.startswith("route.request.header."):
        headers = Headers(event["multiValueHeaders"])
        return headers.get(source.removeprefix("route.request.header."))
    if source.startswith("route.request.querystring."):
        name = source.removeprefix("route.request.querystring.")
        return event["queryStringParameters"].get(name)
    if source.startswith("stageVariables."):
        return event["stageVariables"].get(source.removeprefix("stageVariables."))
    return _at(event["requestContext"], source.removeprefix("context.").split("."))


def _at(value: object, path: list[str]) -> object:
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
