"""What is advised where AWS refuses a request, by what AWS says."""

from collections.abc import Iterator

import pytest

from tests.contracts.senders import LAMBDA_ENVIRONMENT
from tests.support.servers.management import Fault, ManagementServer, management_server
from wspubsub import AccessDeniedError
from wspubsub.aws import ManagementApi
from wspubsub.aws.failures import explain_denial

DEFAULT = "https://abcdef1234.execute-api.us-east-1.amazonaws.com/prod"
CUSTOM = "https://ws.example.com/chat"
STATEMENT = "role needs the statement"
NOT_AUTHORIZED = (
    "User: arn:aws:sts::123456789012:assumed-role/r/f is not authorized to perform: "
    "execute-api:ManageConnections on resource: arn:aws:execute-api:us-east-1:x"
)
CASES = [
    ("ExpiredTokenException", "The security token has expired", "have expired"),
    ("UnrecognizedClientException", "The security token is invalid.", "access key"),
    ("InvalidClientTokenId", "The token is invalid.", "access key"),
    ("InvalidSignatureException", "Signature expired: 1 is earlier than 2", "clock"),
    ("InvalidSignatureException", "Signature not yet current: 3 > 2", "clock"),
    ("RequestTimeTooSkewed", "The difference is too large.", "clock"),
    ("RequestExpired", "Request has expired.", "clock"),
    (
        "InvalidSignatureException",
        "Credential should be scoped to a valid region, not 'us-east-1'.",
        "a Region other",
    ),
    (
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you "
        "provided.",
        "secret key",
    ),
    (
        "ForbiddenException",
        "The request signature we calculated does not match",
        "secret key",
    ),
    ("SignatureDoesNotMatch", "It does not.", "secret key"),
    ("ForbiddenException", "Missing Authentication Token", "without its signature"),
    ("MissingAuthenticationTokenException", "x", "without its signature"),
    (
        "AccessDeniedException",
        f"{NOT_AUTHORIZED} with an explicit deny in a service control policy",
        "policy that AWS names",
    ),
    *(
        (
            "AccessDeniedException",
            f"{NOT_AUTHORIZED} because no {kind} allows the action",
            "policy that AWS names",
        )
        for kind in (
            "VPC endpoint policy",
            "permissions boundary",
            "resource control policy",
            "service control policy",
            "session policy",
        )
    ),
]


@pytest.mark.parametrize(("code", "message", "advice"), CASES)
def test_what_aws_says_decides_what_is_advised(
    code: str, message: str, advice: str
) -> None:
    text = explain_denial(DEFAULT, f"403 {code} {message}")

    assert advice in text.replace(message, "")
    assert STATEMENT not in text


def test_a_missing_permission_is_the_statement_and_nothing_else() -> None:
    because = "because no identity-based policy allows the action"
    text = explain_denial(DEFAULT, f"AccessDeniedException {NOT_AUTHORIZED} {because}")

    assert STATEMENT in text
    assert "perhaps" not in text


@pytest.mark.parametrize(
    ("endpoint", "place"),
    [
        (DEFAULT, "no stage 'prod'"),
        (DEFAULT, "default endpoint is disabled"),
        (CUSTOM, "ws.example.com has no API mapping for the path '/chat'"),
        ("https://ws.example.com", "no API mapping for the path '/'"),
        (CUSTOM, "mapping's key, not the stage"),
    ],
)
def test_a_bare_forbidden_is_the_place_first_and_then_the_statement(
    endpoint: str, place: str
) -> None:
    text = explain_denial(endpoint, '403 ForbiddenException {"message":"Forbidden"}')

    assert text.index(place) < text.index(STATEMENT)


@pytest.fixture
def server() -> Iterator[ManagementServer]:
    with management_server() as running:
        yield running


@pytest.mark.parametrize("path", ["engine", "boto3"])
@pytest.mark.parametrize("case", CASES[:2])
def test_both_clients_explain_a_403_alike(
    server: ManagementServer,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    case: tuple[str, str, str],
) -> None:
    code, message, advice = case
    for name, value in LAMBDA_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    if path == "boto3":
        monkeypatch.delenv("AWS_LAMBDA_RUNTIME_API")
    server.plan("a=", Fault(403, code, message))

    with pytest.raises(AccessDeniedError, match=advice) as caught:
        ManagementApi(server.url).post("a=", b"x")

    assert message in str(caught.value)
    assert (caught.value.status, caught.value.code) == (403, code)
