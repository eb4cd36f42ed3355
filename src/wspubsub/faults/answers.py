"""What AWS answers when something fails."""

import json
from typing import Any

from wspubsub.faults.faults import Fault
from wspubsub.faults.rules import Action
from wspubsub.gateway.effects import ManagementResponse
from wspubsub.gateway.management import (
    FORBIDDEN,
    GONE,
    LIMIT_EXCEEDED,
    TOO_LARGE,
    Refused,
)

KILLED = "Runtime.ExitError", "Runtime exited with error: signal: killed"
"""Lambda's error type and message for a worker that was killed."""

TIMED_OUT = "Sandbox.Timedout"
"""Lambda's error type for an invocation that timed out."""

_REFUSALS = {each.status: each for each in (FORBIDDEN, GONE, TOO_LARGE, LIMIT_EXCEEDED)}
_UNAVAILABLE = 503
_STATUSES = {Action.THROTTLE: 429, Action.GONE: 410, Action.FORBIDDEN: 403}
_THROTTLED = {
    "ProvisionedThroughputExceededException": (
        "com.amazonaws.dynamodb.v20120810",
        "The level of configured provisioned throughput for the table was exceeded. "
        "Consider increasing your provisioning level with the UpdateTable API.",
    ),
    "RequestLimitExceeded": (
        "com.amazonaws.dynamodb.v20120810",
        "Throughput exceeds the current throughput limit for your account.",
    ),
    "ThrottlingException": (
        "com.amazon.coral.availability",
        "Rate of requests exceeds the allowed throughput.",
    ),
}


def answer_management(fault: Fault) -> ManagementResponse:
    """Return the answer of the Management API to a request that a rule fails."""
    status = _STATUSES.get(fault.action, fault.rule.status)
    refused = _REFUSALS.get(status) or Refused(
        status, "", '{"message":"Internal server error"}'
    )
    body = refused.body.encode()
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    if refused.error_type:
        headers["x-amzn-errortype"] = refused.error_type
    return ManagementResponse(
        status=status, headers=headers, body=body, detail=fault.text
    )


def answer_dynamodb(fault: Fault) -> tuple[int, bytes]:
    """Return status and body of DynamoDB's answer to a request that a rule fails.

    "Error handling with DynamoDB" names the codes.
    """
    rule = fault.rule
    if fault.action is Action.THROTTLE:
        namespace, message = _THROTTLED[rule.code]
        return 400, _encode(f"{namespace}#{rule.code}", message)
    code = (
        "ServiceUnavailable" if rule.status == _UNAVAILABLE else "InternalServerError"
    )
    return rule.status, _encode(
        f"com.amazonaws.dynamodb.v20120810#{code}",
        "The request could not be processed; a rule of faults says so.",
    )


def deny(method_arn: str) -> dict[str, Any]:
    """Return what an authorizer returns that denies a client its connection."""
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Deny",
        "Resource": method_arn,
    }
    return {
        "principalId": "denied",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }


def _encode(code: str, message: str) -> bytes:
    return json.dumps({"__type": code, "message": message}).encode()
