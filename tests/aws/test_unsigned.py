"""The headers that are sent and not signed, compared with botocore's."""

import sys

import pytest

from wspubsub import __version__
from wspubsub.aws.unsigned import format_unsigned_headers

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def lines(environment: dict[str, str]) -> dict[str, str]:
    text = format_unsigned_headers(environment)
    assert text.endswith("\r\n")
    return dict(line.split(": ", 1) for line in text.splitlines())


def test_outside_lambda_there_is_no_trace() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert lines({"_X_AMZN_TRACE_ID": TRACE}) == {
        "accept-encoding": "identity",
        "user-agent": f"wspubsub/{__version__} lang/python#{version}",
    }


def test_inside_lambda_the_trace_is_handed_on() -> None:
    environment = {"_X_AMZN_TRACE_ID": TRACE, "AWS_LAMBDA_FUNCTION_NAME": "chat"}

    assert lines(environment)["x-amzn-trace-id"] == TRACE


@pytest.mark.parametrize(
    ("trace", "sent"), [("a\r\nb: c", "a%0D%0Ab:%20c"), ("ü", "%C3%BC")]
)
def test_nothing_in_a_trace_ends_the_header(trace: str, sent: str) -> None:
    environment = {"_X_AMZN_TRACE_ID": trace, "AWS_LAMBDA_FUNCTION_NAME": "chat"}

    assert lines(environment)["x-amzn-trace-id"] == sent
