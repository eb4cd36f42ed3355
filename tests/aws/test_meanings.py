"""What answers mean, compared with what botocore's standard mode retries."""

import boto3
import pytest
from botocore.retries import standard

from tests.contracts.tables import CREDENTIALS
from wspubsub.aws.meanings import Meaning, meaning_of
from wspubsub.aws.verdicts import verdict_on
from wspubsub.engine.exchange import Verdict

THROTTLED_CODES = vars(standard.ThrottledRetryableChecker)["_THROTTLED_ERROR_CODES"]
BROKEN_CODES = vars(standard.TransientRetryableChecker)["_TRANSIENT_ERROR_CODES"]
BROKEN_STATUSES = vars(standard.TransientRetryableChecker)["_TRANSIENT_STATUS_CODES"]


@pytest.mark.parametrize("code", THROTTLED_CODES)
def test_what_botocore_takes_for_throttling_is_throttling(code: str) -> None:
    assert meaning_of(400, code) is Meaning.THROTTLED
    assert verdict_on(400, code) is Verdict.THROTTLED


@pytest.mark.parametrize("code", sorted({*BROKEN_CODES} - {*THROTTLED_CODES}))
def test_what_botocore_takes_for_transient_may_pass(code: str) -> None:
    assert meaning_of(400, code) is Meaning.BROKEN
    assert verdict_on(400, code) is Verdict.BROKEN


@pytest.mark.parametrize("status", range(300, 600))
def test_where_the_code_says_nothing_the_status_decides_as_in_botocore(
    status: int,
) -> None:
    is_passing = status in {*BROKEN_STATUSES, 429}

    for code in (None, "Whatever", str(status)):
        assert meaning_of(status, code).is_passing is is_passing
    assert (meaning_of(status, None) is Meaning.THROTTLED) is (status == 429)


@pytest.mark.parametrize("service", ["dynamodb", "sqs", "apigatewaymanagementapi"])
def test_what_a_service_s_model_calls_retryable_is_tried_again(service: str) -> None:
    client = boto3.client(service, endpoint_url="http://localhost", **CREDENTIALS)
    shapes = client.meta.service_model.error_shapes
    client.close()

    retryable = {shape.name for shape in shapes if shape.metadata.get("retryable")}

    assert all(meaning_of(400, name).is_passing for name in retryable)
    assert ("ReplicatedWriteConflictException" in retryable) is (service == "dynamodb")


@pytest.mark.parametrize(
    "code",
    [
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "ForbiddenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ],
)
def test_what_aws_does_not_let_in_is_denied_whatever_the_status(code: str) -> None:
    assert meaning_of(400, code) is Meaning.DENIED
    assert meaning_of(500, code) is Meaning.DENIED


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (410, None, Meaning.GONE),
        (410, "410", Meaning.GONE),
        (410, "GoneException", Meaning.GONE),
        (403, None, Meaning.DENIED),
        (403, "ForbiddenException", Meaning.DENIED),
        (400, "AccessDeniedException", Meaning.DENIED),
        (400, "ExpiredTokenException", Meaning.DENIED),
        (400, "BadRequestException", Meaning.REFUSED),
        (413, "PayloadTooLargeException", Meaning.REFUSED),
        (400, "ConditionalCheckFailedException", Meaning.REFUSED),
        (None, None, Meaning.BROKEN),
        (None, "ConditionalCheckFailedException", Meaning.REFUSED),
        (None, "InternalServerError", Meaning.BROKEN),
        (None, "ServiceUnavailable", Meaning.BROKEN),
        (200, "UnreadableAnswer", Meaning.BROKEN),
        (None, "EndpointConnectionError", Meaning.BROKEN),
        (429, "LimitExceededException", Meaning.THROTTLED),
        (429, "GoneException", Meaning.GONE),
    ],
)
def test_everything_else_has_its_meaning(
    status: int | None, code: str | None, meaning: Meaning
) -> None:
    assert meaning_of(status, code) is meaning


@pytest.mark.parametrize("status", [400, 403, 410, 501])
def test_what_does_not_pass_is_final(status: int) -> None:
    assert verdict_on(status, None) is Verdict.FINAL
