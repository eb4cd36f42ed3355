"""When the engine stands in for boto3."""

import pytest

from wspubsub.aws.choice import is_engine_fit

LAMBDA = {
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "s",
}


def test_inside_lambda_it_is_the_engine() -> None:
    assert is_engine_fit(LAMBDA)


@pytest.mark.parametrize("missing", sorted(LAMBDA))
def test_elsewhere_it_is_boto3(missing: str) -> None:
    environment = {name: value for name, value in LAMBDA.items() if name != missing}

    assert not is_engine_fit(environment)


@pytest.mark.parametrize(
    "name",
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "AWS_PROFILE", "AWS_USE_FIPS_ENDPOINT"],
)
def test_anything_unusual_is_for_boto3(name: str) -> None:
    assert not is_engine_fit({**LAMBDA, name: "x"})


@pytest.mark.parametrize(
    ("region", "is_fit"), [("us-iso-east-1", False), ("cn-north-1", True)]
)
def test_isolated_regions_are_for_boto3(
    region: str,
    is_fit: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert is_engine_fit({**LAMBDA, "AWS_REGION": region}) is is_fit
