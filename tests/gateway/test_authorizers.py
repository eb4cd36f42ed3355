"""Lambda authorizers: identity sources, policies, contexts, failures."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from wspubsub.testing import GatewayConfig, HandshakeRefused, InProcessGateway

ARN = "arn:aws:execute-api:us-east-1:123456789012:local00000/dev/$connect"
INVOKE = "execute-api:Invoke"

Handler = Callable[[Any, Any], object]


def ok(_event: Any, _context: Any) -> dict[str, Any]:
    return {"statusCode": 200}


def returning(result: object) -> Handler:
    return lambda _event, _context: result


def policy(*statements: object) -> dict[str, Any]:
    return {
        "principalId": "user-1",
        "policyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
    }


def allow(**changes: object) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": INVOKE, "Resource": ARN} | changes
    return {name: value for name, value in statement.items() if value is not None}


def refusal(gateway: InProcessGateway, **handshake: Any) -> HandshakeRefused:
    with pytest.raises(HandshakeRefused) as refused:
        gateway.connect(**handshake)
    return refused.value


def status_for(result: object) -> int:
    gateway = InProcessGateway(ok, authorizer=returning(result))
    try:
        gateway.connect()
    except HandshakeRefused as refused:
        return refused.status
    return 101


@pytest.mark.parametrize(
    "statements",
    [
        [allow()],
        [allow(Action="*")],
        [allow(Action="execute-api:*")],
        [allow(Action="EXECUTE-API:invoke")],
        [allow(Action=["s3:GetObject", INVOKE])],
        [allow(Resource="*")],
        [allow(Resource="arn:aws:execute-api:*:*:*")],
        [allow(Resource="arn:aws:execute-api:us-east-1:123456789012:local00000/*")],
        [allow(Resource=ARN.replace("dev", "de?"))],
        [allow(Resource=["arn:aws:s3:::bucket", ARN])],
        [allow(Action=None, NotAction="s3:*")],
        [allow(Resource=None, NotResource="arn:aws:s3:::bucket")],
        [allow(), {"Effect": "Deny", "Action": INVOKE, "Resource": "arn:aws:s3:::b"}],
        [allow(Sid="a"), allow(Resource="arn:other")],
    ],
)
def test_a_policy_that_allows_lets_the_client_in(statements: list[object]) -> None:
    assert status_for(policy(*statements)) == 101


def test_a_single_statement_needs_no_array() -> None:
    result = {"principalId": "u", "policyDocument": {"Statement": allow()}}

    assert status_for(result) == 101


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [allow(Action="s3:GetObject")],
        [allow(Action="execute-api:ManageConnections")],
        [allow(Resource=ARN.replace("dev", "prod"))],
        [allow(Resource=ARN + "x")],
        [allow(Resource=ARN.replace("$connect", "$CONNECT"))],
        [allow(Resource=ARN.replace("dev", "d.v"))],
        [allow(Action=None, NotAction="execute-api:*")],
        [allow(Resource=None, NotResource="*")],
        [allow(Action=[])],
    ],
)
def test_a_policy_that_does_not_allow_is_403(statements: list[object]) -> None:
    gateway = InProcessGateway(ok, authorizer=returning(policy(*statements)))

    refused = refusal(gateway)

    assert refused.status == 403
    assert "no identity-based policy allows" in json.loads(refused.body)["message"]
    assert len(gateway.invocations) == 1


@pytest.mark.parametrize(
    "deny",
    [
        {"Effect": "Deny", "Action": INVOKE, "Resource": ARN},
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "NotAction": "s3:*", "NotResource": "arn:aws:s3:::b"},
    ],
)
def test_an_explicit_deny_wins_over_every_allow(deny: object) -> None:
    gateway = InProcessGateway(
        ok, authorizer=returning(policy(allow(), deny, allow(Resource="*")))
    )

    refused = refusal(gateway)

    assert refused.status == 403
    assert "explicit deny" in json.loads(refused.body)["message"]


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (None, "must be an object"),
        ("Allow", "must be an object"),
        ({"statusCode": 401}, "principalId"),
        ({"isAuthorized": True}, "principalId"),
        ({"principalId": True, "policyDocument": {"Statement": []}}, "principalId"),
        ({"principalId": ["u"], "policyDocument": {"Statement": []}}, "principalId"),
        ({"principalId": "u"}, "policyDocument must be an object"),
        ({"principalId": "u", "policyDocument": {}}, "Statement must be an array"),
        (policy("Allow"), "must be an object"),
        (policy(allow(Effect="allow")), "must be Allow or Deny"),
        (policy(allow(Effect=None)), "must be Allow or Deny"),
        (policy(allow(Action=None)), "either Action or NotAction"),
        (policy(allow(NotAction="s3:*")), "either Action or NotAction"),
        (policy(allow(Resource=None)), "either Resource or NotResource"),
        (policy(allow(Resource=5)), "text or an array of text values"),
        (policy(allow(Action=[5])), "text or an array of text values"),
        (policy(allow(Resource="a" * 513)), "512"),
        (policy(allow(Condition={"Bool": {"x": "true"}})), "Condition"),
        (policy(allow()) | {"context": "text"}, "context must be an object"),
        (policy(allow()) | {"context": {"a": {"b": 1}}}, "context.a"),
        (policy(allow()) | {"context": {"a": [1]}}, "context.a"),
        (policy(allow()) | {"context": {"a": "x" * 8192}}, "8,192"),
    ],
)
def test_a_malformed_result_is_500(result: object, why: str) -> None:
    gateway = InProcessGateway(ok, authorizer=returning(result))

    refused = refusal(gateway)

    assert refused.status == 500
    assert json.loads(refused.body)["message"] == "Internal server error"
    assert why in refused.detail


def test_an_authorizer_that_raises_unauthorized_is_401() -> None:
    def authorizer(_event: Any, _context: Any) -> None:
        raise RuntimeError("Unauthorized")

    refused = refusal(InProcessGateway(ok, authorizer=authorizer))

    assert refused.status == 401
    assert json.loads(refused.body)["message"] == "Unauthorized"


@pytest.mark.parametrize("text", ["unauthorized", "Unauthorized.", ""])
def test_an_authorizer_that_raises_anything_else_is_500(text: str) -> None:
    def authorizer(_event: Any, _context: Any) -> None:
        raise RuntimeError(text)

    gateway = InProcessGateway(ok, authorizer=authorizer, raise_errors=False)

    assert refusal(gateway).status == 500


def test_an_authorizer_that_takes_too_long_is_500() -> None:
    def authorizer(_event: Any, _context: Any) -> dict[str, Any]:
        gateway.advance(seconds=29)
        return policy(allow())

    gateway = InProcessGateway(ok, authorizer=authorizer)

    refused = refusal(gateway)

    assert refused.status == 500
    assert len(gateway.invocations) == 1


SOURCES = (
    "route.request.header.Auth",
    "route.request.querystring.token",
    "stageVariables.mode",
    "context.identity.sourceIp",
)


def guarded(*sources: str, **variables: str) -> InProcessGateway:
    config = GatewayConfig(
        has_authorizer=True, identity_sources=sources, stage_variables=variables
    )
    return InProcessGateway(ok, authorizer=returning(policy(allow())), config=config)


def test_a_handshake_with_all_identity_sources_reaches_the_authorizer() -> None:
    gateway = guarded(*SOURCES, mode="strict")

    client = gateway.connect(headers={"aUTH": "x"}, query={"token": "t"})

    assert client.is_open
    assert [each.function.value for each in gateway.invocations] == [
        "authorizer",
        "handler",
    ]


@pytest.mark.parametrize(
    ("source", "handshake"),
    [
        ("route.request.header.Auth", {}),
        ("route.request.header.Auth", {"headers": {"Auth": ""}}),
        ("route.request.querystring.token", {}),
        ("route.request.querystring.token", {"query": "token="}),
        ("route.request.querystring.token", {"query": "Token=t"}),
        ("stageVariables.mode", {}),
        ("context.identity.userAgent", {}),
        ("context.stage.name", {}),
    ],
)
def test_a_missing_identity_source_is_401_without_an_invocation(
    source: str, handshake: dict[str, Any]
) -> None:
    gateway = guarded(source)

    refused = refusal(gateway, **handshake)

    assert refused.status == 401
    assert json.loads(refused.body)["message"] == "Unauthorized"
    assert source in refused.detail
    assert gateway.invocations == []


def test_a_context_cannot_replace_the_principal_or_the_latency() -> None:
    result = policy(allow()) | {
        "context": {"principalId": "x", "integrationLatency": 9}
    }
    gateway = InProcessGateway(ok, authorizer=returning(result))

    gateway.connect()

    context = gateway.invocations[-1].event["requestContext"]["authorizer"]
    assert context == {"principalId": "user-1", "integrationLatency": 0}


def test_a_null_in_a_context_is_a_null_in_the_events() -> None:
    result = policy(allow()) | {"context": {"tenant": None, "level": 3}}
    gateway = InProcessGateway(ok, authorizer=returning(result))

    gateway.connect()

    context = gateway.invocations[-1].event["requestContext"]["authorizer"]
    assert (context["tenant"], context["level"]) == (None, "3")


@pytest.mark.parametrize(
    ("principal", "text"), [(42, "42"), (Decimal(42), "42"), (4.5, "4.5")]
)
def test_a_number_as_principal_becomes_text(principal: object, text: str) -> None:
    result = policy(allow()) | {"principalId": principal}
    gateway = InProcessGateway(ok, authorizer=returning(result))

    gateway.connect()

    context = gateway.invocations[-1].event["requestContext"]["authorizer"]
    assert context["principalId"] == text


@pytest.mark.parametrize(
    ("result", "switch"),
    [
        (policy(allow()) | {"context": {"a": None}}, "null_context_is_malformed"),
        (policy(allow()) | {"principalId": 42}, "numeric_principal_is_malformed"),
    ],
)
def test_a_switch_refuses_what_only_rest_apis_were_seen_to_take(
    result: object, switch: str
) -> None:
    switches: dict[str, Any] = {switch: True}
    config = GatewayConfig(**switches)
    gateway = InProcessGateway(ok, authorizer=returning(result), config=config)

    assert refusal(gateway).status == 500


def test_a_refusing_handler_still_decides_after_the_authorizer() -> None:
    gateway = InProcessGateway(
        returning({"statusCode": 403}), authorizer=returning(policy(allow()))
    )

    assert refusal(gateway).status == 403
