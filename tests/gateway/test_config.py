"""What API Gateway would not accept is refused, with what to do."""

from typing import Any

import pytest

from wspubsub import UsageError
from wspubsub.gateway import GatewayConfig


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        ({"stage": "$default"}, "not a stage name"),
        ({"stage": ""}, "not a stage name"),
        ({"stage": "a/b"}, "not a stage name"),
        ({"stage": "x" * 129}, "1 to 128"),
        ({"api_id": "ABCDEF1234"}, "ten lowercase"),
        ({"api_id": "abc"}, "ten lowercase"),
        ({"account_id": "12345"}, "12 digits"),
        ({"region": "us east"}, "not a Region"),
        ({"routes": {"$other"}}, "rename the route"),
        ({"routes": {""}}, "must not be empty"),
        ({"routes": {str(n) for n in range(301)}}, "at most 300 routes"),
        ({"two_way": {"chat"}}, "must be among the routes"),
        (
            {"has_authorizer": True, "routes": {"$default"}},
            "needs the route \\$connect",
        ),
        (
            {"identity_sources": ("route.request.header.Auth",)},
            "need an authorizer",
        ),
        (
            {
                "has_authorizer": True,
                "identity_sources": ("$request.header.Auth",),
            },
            "route.request.querystring.NAME",
        ),
        (
            {
                "has_authorizer": True,
                "identity_sources": ("route.request.header.A,context.b",),
            },
            "name each of them separately",
        ),
        ({"stage_variables": {"a-b": "c"}}, "'a-b' is not the name of a stage"),
        ({"stage_variables": {"a": "b c"}}, "a must not be 'b c'"),
        ({"stage_variables": {"a": ""}}, "a must not be ''"),
        ({"integration_timeout_seconds": 0.04}, "0.05 to 29"),
        ({"integration_timeout_seconds": 29.1}, "0.05 to 29"),
        ({"idle_timeout_seconds": 0}, "idle_timeout_seconds must be greater than 0"),
        ({"max_duration_seconds": -1}, "max_duration_seconds must be greater than 0"),
        ({"max_buffer_bytes": 0}, "max_buffer_bytes must be greater than 0"),
        ({"idle_timeout_seconds": float("nan")}, "must be greater than 0"),
    ],
)
def test_a_bad_value_is_refused_with_advice(
    values: dict[str, Any], advice: str
) -> None:
    with pytest.raises(UsageError, match=advice):
        GatewayConfig(**values)


def test_the_limits_themselves_are_accepted() -> None:
    config = GatewayConfig(
        stage="x" * 128,
        routes={str(n) for n in range(300)},
        integration_timeout_seconds=0.05,
    )

    assert len(config.routes) == 300


def test_a_configuration_does_not_follow_its_caller_s_changes() -> None:
    routes = {"$default", "a"}
    config = GatewayConfig(routes=routes, two_way=routes)

    routes.add("b")

    assert config.routes == {"$default", "a"}
    assert not config.is_two_way("b")


def test_the_arn_names_region_account_api_and_stage() -> None:
    config = GatewayConfig(
        stage="prod", api_id="abcdef1234", region="eu-west-1", account_id="1" * 12
    )

    assert config.connect_arn == (
        "arn:aws:execute-api:eu-west-1:111111111111:abcdef1234/prod/$connect"
    )
    assert config.default_host == "abcdef1234.execute-api.eu-west-1.amazonaws.com"
