"""A gateway's configuration as the handler under test declares it."""

import dataclasses

from wspubsub.gateway.config import GatewayConfig
from wspubsub.handlers.declaration import read_declaration
from wspubsub.selection import RouteSelectionExpression
from wspubsub.testing.functions import LambdaHandler


def read_config(handler: object, config: GatewayConfig | None = None) -> GatewayConfig:
    """Return a configuration whose API is as a handler declares it.

    It has the predefined routes and one for each route key of the router, two-way where
    the router says so, as `wspubsub dev` and `wspubsub template` have it. A `PubSub`
    without a need for `$connect` has no such route.

    Args:
        handler: A `Router`, or what has an attribute `router` that is one; any other
            handler declares nothing.
        config: What the rest is to be; as `GatewayConfig()` by default.
    """
    config = config or GatewayConfig()
    declared = read_declaration(handler)
    if declared is None:
        return config
    if config.has_authorizer:
        declared = dataclasses.replace(declared, needs_connect=True)
    return dataclasses.replace(
        config,
        routes=frozenset(declared.all_keys),
        two_way=declared.two_way_keys,
        route_selection_expression=RouteSelectionExpression(
            declared.route_selection_expression
        ),
    )


def with_authorizer(
    config: GatewayConfig, authorizer: LambdaHandler | None
) -> GatewayConfig:
    """Return a configuration that has an authorizer if one is given."""
    if authorizer is None:
        return config
    return dataclasses.replace(config, has_authorizer=True)
