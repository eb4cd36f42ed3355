"""Requests to AWS: their signature, checked against botocore's signer, and headers."""

import calendar
import sys
import time
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given, settings, strategies as st

from wspubsub import __version__
from wspubsub.aws.requests import SignedRequests, format_unsigned_headers
from wspubsub.aws.signing import Credentials, SigningKeys, credentials_in

TIME = "20261123T041500Z"
NOW = float(calendar.timegm(time.strptime(TIME, "%Y%m%dT%H%M%SZ")))
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

header_text = st.text(
    st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20
)
header_name = st.from_regex(r"x-amz-[a-z0-9]{1,8}", fullmatch=True).filter(
    lambda name: name not in {"x-amz-date", "x-amz-security-token"}
)
path_text = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#.\\%"),
    max_size=30,
)
requests = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["POST", "GET", "DELETE"]),
        "path": st.one_of(
            path_text.map(lambda text: "/" + "/".join(filter(None, text.split("/")))),
            st.sampled_from(["/prod/@connections/", "/prod/%40connections/", "/"]),
        ),
        "end": st.one_of(
            st.sampled_from(["", "L0SM9cOFvHcCIhw=", "a_-=", "a/b\r\nc: d", "ü ~"]),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        ),
        "body": st.binary(max_size=60),
        "headers": st.dictionaries(header_name, header_text, max_size=3),
        "token": st.one_of(st.none(), st.just("a/token+with=signs")),
        "service": st.sampled_from(["execute-api", "dynamodb"]),
    }
)


def from_botocore(request: dict) -> str:  # type: ignore[type-arg] # of any values
    class AtTheTime(SigV4Auth):  # type: ignore[misc] # botocore has no types
        def add_auth(self, request: AWSRequest) -> None:
            request.context["timestamp"] = TIME
            self._modify_request_before_signing(request)
            canonical = self.canonical_request(request)
            text = self.string_to_sign(request, canonical)
            self._inject_signature_to_request(request, self.signature(text, request))

    end = quote(request["end"], safe="")
    aws_request = AWSRequest(
        method=request["method"],
        url=f"https://api.example.com{request['path']}{end}",
        data=request["body"],
        headers={**request["headers"], "X-Amz-Date": TIME},
    )
    aws_request.context["timestamp"] = TIME
    credentials = BotocoreCredentials("AKID", "secret/+", request["token"])
    AtTheTime(credentials, request["service"], "eu-west-1").add_auth(aws_request)
    return str(aws_request.headers["Authorization"])


@settings(deadline=None, derandomize=True)
@given(requests)
def test_a_request_is_signed_as_botocore_signs_it(request: dict) -> None:  # type: ignore[type-arg] # of any values
    environment = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret/+"}
    if request["token"]:
        environment["AWS_SESSION_TOKEN"] = request["token"]
    builder = SignedRequests(
        request["method"],
        "api.example.com",
        request["path"],
        request["body"],
        credentials=credentials_in(environment),
        environment=environment,
        service=request["service"],
        region="eu-west-1",
        keys=SigningKeys(),
        headers=request["headers"].items(),
        now=lambda: NOW + 0.5,
    )

    head, _, body = builder.build(request["end"]).partition(b"\r\n\r\n")

    line, *lines = head.decode().split("\r\n")
    headers = dict(each.split(": ", 1) for each in lines)
    end = quote(request["end"], safe="")
    assert line == f"{request['method']} {request['path']}{end} HTTP/1.1"
    assert headers["authorization"] == from_botocore(request)
    assert headers["content-length"] == str(len(request["body"]))
    assert headers.items() >= request["headers"].items()
    assert body == request["body"]


def test_a_request_of_another_second_is_signed_again() -> None:
    times = [NOW, NOW + 0.9, NOW + 1]
    builder = SignedRequests(
        "POST",
        "api.example.com",
        "/",
        b"",
        credentials=Credentials("a", "s"),
        environment={},
        service="dynamodb",
        region="eu-west-1",
        keys=SigningKeys(),
        now=lambda: times.pop(0),
    )

    first, same, later = (builder.build() for _ in range(3))

    assert first == same
    assert b"x-amz-date: 20261123T041501Z" in later
    assert b"x-amz-date: 20261123T041500Z" in first


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
