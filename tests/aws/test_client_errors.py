"""What the errors of AWS clients mean, whichever client raised them."""

import json

import botocore.exceptions as botocore
import pytest

from tests.support.botocore_errors import parsing_error
from wspubsub import CredentialsError, UsageError
from wspubsub.aws.client_errors import failure_of
from wspubsub.aws.json_api import ClientError
from wspubsub.aws.meanings import Meaning


def refused(
    code: str, *, status: int = 400, operation: str = "Query"
) -> botocore.ClientError:
    return botocore.ClientError(
        {
            "Error": {"Code": code, "Message": "no"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        operation,
    )


def test_a_refusal_is_read_alike_from_both_clients() -> None:
    theirs = refused("ThrottlingException")
    ours = ClientError(dict(theirs.response), "Query")

    assert failure_of(ours) == failure_of(theirs)
    failure = failure_of(theirs)
    assert failure.meaning is Meaning.THROTTLED
    assert failure.code == "ThrottlingException"
    assert failure.status == 400
    assert failure.text == "400 ThrottlingException no"
    assert failure.answer == theirs.response


def test_a_refusal_without_a_code_is_judged_by_its_status() -> None:
    error = ClientError({"Error": {"Code": "", "Message": ""}}, "Query")
    error.response["ResponseMetadata"] = {"HTTPStatusCode": 503}

    failure = failure_of(error)

    assert (failure.code, failure.meaning) == ("Unknown", Meaning.BROKEN)


@pytest.mark.parametrize(
    "error",
    [
        botocore.EndpointConnectionError(endpoint_url="http://x"),
        botocore.ConnectTimeoutError(endpoint_url="http://x"),
        botocore.ConnectionClosedError(endpoint_url="http://x"),
        botocore.ReadTimeoutError(endpoint_url="http://x"),
        botocore.ProxyConnectionError(proxy_url="http://x"),
        botocore.HTTPClientError(error="x"),
        botocore.ResponseStreamingError(error="x"),
        botocore.IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ],
)
def test_having_no_answer_may_pass(error: Exception) -> None:
    failure = failure_of(error)

    assert failure.meaning is Meaning.BROKEN
    assert failure.code == type(error).__name__
    assert failure.status is None
    assert failure.text == str(error)
    assert failure.answer == {}


@pytest.mark.parametrize(
    "error",
    [
        botocore.SSLError(endpoint_url="https://x", error="untrusted"),
        botocore.ParamValidationError(report="Key"),
    ],
)
def test_what_no_second_attempt_mends_is_refused(error: Exception) -> None:
    assert failure_of(error).meaning is Meaning.REFUSED


@pytest.mark.parametrize(
    "error",
    [
        botocore.NoCredentialsError(),
        botocore.PartialCredentialsError(provider="env", cred_var="X"),
        botocore.CredentialRetrievalError(provider="process", error_msg="failed"),
        botocore.UnauthorizedSSOTokenError(),
        botocore.SSOTokenLoadError(error_msg="Token for work does not exist"),
        botocore.TokenRetrievalError(provider="sso", error_msg="expired"),
        botocore.ProfileNotFound(profile="absent"),
        botocore.ConfigParseError(path="/x", error="y"),
        botocore.InvalidConfigError(error_msg="x"),
        botocore.MetadataRetrievalError(error_msg="x"),
        botocore.ConfigNotFound(path="/x"),
        botocore.InfiniteLoopConfigError(source_profile="a", visited_profiles=["a"]),
        botocore.LoginRefreshRequired(),
        botocore.MissingDependencyException(msg="awscrt"),
        botocore.NoAuthTokenError(),
        botocore.RefreshWithMFAUnsupportedError(),
        botocore.UnknownCredentialError(name="x"),
        refused("AccessDenied", status=403, operation="AssumeRole"),
        refused("UnauthorizedException", status=401, operation="GetRoleCredentials"),
        refused("InvalidIdentityToken", operation="AssumeRoleWithWebIdentity"),
        refused("InvalidIdentityToken", operation="AssumeRoleWithSAML"),
        refused("ExpiredTokenException", operation="CreateToken"),
        refused("AccessDeniedException", operation="CreateOAuth2Token"),
        refused("AccessDenied", status=403, operation="GetSessionToken"),
    ],
)
def test_what_comes_before_the_request_is_an_error_of_credentials(
    error: Exception,
) -> None:
    with pytest.raises(CredentialsError, match="no AWS credentials") as caught:
        failure_of(error)

    assert str(error) in str(caught.value)
    assert caught.value.__cause__ is error
    assert "AWS_PROFILE" in str(caught.value)


def test_having_no_region_is_the_developer_s_to_mend() -> None:
    with pytest.raises(UsageError, match="AWS_REGION"):
        failure_of(botocore.NoRegionError())


@pytest.mark.parametrize("body", [json.dumps([]).encode(), b"\x1f\x8b"])
def test_an_answer_that_botocore_cannot_read_may_pass(body: bytes) -> None:
    failure = failure_of(parsing_error(body))

    assert failure.meaning is Meaning.BROKEN
    assert failure.code == "UnreadableAnswer"
    assert failure.text.startswith("the answer cannot be read: ")


def test_an_error_of_the_program_is_raised_as_it_is() -> None:
    error = AttributeError("a mistake")

    with pytest.raises(AttributeError) as caught:
        failure_of(error)

    assert caught.value is error
