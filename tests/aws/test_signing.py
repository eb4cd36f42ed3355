"""Signature Version 4, checked against botocore's signer."""

import hashlib

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given, settings, strategies as st

from wspubsub import UsageError
from wspubsub.aws.signing import (
    Credentials,
    Scope,
    SigningKeys,
    authorization,
    canonical_request,
    credentials_in,
    signature,
)

TIME = "20261123T041500Z"
header_text = st.text(
    st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20
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
            st.just("/prod/@connections/L0SM9cOFvHcCIhw%3D"),
            st.just("/prod/%40connections/a_-%3D"),
        ),
        "query": st.sampled_from(["", "a=1", "a=1&b=%20x", "b="]),
        "payload": st.binary(max_size=60),
        "headers": st.dictionaries(header_name, header_text, max_size=3),
        "token": st.one_of(st.none(), st.just("a/token+with=signs")),
        "service": st.sampled_from(["execute-api", "dynamodb"]),
    }
)


def from_botocore(request: dict) -> str:  # type: ignore[type-arg]  # of any values
    class AtTheTime(SigV4Auth):  # type: ignore[misc]  # botocore has no types
        def add_auth(self, request: AWSRequest) -> None:
            request.context["timestamp"] = TIME
            self._modify_request_before_signing(request)
            canonical = self.canonical_request(request)
            text = self.string_to_sign(request, canonical)
            self._inject_signature_to_request(request, self.signature(text, request))

    url = "https://api.example.com" + request["path"]
    if request["query"]:
        url += "?" + request["query"]
    aws_request = AWSRequest(
        method=request["method"],
        url=url,
        data=request["payload"],
        headers={**request["headers"], "X-Amz-Date": TIME},
    )
    aws_request.context["timestamp"] = TIME
    credentials = BotocoreCredentials("AKID", "secret/+", request["token"])
    AtTheTime(credentials, request["service"], "eu-west-1").add_auth(aws_request)
    return str(aws_request.headers["Authorization"])


@settings(deadline=None, derandomize=True)
@given(requests)
def test_it_signs_as_botocore_does(request: dict) -> None:  # type: ignore[type-arg] # of any values
    scope = Scope(TIME, "eu-west-1", request["service"])
    credentials = Credentials("AKID", "secret/+", request["token"])
    headers = {**request["headers"], "host": "api.example.com", "x-amz-date": TIME}
    if request["token"]:
        headers["x-amz-security-token"] = request["token"]
    signed = sorted(headers.items())

    canonical = canonical_request(
        request["method"],
        request["path"],
        request["query"],
        signed,
        hashlib.sha256(request["payload"]).hexdigest(),
    )
    key = SigningKeys().key("secret/+", TIME[:8], "eu-west-1", request["service"])
    value = authorization(
        credentials, scope, signed, signature(canonical.encode(), scope, key)
    )

    assert value == from_botocore(request)


def test_a_signing_key_is_made_anew_for_another_day_or_secret() -> None:
    keys = SigningKeys()
    first = keys.key("secret", "20261123", "us-east-1", "dynamodb")

    assert keys.key("secret", "20261123", "us-east-1", "dynamodb") is first
    assert keys.key("secret", "20261124", "us-east-1", "dynamodb") != first
    assert keys.key("other", "20261123", "us-east-1", "dynamodb") != first
    assert keys.key("secret", "20261123", "us-east-1", "dynamodb") == first


def test_credentials_come_from_the_environment() -> None:
    environment = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}

    assert credentials_in(environment) == Credentials("a", "s", None)
    environment["AWS_SESSION_TOKEN"] = "t"
    assert credentials_in(environment) == Credentials("a", "s", "t")


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_without_credentials_the_error_says_what_to_set(missing: str) -> None:
    environment = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}
    del environment[missing]

    with pytest.raises(UsageError, match="AWS_ACCESS_KEY_ID"):
        credentials_in(environment)
