"""Credentials and signing keys; `test_requests.py` compares what they sign."""

import hmac

import pytest

from wspubsub import UsageError
from wspubsub.aws.signing import Credentials, Scope, SigningKeys, credentials_in


def test_a_signing_key_is_made_again_for_another_day_or_secret() -> None:
    keys = SigningKeys()
    today = Scope("20261123T041500Z", "us-east-1", "dynamodb")
    later = Scope("20261123T235959Z", "us-east-1", "dynamodb")
    tomorrow = Scope("20261124T041500Z", "us-east-1", "dynamodb")
    first = keys.key("secret", today)

    assert keys.key("secret", later) is first
    assert keys.key("secret", tomorrow) != first
    assert keys.key("other", today) != first
    assert keys.key("secret", today) == first


@pytest.mark.parametrize("length", [1, 40, 60, 61, 200])
def test_a_secret_may_have_any_length(length: int) -> None:
    expected = b"AWS4" + b"s" * length
    for part in (b"20261123", b"us-east-1", b"dynamodb", b"aws4_request"):
        expected = hmac.digest(expected, part, "sha256")

    scope = Scope("20261123T041500Z", "us-east-1", "dynamodb")
    assert SigningKeys().key("s" * length, scope) == expected


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
