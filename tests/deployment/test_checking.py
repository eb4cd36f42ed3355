"""What a check finds in a template that was right until it was changed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tests.support.infra_templates import (
    APPLICATION,
    EVERYTHING,
    Template,
    found,
    made,
    properties,
    statements,
)
from wspubsub import UsageError
from wspubsub.deployment.checking import check_template, find_sources

Change = Callable[[Template], object]
CONNECTIONS = (
    "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
    "${Api}/%s/%s/@connections/*"
)


def full() -> Template:
    return made(**EVERYTHING)


def without(template: Template, name: str, *path: str) -> None:
    """Remove a property, or a whole resource."""
    parent = template["Resources"]
    for key in [name, *(["Properties", *path] if path else [])][:-1]:
        parent = parent[key]
    del parent[path[-1] if path else name]


def put(template: Template, name: str, *path: str, value: object) -> None:
    """Set a property."""
    parent = properties(template, name)
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value


def endpoint(value: object) -> Change:
    return lambda template: put(
        template,
        "Function",
        "Environment",
        "Variables",
        "WSPUBSUB_ENDPOINT",
        value=value,
    )


def allowed(sid: str, **changes: object) -> Change:
    return lambda template: statements(template)[sid].update(changes)


CHANGES: dict[str, tuple[Change, str]] = {
    "a route is missing": (
        lambda t: without(t, "SubscribeRoute"),
        "Api: has no route subscribe, which the router handles",
    ),
    "$connect is missing": (
        lambda t: without(t, "ConnectRoute"),
        "Api: has no route $connect, which the router handles, so no connection",
    ),
    "a route leads nowhere": (
        lambda t: put(t, "SubscribeRoute", "Target", value="integrations/abc"),
        "SubscribeRoute: route subscribe has no integration",
    ),
    "the integration is no proxy": (
        lambda t: put(t, "Integration", "IntegrationType", value="AWS"),
        "Integration: IntegrationType must be AWS_PROXY",
    ),
    "the integration has another function": (
        lambda t: put(t, "Integration", "IntegrationUri", value="arn:aws:x"),
        "Integration: IntegrationUri does not name a function",
    ),
    "the expression is another one": (
        lambda t: put(t, "Api", "RouteSelectionExpression", value="$request.body.a"),
        "Api: RouteSelectionExpression is $request.body.a, but the router's is",
    ),
    "a route for messages is guarded": (
        lambda t: put(t, "DefaultRoute", "AuthorizationType", value="AWS_IAM"),
        "DefaultRoute: API Gateway authorizes $connect only",
    ),
    "a route response is missing": (
        lambda t: without(t, "DefaultRouteResponse"),
        "DefaultRoute: RouteResponseSelectionExpression needs a route response",
    ),
    "there is no stage": (
        lambda t: without(t, "Stage"),
        "Api: has no stage",
    ),
    "the stage never deploys": (
        lambda t: put(t, "Stage", "AutoDeploy", value=False),
        "Stage: never receives the API's routes",
    ),
    "the handler is another one": (
        lambda t: put(t, "Function", "Handler", value="main.handler"),
        "Function: its Handler is main.handler, not app.handler",
    ),
    "no permission to invoke": (
        lambda t: without(t, "InvokePermission"),
        "Function: API Gateway may not invoke it for route",
    ),
    "a permission for another stage": (
        lambda t: put(
            t,
            "InvokePermission",
            "SourceArn",
            value={"Fn::Sub": "arn:aws:execute-api:us-east-1:1:${Api}/dev/*"},
        ),
        "Function: API Gateway may not invoke it for route",
    ),
    "a permission for somebody else": (
        lambda t: put(t, "InvokePermission", "Principal", value="s3.amazonaws.com"),
        "Function: API Gateway may not invoke it for route",
    ),
    "no permission to invoke the authorizer": (
        lambda t: without(t, "AuthorizerPermission"),
        "AuthorizerFunction: API Gateway may not invoke it for Authorizer",
    ),
    "a verb is missing": (
        allowed("Connections", Resource=[{"Fn::Sub": CONNECTIONS % ("prod", "POST")}]),
        "FunctionRole: Function may not GET connections",
    ),
    "the connections of another stage": (
        allowed("Connections", Resource=[{"Fn::Sub": CONNECTIONS % ("dev", "*")}]),
        "FunctionRole: Function may not POST, GET connections",
    ),
    "everybody's connections": (
        allowed("Connections", Resource="arn:aws:execute-api:*:*:*/@connections/*"),
        "FunctionRole: allows execute-api:ManageConnections on arn:aws:execute-api:*",
    ),
    "every table": (
        allowed("Table", Resource="arn:aws:dynamodb:us-east-1:1:table/*"),
        "on arn:aws:dynamodb:us-east-1:1:table/*, which is too much: name",
    ),
    "everything": (
        allowed("Table", Resource="*"),
        "dynamodb:BatchWriteItem, dynamodb:ConditionCheckItem on "
        "*, which is too much: name",
    ),
    "every action": (
        allowed("Table", Action="dynamodb:*"),
        "FunctionRole: allows dynamodb:*, which is too much: name",
    ),
    "another table": (
        allowed("Table", Resource="arn:aws:dynamodb:us-east-1:1:table/other"),
        "FunctionRole: does not allow dynamodb:Query on Table for Function",
    ),
    "time to live is missing": (
        lambda t: without(t, "Table", "TimeToLiveSpecification"),
        "Table: time to live is off",
    ),
    "time to live is off": (
        lambda t: put(t, "Table", "TimeToLiveSpecification", "Enabled", value=False),
        "Table: time to live is off",
    ),
    "time to live of another attribute": (
        lambda t: put(
            t, "Table", "TimeToLiveSpecification", "AttributeName", value="ttl"
        ),
        "Table: time to live uses ttl",
    ),
    "other keys": (
        lambda t: put(t, "Table", "KeySchema", 0, "AttributeName", value="id"),  # type: ignore[arg-type] # an index
        "Table: the keys are not pk (HASH) and sk (RANGE)",
    ),
    "no stream": (
        lambda t: without(t, "Table", "StreamSpecification"),
        "Table: has no stream, but StreamMapping reads it",
    ),
    "a stream of keys": (
        lambda t: put(
            t, "Table", "StreamSpecification", "StreamViewType", value="KEYS_ONLY"
        ),
        "Table: StreamViewType KEYS_ONLY leaves out what StreamMapping needs",
    ),
    "an address of another kind": (
        endpoint({"Fn::Sub": "http://${Api}.execute-api.eu-west-1.x/prod"}),
        "Function: WSPUBSUB_ENDPOINT begins with http://, but posts need https",
    ),
    "an endpoint for clients": (
        endpoint({"Fn::GetAtt": ["Api", "ApiEndpoint"]}),
        "Function: WSPUBSUB_ENDPOINT has no stage, but the stage is prod",
    ),
    "an endpoint without stage": (
        endpoint({"Fn::Sub": "https://${Api}.execute-api.eu-west-1.amazonaws.com"}),
        "Function: WSPUBSUB_ENDPOINT has no stage, but the stage is prod",
    ),
    "the endpoint of another stage": (
        endpoint({"Fn::Sub": "https://${Api}.execute-api.eu-west-1.amazonaws.com/v1"}),
        "Function: WSPUBSUB_ENDPOINT names the stage v1, but the stage is prod",
    ),
    "the endpoint of an API that is there too": (
        lambda t: (
            t["Resources"].update(Other=t["Resources"]["Api"]),
            endpoint({"Fn::Sub": "https://${Other}.execute-api.x/prod"})(t),
        ),
        "Function: WSPUBSUB_ENDPOINT is not the endpoint of Api",
    ),
    "an endpoint that is none": (
        endpoint("api.example.com/prod"),
        "Function: WSPUBSUB_ENDPOINT is api.example.com/prod, which is not a URL",
    ),
    "no endpoint": (
        lambda t: without(
            t, "Function", "Environment", "Variables", "WSPUBSUB_ENDPOINT"
        ),
        "Function: has no environment variable WSPUBSUB_ENDPOINT, which app.handler",
    ),
    "messages are hidden for too short": (
        lambda t: put(t, "Queue", "VisibilityTimeout", value=173),
        "Queue: VisibilityTimeout is 173 s",
    ),
    "messages are hidden as long as by default": (
        lambda t: without(t, "Queue", "VisibilityTimeout"),
        "Queue: VisibilityTimeout is 30 s",
    ),
    "the batching window counts": (
        lambda t: put(t, "QueueMapping", "MaximumBatchingWindowInSeconds", value=5),
        "set it to 179 or more",
    ),
    "a stream without partial responses": (
        lambda t: without(t, "StreamMapping", "FunctionResponseTypes"),
        "StreamMapping: a single failed record fails its whole batch",
    ),
    "a stream whose records are retried for ever": (
        lambda t: put(t, "StreamMapping", "MaximumRetryAttempts", value=-1),
        "StreamMapping: a failing record blocks those behind it for a day, or is "
        "dropped unnoticed: set MaximumRetryAttempts to 10",
    ),
    "a stream whose retries are not limited": (
        lambda t: without(t, "StreamMapping", "MaximumRetryAttempts"),
        "dropped unnoticed: set MaximumRetryAttempts to 10",
    ),
    "a stream whose records may be a day old": (
        lambda t: without(t, "StreamMapping", "MaximumRecordAgeInSeconds"),
        "dropped unnoticed: set MaximumRecordAgeInSeconds to 7800",
    ),
    "a stream whose records are dropped untried": (
        lambda t: put(t, "StreamMapping", "MaximumRecordAgeInSeconds", value=7799),
        "StreamMapping: MaximumRecordAgeInSeconds is 7799 s, so after an outage",
    ),
    "a stream whose batches stay whole": (
        lambda t: put(t, "StreamMapping", "BisectBatchOnFunctionError", value=False),
        "dropped unnoticed: set BisectBatchOnFunctionError to true",
    ),
    "a stream without a destination": (
        lambda t: without(t, "StreamMapping", "DestinationConfig"),
        "dropped unnoticed: set DestinationConfig.OnFailure.Destination to a queue",
    ),
    "a stream with half a destination": (
        lambda t: put(t, "StreamMapping", "DestinationConfig", "OnFailure", value={}),
        "set DestinationConfig.OnFailure.Destination to a queue",
    ),
    "a queue whose function is stopped": (
        lambda t: without(t, "Function", "RecursiveLoop"),
        "Function: sends to Queue, which invokes it; Lambda stops such a chain",
    ),
    "a queue whose function shall be stopped": (
        lambda t: put(t, "Function", "RecursiveLoop", value="Terminate"),
        "about 16 invocations: set RecursiveLoop to Allow",
    ),
    "a queue without partial responses": (
        lambda t: put(t, "QueueMapping", "FunctionResponseTypes", value=[]),
        "QueueMapping: a single failed record fails its whole batch",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_wrong_is_said_in_one_line(name: str) -> None:
    change, line = CHANGES[name]
    template = full()

    change(template)

    lines = found(template, with_history=True)
    assert any(line in each for each in lines), lines
    assert not any("\n" in each for each in lines)


@pytest.mark.parametrize("settings", [{}, EVERYTHING, EVERYTHING | {"worker": "w.h"}])
def test_a_template_that_is_right_gives_no_finding(settings: dict[str, Any]) -> None:
    assert found(made(**settings), with_history="history" in settings) == []


def test_where_a_stream_carries_the_log_its_permission_is_missed_unasked() -> None:
    template = made(streams=True)
    statements(template)["Table"]["Action"].remove("dynamodb:ConditionCheckItem")

    (line,) = found(template)

    assert "dynamodb:ConditionCheckItem" in line


def test_a_stream_without_the_log_takes_no_permission_for_one() -> None:
    template = made(streams=True)
    statements(template)["Table"]["Action"].remove("dynamodb:ConditionCheckItem")
    mapping = template["Resources"]["StreamMapping"]["Properties"]
    filters = mapping["FilterCriteria"]["Filters"]
    filters[:] = [each for each in filters if "L#" not in each["Pattern"]]

    assert found(template) == []


def test_every_action_that_is_taken_away_is_missed() -> None:
    for sid, statement in statements(full()).items():
        for action in statement["Action"]:
            if sid in ("Logs", "Failures"):
                continue
            template = full()
            statements(template)[sid]["Action"].remove(action)

            lines = found(template, with_history=True)

            assert [each for each in lines if each.startswith("FunctionRole: ")], action
            assert any(action in each for each in lines), (action, lines)


def test_a_route_that_the_router_no_longer_has_is_dead() -> None:
    application = replace(
        APPLICATION, route_keys=APPLICATION.route_keys - {"subscribe"}
    )

    lines = found(made(), application)

    assert lines == [
        "SubscribeRoute: route subscribe has no handler in the router: remove it, or "
        'add @router.route("subscribe") [route-unhandled]'
    ]


def test_the_predefined_routes_are_never_dead() -> None:
    application = replace(APPLICATION, route_keys=frozenset())

    assert found(made(application), application) == []


def test_behind_default_alone_the_router_selects_the_route_itself() -> None:
    bare = replace(APPLICATION, route_keys=frozenset())

    assert found(made(bare)) == []


def test_messages_without_any_route_are_lost_if_the_router_has_a_default() -> None:
    application = replace(APPLICATION, route_keys=APPLICATION.route_keys | {"$default"})
    template = made(application)
    without(template, "DefaultRoute")

    (line,) = found(template, application)

    assert "no route $default" in line
    assert "Forbidden" in line


ANSWERING = replace(APPLICATION, two_way_keys=frozenset({"subscribe"}))


def test_a_handler_that_answers_needs_a_two_way_route() -> None:
    (line,) = found(made(), ANSWERING)

    assert line.startswith(
        "SubscribeRoute: route subscribe is one-way, so clients never get the answers "
        "of app.handler: set RouteResponseSelectionExpression to $default"
    )
    assert found(made(ANSWERING), ANSWERING) == []


def test_behind_default_alone_what_answers_needs_it_to_be_two_way() -> None:
    bare = replace(APPLICATION, route_keys=frozenset())

    (line,) = found(made(bare), ANSWERING)

    assert line.startswith("DefaultRoute: route $default is one-way")
    assert "answers of app.handler for subscribe" in line
    assert found(made(bare, two_way=frozenset({"$default"})), ANSWERING) == []


def test_half_a_two_way_route_is_said_once() -> None:
    template = made(ANSWERING)
    without(template, "SubscribeRouteResponse")

    (line,) = found(template, ANSWERING)

    assert "needs a route response" in line


def test_a_route_response_may_be_enough() -> None:
    # Several samples of AWS have nothing else, and show the answers.
    template = made(ANSWERING)
    without(template, "SubscribeRoute", "RouteResponseSelectionExpression")

    assert found(template, ANSWERING) == []


def test_a_route_of_another_integration_needs_its_response_to_be_two_way() -> None:
    template = made()
    resources = template["Resources"]
    resources["Pong"] = {
        "Type": "AWS::ApiGatewayV2::Integration",
        "Properties": {"ApiId": {"Ref": "Api"}, "IntegrationType": "MOCK"},
    }
    resources["PingRoute"] = {
        "Type": "AWS::ApiGatewayV2::Route",
        "Properties": {
            "ApiId": {"Ref": "Api"},
            "RouteKey": "ping",
            "RouteResponseSelectionExpression": "$default",
            "Target": {"Fn::Sub": "integrations/${Pong}"},
        },
    }
    resources["PingRouteResponse"] = {
        "Type": "AWS::ApiGatewayV2::RouteResponse",
        "Properties": {
            "ApiId": {"Ref": "Api"},
            "RouteId": {"Ref": "PingRoute"},
            "RouteResponseKey": "$default",
        },
    }
    (line,) = found(template)
    resources["PongResponse"] = {
        "Type": "AWS::ApiGatewayV2::IntegrationResponse",
        "Properties": {
            "ApiId": {"Ref": "Api"},
            "IntegrationId": {"Ref": "Pong"},
            "IntegrationResponseKey": "$default",
        },
    }

    assert line.startswith("Pong: route ping is two-way, but its integration has no")
    assert found(template) == []


def test_what_a_handler_takes_must_be_brought() -> None:
    application = replace(APPLICATION, event_sources=frozenset({"stream", "queue"}))
    template = made(streams=True)

    (line,) = found(template, application)
    put(template, "StreamMapping", "EventSourceArn", value={"Fn::ImportValue": "x"})

    assert line == (
        "Function: app.handler handles records of the queue, but nothing invokes it "
        "with them: add an AWS::Lambda::EventSourceMapping of the queue with its "
        "FunctionName [records-missing]"
    )
    assert found(template, application) == []  # that one may bring them


def test_what_a_handler_has_the_table_for_must_be_allowed() -> None:
    application = replace(APPLICATION, table_uses=frozenset({"history", "members"}))

    lines = found(made(), application)

    assert [line.split()[4] for line in lines] == [
        "dynamodb:ConditionCheckItem",
        "dynamodb:UpdateItem",
    ]
    assert found(made(history=True, members=True), application) == []


def test_a_handler_finds_the_sources_whose_variables_it_has() -> None:
    template = made(queue=True)

    assert find_sources(template, "app.handler") == {"queue"}
    assert find_sources(full(), "app.handler") == {"stream", "queue"}
    assert find_sources({"Resources": {}}, "app.handler") == set()


def test_a_bare_router_cannot_take_records() -> None:
    application = replace(APPLICATION, event_sources=frozenset())

    lines = found(made(streams=True, queue=True), application)

    assert [each.partition(":")[0] for each in lines] == [
        "StreamMapping",
        "QueueMapping",
    ]
    assert found(made(streams=True, worker="work.handler"), application) == []


def test_a_route_may_belong_to_another_function() -> None:
    template = made()
    resources = template["Resources"]
    resources["Other"] = {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Handler": "other.handler", "Role": "arn:aws:iam::1:role/x"},
    }
    resources["OtherIntegration"] = {
        "Type": "AWS::ApiGatewayV2::Integration",
        "Properties": {
            "ApiId": {"Ref": "Api"},
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": {"Fn::GetAtt": ["Other", "Arn"]},
        },
    }
    resources["OtherPermission"] = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": "Other"},
            "Principal": "apigateway.amazonaws.com",
        },
    }
    resources["OtherRoute"] = {
        "Type": "AWS::ApiGatewayV2::Route",
        "Properties": {
            "ApiId": {"Ref": "Api"},
            "RouteKey": "other",
            "Target": {
                "Fn::Join": ["/", ["integrations", {"Ref": "OtherIntegration"}]]
            },
        },
    }
    assert found(template) == []

    resources["SubscribeRoute"]["Properties"]["Target"] = resources["OtherRoute"][
        "Properties"
    ]["Target"]

    (line,) = found(template)
    assert line.startswith("SubscribeRoute: route subscribe invokes Other, but")


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::ImportValue": "endpoint"},
        {"Fn::If": ["IsProd", "a", "b"]},
        {"Ref": "Endpoint"},
        {"Fn::Sub": ["${Host}/prod", {"Host": {"Fn::ImportValue": "x"}}]},
        {"Fn::Join": ["/", ["https:", "", {"Fn::ImportValue": "x"}]]},
        "https://ws.example.com",
        {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.amazonaws.com/${Stage}"},
        {
            "Fn::Join": [
                "/",
                [{"Fn::Sub": "https://${Api.ApiId}.execute-api.x"}, "prod"],
            ]
        },
        {"Fn::Sub": "https://${Api}.execute-api.x/${Name}"},
        {"Fn::GetAtt": ["Custom", "Endpoint"]},
        {"Fn::Sub": "https://${Nested.Outputs.Api}.execute-api.x/prod"},
        {"Fn::GetAtt": 5},
        {"Fn::Sub": 5},
        {"Fn::Join": "x"},
        {"Ref": "A", "Fn::Sub": "B"},
        {"Fn::Sub": "https://${Api}.execute-api.x/${Something.Else}"},
    ],
)
def test_an_endpoint_that_may_be_right_is_left_alone(value: object) -> None:
    template = made()
    template["Parameters"]["Endpoint"] = {"Type": "String"}
    template["Parameters"]["Name"] = {"Type": "String", "Default": "prod"}

    endpoint(value)(template)

    assert found(template) == []


@pytest.mark.parametrize(
    "managed",
    [
        "arn:aws:iam::123456789012:policy/TeamPolicy",
        "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess",
        {"Fn::If": ["IsProd", "a", "b"]},
    ],
)
def test_what_a_foreign_policy_may_allow_is_not_missed(managed: object) -> None:
    template = made()
    put(template, "FunctionRole", "Policies", value=[])
    put(template, "FunctionRole", "ManagedPolicyArns", value=[managed])

    assert found(template) == []


def test_what_a_policy_of_the_template_allows_counts() -> None:
    template = made()
    (policy,) = properties(template, "FunctionRole")["Policies"]
    put(
        template,
        "FunctionRole",
        "Policies",
        value=[],
    )
    put(
        template,
        "FunctionRole",
        "ManagedPolicyArns",
        value=["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
    )
    assert len(found(template)) == 6

    template["Resources"]["Policy"] = {
        "Type": "AWS::IAM::Policy",
        "Properties": {**policy, "Roles": [{"Ref": "FunctionRole"}]},
    }

    assert found(template) == []


def test_what_is_denied_or_all_but_something_is_not_counted_as_allowed() -> None:
    template = made()
    statements(template)["Table"]["Effect"] = "Deny"
    assert len(found(template)) == 5

    statements(template)["Table"]["Condition"] = {"Bool": {"aws:ViaAWSService": "true"}}
    statements(template)["Connections"] |= {"NotAction": "s3:*", "Resource": "*"}
    del statements(template)["Connections"]["Action"]

    # Nobody can say now what is missing.
    assert found(template) == []


def test_a_role_that_is_elsewhere_is_not_judged() -> None:
    template = made()
    without(template, "FunctionRole")
    put(template, "Function", "Role", value={"Fn::ImportValue": "role"})

    assert found(template) == []


def test_resources_may_be_known_by_their_names() -> None:
    template = made(queue=True)
    put(template, "Table", "TableName", value={"Fn::Sub": "${AWS::StackName}-table"})
    put(template, "Queue", "QueueName", value="work")
    statements(template)["Table"]["Resource"] = {
        "Fn::Sub": "arn:aws:dynamodb:${AWS::Region}:1:table/${AWS::StackName}-table"
    }
    for sid in ("Send", "Receive"):
        statements(template)[sid]["Resource"] = "arn:aws:sqs:eu-west-1:1:work"
    variables = properties(template, "Function")["Environment"]["Variables"]
    variables["WSPUBSUB_TABLE"] = {"Fn::Sub": "${AWS::StackName}-table"}

    assert found(template) == []


def test_a_function_may_be_invoked_through_its_alias() -> None:
    template = made()
    template["Resources"]["Live"] = {
        "Type": "AWS::Lambda::Alias",
        "Properties": {"FunctionName": {"Ref": "Function"}, "Name": "live"},
    }
    put(
        template,
        "Integration",
        "IntegrationUri",
        value={
            "Fn::Sub": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/"
            "${Live}/invocations"
        },
    )

    assert found(template) == []


def test_all_that_a_streams_mapping_lacks_is_one_line() -> None:
    template = made(streams=True)
    for name in (
        "MaximumRetryAttempts",
        "MaximumRecordAgeInSeconds",
        "BisectBatchOnFunctionError",
        "DestinationConfig",
    ):
        without(template, "StreamMapping", name)

    (line,) = found(template)

    assert line.endswith(
        "set MaximumRetryAttempts to 10 and MaximumRecordAgeInSeconds to 7800 and "
        "BisectBatchOnFunctionError to true and DestinationConfig.OnFailure."
        "Destination to a queue [stream-retries]"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"MaximumRecordAgeInSeconds": -1},
        {"MaximumRecordAgeInSeconds": 7800},
        {"MaximumRecordAgeInSeconds": {"Fn::ImportValue": "age"}},
        {"MaximumRetryAttempts": {"Fn::ImportValue": "retries"}},
        {"BisectBatchOnFunctionError": {"Fn::ImportValue": "bisect"}},
        {"DestinationConfig": {"Fn::If": ["IsProduction", {}, {}]}},
    ],
)
def test_retries_that_are_right_or_known_to_aws_only_are_not_judged(
    changed: dict[str, Any],
) -> None:
    template = made(streams=True)
    properties(template, "StreamMapping").update(changed)

    assert found(template) == []


def test_the_stream_of_another_table_is_retried_as_it_likes() -> None:
    template = made(streams=True)
    template["Resources"]["Other"] = template["Resources"]["Table"]
    mapping = properties(template, "StreamMapping")
    mapping["EventSourceArn"] = {"Fn::GetAtt": ["Other", "StreamArn"]}
    del mapping["MaximumRetryAttempts"]

    assert not any("MaximumRetryAttempts" in line for line in found(template))


@pytest.mark.parametrize("loop", ["Allow", {"Fn::ImportValue": "loop"}])
def test_a_function_may_send_to_the_queue_that_invokes_it(loop: object) -> None:
    template = made(queue=True)
    put(template, "Function", "RecursiveLoop", value=loop)

    assert found(template) == []


def test_only_the_function_that_the_queue_invokes_may_loop() -> None:
    template = made(queue=True, worker="work.handler")

    assert "RecursiveLoop" not in properties(template, "Function")
    assert properties(template, "Worker")["RecursiveLoop"] == "Allow"
    assert found(template) == []
    without(template, "Worker", "RecursiveLoop")
    assert ["Worker: sends to Queue" in line for line in found(template)] == [True]


def test_a_mapping_of_what_is_elsewhere_is_not_judged() -> None:
    template = made(queue=True, streams=True)
    put(template, "QueueMapping", "FunctionName", value={"Fn::ImportValue": "f"})
    put(template, "QueueMapping", "EventSourceArn", value={"Fn::ImportValue": "q"})
    put(template, "StreamMapping", "EventSourceArn", value="arn:aws:kinesis:::stream/x")
    assert found(template) == []

    put(template, "StreamMapping", "EventSourceArn", value={"Fn::ImportValue": "s"})

    assert found(template) == []


def test_times_that_only_aws_can_know_are_not_judged() -> None:
    template = made(queue=True)
    template["Parameters"]["Seconds"] = {"Type": "Number"}
    put(template, "Queue", "VisibilityTimeout", value={"Ref": "Seconds"})

    assert found(template) == []


def test_what_depends_on_the_name_of_a_stage_is_judged_only_if_that_is_known() -> None:
    template = made()
    template["Parameters"]["Name"] = {"Type": "String"}
    put(template, "Stage", "StageName", value={"Ref": "Name"})
    assert found(template) == []

    template["Parameters"]["Name"]["Default"] = "dev"

    assert [line.split(" ")[0] for line in found(template)] == [
        "Function:",
        "FunctionRole:",
        "Function:",
    ]


def test_a_table_that_no_function_names_may_be_somebody_elses() -> None:
    application = replace(APPLICATION, variables=frozenset())
    template = made()
    without(template, "Function", "Environment")
    without(template, "Table", "TimeToLiveSpecification")

    assert found(template, application) == []


def test_a_function_may_be_invoked_through_its_version() -> None:
    template = made()
    template["Resources"]["First"] = {
        "Type": "AWS::Lambda::Version",
        "Properties": {"FunctionName": {"Ref": "Function"}},
    }
    put(template, "Integration", "IntegrationUri", value={"Ref": "First"})
    assert found(template) == []

    put(template, "First", "FunctionName", value={"Fn::ImportValue": "function"})

    assert found(template) == []  # it may be of any function


@pytest.mark.slow
@settings(deadline=None)
@given(st.data())
def test_a_malformed_template_is_never_more_than_wrong(data: st.DataObject) -> None:
    template = full()
    place: Any = template["Resources"]
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        below = place[key]
        is_resource = isinstance(below, dict) and "Type" in below
        if not is_resource and (
            not isinstance(below, dict | list) or not below or data.draw(st.booleans())
        ):
            break
        place = below
    if key != "Type":
        place[key] = data.draw(
            st.sampled_from(
                [
                    None,
                    True,
                    5,
                    "x",
                    "*",
                    "${",
                    [],
                    [[]],
                    {},
                    {"Ref": 1},
                    [{"Ref": "A"}],
                ]
            )
        )

    try:
        lines = found(template, with_history=True)
    except UsageError as error:
        lines = [str(error)]

    assert all(lines)


def test_a_handler_may_be_given_from_another_folder() -> None:
    template = made()
    put(template, "Function", "Handler", value="src/chat/app.handler")
    assert found(template) == []

    without(template, "Function", "Handler")

    assert found(template) == []


def test_a_template_without_websocket_api_is_refused() -> None:
    template = made()
    put(template, "Api", "ProtocolType", value="HTTP")

    with pytest.raises(UsageError, match="no WebSocket API"):
        check_template(template, APPLICATION)


def test_only_the_api_that_runs_the_application_is_judged() -> None:
    template = made()
    template["Resources"]["OtherApi"] = {
        "Type": "AWS::ApiGatewayV2::Api",
        "Properties": {"Name": "other", "ProtocolType": "WEBSOCKET"},
    }

    assert found(template) == []
