"""IAM policy documents of Lambda authorizers, as far as `execute-api:Invoke` goes.

"Policy evaluation logic" (IAM): an explicit Deny wins, an Allow is needed, and what
nothing mentions is denied. `*` and `?` are wildcards, actions match in any casing.
"""

import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any

_ACTION = "execute-api:Invoke"
_MAX_ARN = 512


class PolicyVerdict(Enum):
    """What a policy says about an invocation."""

    ALLOWED = "allowed"
    DENIED = "explicitly denied"
    NOT_ALLOWED = "not allowed by any statement"


class MalformedPolicyError(Exception):
    """Not a policy document; the text says why."""


def evaluate(policy: object, method_arn: str) -> PolicyVerdict:
    """Return whether a policy document allows the invocation of a method.

    Raises:
        MalformedPolicyError: It is not a policy document, or has a Condition:
            conditions are not evaluated here, and a guess could let somebody in.
    """
    if not isinstance(policy, dict):
        raise MalformedPolicyError("policyDocument must be an object")
    statements = policy.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list):
        raise MalformedPolicyError("policyDocument.Statement must be an array")
    effects = {
        _effect(statement)
        for statement in statements
        if _applies(statement, method_arn)
    }
    if "Deny" in effects:
        return PolicyVerdict.DENIED
    return PolicyVerdict.ALLOWED if effects else PolicyVerdict.NOT_ALLOWED


def _effect(statement: Mapping[str, Any]) -> str:
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise MalformedPolicyError(
            f"the Effect of a Statement must be Allow or Deny, not {effect!r}"
        )
    return str(effect)


def _applies(statement: object, method_arn: str) -> bool:
    if not isinstance(statement, dict):
        raise MalformedPolicyError("a Statement must be an object")
    if statement.get("Condition"):
        raise MalformedPolicyError(
            "this gateway does not evaluate a Condition; remove it, or test the "
            "authorizer on AWS"
        )
    _effect(statement)
    actions, covers_actions = _element(statement, "Action")
    resources, covers_resources = _element(statement, "Resource")
    if any(len(resource) > _MAX_ARN for resource in resources):
        raise MalformedPolicyError(
            f"a Resource must have at most {_MAX_ARN} characters"
        )
    action_matches = any(
        matches(pattern.lower(), _ACTION.lower()) for pattern in actions
    )
    resource_matches = any(matches(pattern, method_arn) for pattern in resources)
    return (action_matches == covers_actions) and (resource_matches == covers_resources)


def _element(statement: Mapping[str, Any], name: str) -> tuple[list[str], bool]:
    present = [key for key in (name, f"Not{name}") if key in statement]
    if len(present) != 1:
        raise MalformedPolicyError(f"a Statement must have either {name} or Not{name}")
    value = statement[present[0]]
    patterns = [value] if isinstance(value, str) else value
    if not isinstance(patterns, list) or not all(
        isinstance(pattern, str) for pattern in patterns
    ):
        raise MalformedPolicyError(
            f"{present[0]} must be text or an array of text values"
        )
    return patterns, present[0] == name


def matches(pattern: str, text: str) -> bool:
    """Return whether a pattern of a policy, with its `*` and `?`, covers a text."""
    return _compile(pattern).fullmatch(text) is not None


@lru_cache(maxsize=512)
def _compile(pattern: str) -> re.Pattern[str]:
    parts = (
        {"*": ".*", "?": "."}.get(part, re.escape(part))
        for part in re.split(r"([*?])", pattern)
    )
    return re.compile("".join(parts), re.DOTALL)
