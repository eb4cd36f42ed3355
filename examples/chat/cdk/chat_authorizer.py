"""Who may connect: everybody, or clients that show a token.

`cdk -c jwks_url=... -c jwt_issuer=... -c jwt_audience=...` turns tokens on.
"""

from aws_cdk.aws_apigatewayv2_authorizers import WebSocketLambdaAuthorizer
from chat_function import ChatFunction
from constructs import Construct, Node

REQUIRED = ("jwks_url", "jwt_issuer", "jwt_audience")
OPTIONAL = ("allowed_origins",)


def make_authorizer(scope: Construct) -> WebSocketLambdaAuthorizer | None:
    """Return what asks `authorizer.py` about a new connection; None without tokens."""
    variables = _variables(scope.node)
    if not variables:
        return None
    checks = ChatFunction(
        scope,
        "AuthorizerFunction",
        handler="authorizer.handler",
        code="build-authorizer",
        variables=variables,
    )
    checks.log_group.grant_write(checks.role)
    return WebSocketLambdaAuthorizer(
        "Authorizer",
        checks.function,
        authorizer_name="connect",
        identity_source=["route.request.querystring.token"],
    )


def _variables(node: Node) -> dict[str, str]:
    given = {
        name: str(value)
        for name in (*REQUIRED, *OPTIONAL)
        if (value := node.try_get_context(name))
    }
    missing = [name for name in REQUIRED if name not in given]
    if given and missing:
        raise ValueError(f"tokens need {', '.join(missing)} as well: cdk -c NAME=VALUE")
    return {name.upper(): value for name, value in given.items()}
