"""The rules judge a description, wherever it was read; here one as AWS has it."""

from dataclasses import replace

from wspubsub.deployment.checking import check_deployments
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.description.grants import Grants, Statement
from wspubsub.deployment.description.parts import (
    Api,
    Function,
    Integration,
    Permission,
    Route,
    Stage,
    Table,
)
from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.handlers.application import Application

API = "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/chat"
ACTIONS = ("GetItem", "PutItem", "DeleteItem", "Query", "BatchWriteItem")
GRANTS = Grants(
    role="chat-role",
    statements=(
        Statement(
            owner="chat-role",
            is_allowing=True,
            actions=("execute-api:ManageConnections",),
            resources=(f"{API}/prod/*/@connections/*",),
        ),
        Statement(
            owner="chat-role",
            is_allowing=True,
            actions=tuple(f"dynamodb:{name}" for name in ACTIONS),
            resources=(TABLE,),
        ),
    ),
)
FUNCTION = Function(
    name="chat",
    arn="arn:aws:lambda:eu-west-1:123456789012:function:chat",
    handler="app.handler",
    code="sha256",
    module=None,
    has_layers=False,
    runtime="python3.13",
    timeout_seconds=29,
    concurrency=None,
    recursive_loop="Terminate",
    variables={
        "WSPUBSUB_ENDPOINT": "https://abcdef1234.execute-api.eu-west-1.amazonaws.com/prod",
        "WSPUBSUB_TABLE": "chat",
    },
    grants=GRANTS,
)
ROUTE = Route(
    name="r1",
    key="$connect",
    integration=Integration(
        name="i1",
        kind="AWS_PROXY",
        function="chat",
        timeout_milliseconds=29_000,
        has_credentials=False,
        has_response=False,
    ),
    authorization="NONE",
    is_two_way=False,
    has_response=False,
)
LIVE = Deployment(
    application=Application(
        handler="app.handler",
        route_keys=frozenset({"$connect"}),
        variables=frozenset({"WSPUBSUB_ENDPOINT", "WSPUBSUB_TABLE"}),
    ),
    api=Api(
        name="abcdef1234",
        api_id="abcdef1234",
        arn=API,
        host="abcdef1234.execute-api.eu-west-1.amazonaws.com",
        selection_expression="$request.body.action",
        is_endpoint_disabled=False,
        routes=(ROUTE,),
        has_other_routes=False,
        stages=(Stage(name="prod", stage_name="prod", receives_routes=True),),
        has_other_stages=False,
    ),
    functions=(FUNCTION,),
    permissions=(
        Permission(
            function="chat",
            principal="apigateway.amazonaws.com",
            source=f"{API}/*/$connect",
        ),
    ),
    tables=(
        Table(
            name="chat",
            table_name="chat",
            arn=TABLE,
            stream_arn=f"{TABLE}/stream/2026-01-01T00:00:00.000",
            keys=(("pk", "HASH"), ("sk", "RANGE")),
            key_types={"pk": "S", "sk": "S"},
            has_ttl=True,
            ttl_attribute="expires_at",
            stream_view=None,
        ),
    ),
    regions=frozenset({"eu-west-1"}),
)


def found(deployment: Deployment) -> list[str]:
    return [each.rule for each in check_deployments([deployment])]


def with_function(**changes: object) -> Deployment:
    return replace(LIVE, functions=(replace(FUNCTION, **changes),))  # type: ignore[arg-type] # any field


def test_a_deployment_as_aws_has_it_is_right() -> None:
    assert found(LIVE) == []


def test_what_is_wrong_there_is_found_by_the_same_rules() -> None:
    denial = Statement(
        owner="boundary",
        is_allowing=False,
        actions=("dynamodb:Query",),
        resources=("arn:aws:dynamodb:*:*:table/ch?t",),
    )
    denied = replace(GRANTS, statements=(*GRANTS.statements, denial))

    assert found(with_function(grants=denied)) == ["denied"]
    assert found(replace(LIVE, permissions=())) == ["invoke"]
    assert found(with_function(concurrency=0)) == ["concurrency"]
    assert found(with_function(timeout_seconds=30)) == ["timeout"]
    assert found(replace(LIVE, tables=(replace(LIVE.tables[0], has_ttl=False),))) == [
        "table-ttl"
    ]


def test_what_is_unknown_there_is_not_judged() -> None:
    assert found(with_function(grants=UNKNOWN)) == []
    assert found(with_function(variables=UNKNOWN)) == []
    assert found(with_function(timeout_seconds=UNKNOWN, runtime=UNKNOWN)) == []
