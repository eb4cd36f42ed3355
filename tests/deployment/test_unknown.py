"""What only AWS can know is not missing: templates that are right, written so."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import pytest

from tests.support.infra_templates import (
    APPLICATION,
    Template,
    found,
    made,
    properties,
    statements,
)
from wspubsub.deployment.checking import check_template
from wspubsub.handlers.application import Application

Change = Callable[[Template], object]

NESTED = {
    "Type": "AWS::CloudFormation::Stack",
    "Properties": {"TemplateURL": "https://bucket.s3.amazonaws.com/inner.yaml"},
}
CUSTOM = {"Type": "Custom::Names", "Properties": {"ServiceToken": "arn:aws:lambda:x"}}


def role(template: Template) -> dict[str, Any]:
    return properties(template, "FunctionRole")


def variables(template: Template) -> dict[str, Any]:
    found: dict[str, Any] = properties(template, "Function")["Environment"]["Variables"]
    return found


def choose(value: object) -> dict[str, Any]:
    return {"Fn::If": ["IsProd", value, {"Ref": "AWS::NoValue"}]}


def policies_entry_if(template: Template) -> None:
    role(template)["Policies"] = [choose(role(template)["Policies"][0])]


def policies_if(template: Template) -> None:
    role(template)["Policies"] = choose(role(template)["Policies"])


def document_if(template: Template) -> None:
    (policy,) = role(template)["Policies"]
    policy["PolicyDocument"] = choose(policy["PolicyDocument"])


def statement_if(template: Template) -> None:
    document = role(template)["Policies"][0]["PolicyDocument"]
    document["Statement"] = [choose(each) for each in document["Statement"]]


def actions_if(template: Template) -> None:
    for statement in statements(template).values():
        statement["Action"] = [choose(statement["Action"][0])]


def policy_of_type(kind: str, **more: object) -> Change:
    def change(template: Template) -> None:
        (policy,) = role(template).pop("Policies")
        template["Resources"]["Inline"] = {
            "Type": kind,
            "Properties": {**policy, **more},
        }

    return change


def managed_policy(template: Template) -> None:
    policy_of_type("AWS::IAM::ManagedPolicy")(template)
    role(template)["ManagedPolicyArns"] = [{"Ref": "Inline"}]


def imported_function(template: Template) -> None:
    arn = {"Fn::ImportValue": "chat-function-arn"}
    for name in ("Function", "FunctionRole"):
        del template["Resources"][name]
    properties(template, "Integration")["IntegrationUri"] = {
        "Fn::Sub": [
            "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/"
            "functions/${Arn}/invocations",
            {"Arn": arn},
        ]
    }
    properties(template, "InvokePermission")["FunctionName"] = arn


def invoking_role(template: Template) -> None:
    del template["Resources"]["InvokePermission"]
    properties(template, "Integration")["CredentialsArn"] = "arn:aws:iam::1:role/api"


def parameter(kind: str, default: object) -> Change:
    def change(template: Template) -> None:
        given = {"Type": kind, "Default": default}
        template.setdefault("Parameters", {})["Given"] = given
        variables(template)["WSPUBSUB_ENDPOINT"] = {"Ref": "Given"}

    return change


def dynamic_reference(template: Template) -> None:
    variables(template)["WSPUBSUB_ENDPOINT"] = "{{resolve:ssm:/chat/endpoint}}"
    variables(template)["WSPUBSUB_TABLE"] = "{{resolve:ssm:/chat/table:1}}"


def table_by_stack_name(template: Template) -> None:
    statements(template)["Table"]["Resource"] = {
        "Fn::Sub": "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:"
        "table/${AWS::StackName}-*"
    }


def wrapper(handler: str, variable: str) -> Change:
    def change(template: Template) -> None:
        properties(template, "Function")["Handler"] = handler
        variables(template)[variable] = "app.handler"

    return change


def wrapper_of_a_layer(template: Template) -> None:
    function = properties(template, "Function")
    function["Handler"] = "newrelic_lambda_wrapper.handler"
    function["Layers"] = ["arn:aws:lambda:us-east-1:1:layer:Wrapper:1"]


def variables_if(template: Template) -> None:
    environment = properties(template, "Function")["Environment"]
    environment["Variables"] = choose(environment["Variables"])


def environment_if(template: Template) -> None:
    function = properties(template, "Function")
    function["Environment"] = choose(function["Environment"])


def endpoint_of_clients(template: Template) -> None:
    variables(template)["WSPUBSUB_ENDPOINT"] = {"Fn::Sub": "${Api.ApiEndpoint}/prod"}


def endpoint_written_down(template: Template) -> None:
    variables(template)["WSPUBSUB_ENDPOINT"] = (
        "https://abcdef1234.execute-api.eu-west-1.amazonaws.com/prod"
    )


def endpoint_where_the_stack_is_bound(template: Template) -> None:
    # As AWS CDK writes a stack whose env is given.
    variables(template)["WSPUBSUB_ENDPOINT"] = {
        "Fn::Sub": "https://${Api}.execute-api.eu-west-1.amazonaws.com/prod"
    }
    properties(template, "Integration")["IntegrationUri"] = {
        "Fn::Sub": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/"
        "${Function.Arn}/invocations"
    }


def route_id_attribute(template: Template) -> None:
    properties(template, "SubscribeRoute")["RouteResponseSelectionExpression"] = (
        "$default"
    )
    template["Resources"]["Response"] = {
        "Type": "AWS::ApiGatewayV2::RouteResponse",
        "Properties": {
            "ApiId": {"Ref": "Api"},
            "RouteId": {"Fn::GetAtt": ["SubscribeRoute", "RouteId"]},
            "RouteResponseKey": "$default",
        },
    }


def table_of_a_nested_stack(template: Template) -> None:
    del template["Resources"]["Table"]
    template["Resources"]["Inner"] = NESTED
    variables(template)["WSPUBSUB_TABLE"] = {"Fn::GetAtt": "Inner.Outputs.Table"}
    statements(template)["Table"]["Resource"] = {"Fn::GetAtt": "Inner.Outputs.Arn"}


def arn_of_a_nested_output(template: Template) -> None:
    template["Resources"]["Inner"] = NESTED
    statements(template)["Table"]["Resource"] = {
        "Fn::GetAtt": ["Inner", "Outputs.TableArn"]
    }
    properties(template, "Table")["TableName"] = {
        "Fn::GetAtt": ["Inner", "Outputs.TableName"]
    }


def arn_of_a_custom_resource(template: Template) -> None:
    template["Resources"]["Names"] = CUSTOM
    statements(template)["Table"]["Resource"] = {
        "Fn::Sub": "arn:aws:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"
        "${Names.Table}"
    }


def foreign_routes(template: Template) -> None:
    properties(template, "SubscribeRoute")["ApiId"] = {"Fn::ImportValue": "api"}


def route_key_if(template: Template) -> None:
    properties(template, "SubscribeRoute")["RouteKey"] = choose("subscribe")


def foreign_stage(template: Template) -> None:
    properties(template, "Stage")["ApiId"] = {"Fn::ImportValue": "api"}


def foreign_integration(template: Template) -> None:
    properties(template, "SubscribeRoute")["Target"] = {
        "Fn::Join": ["/", ["integrations", {"Fn::ImportValue": "integration"}]]
    }


def foreign_permission(template: Template) -> None:
    properties(template, "InvokePermission")["FunctionName"] = {
        "Fn::ImportValue": "function"
    }


def macro(template: Template) -> None:
    template["Transform"] = ["AWS::Serverless-2016-10-31", "TeamDefaults"]
    for name in ("SubscribeRoute", "InvokePermission", "Stage"):
        del template["Resources"][name]


def included_resources(template: Template) -> None:
    template["Resources"]["Fn::Transform"] = {
        "Name": "AWS::Include",
        "Parameters": {"Location": "s3://bucket/routes.yaml"},
    }
    for name in ("SubscribeRoute", "InvokePermission", "Stage"):
        del template["Resources"][name]


def mapped_value(template: Template) -> None:
    template["Mappings"] = {"Stages": {"Chat": {"Name": "prod"}}}
    properties(template, "Stage")["StageName"] = {
        "Fn::FindInMap": ["Stages", "Chat", "Name"]
    }


def selected_value(template: Template) -> None:
    properties(template, "Stage")["StageName"] = {"Fn::Select": [1, ["dev", "prod"]]}


def equal_choices(template: Template) -> None:
    properties(template, "Stage")["StageName"] = {"Fn::If": ["IsEU", "prod", "prod"]}


def unknown_time_to_live(template: Template) -> None:
    properties(template, "Table")["TimeToLiveSpecification"] = choose({})


def unknown_keys(template: Template) -> None:
    table = properties(template, "Table")
    table["KeySchema"] = [choose(each) for each in table["KeySchema"]]
    table["AttributeDefinitions"] = choose(table["AttributeDefinitions"])


def actions_without_resources(template: Template) -> None:
    document = role(template)["Policies"][0]["PolicyDocument"]
    document["Statement"].append(
        {
            "Effect": "Allow",
            "Action": ["dynamodb:ListTables", "sqs:ListQueues", "dynamodb:ListStreams"],
            "Resource": "*",
        }
    )


def only_posts(template: Template) -> None:
    statement = statements(template)["Connections"]
    statement["Resource"] = [
        each for each in statement["Resource"] if "/POST/" in str(each)
    ]


def wildcards(template: Template) -> None:
    statements(template)["Connections"]["Resource"] = {
        "Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"
    }
    statements(template)["Table"] |= {
        "Action": ["dynamodb:*Item", "dynamodb:Query"],
        "Resource": [
            {"Fn::GetAtt": ["Table", "Arn"]},
            {"Fn::Sub": "${Table.Arn}/index/*"},
        ],
    }


def wide_under_a_condition(template: Template) -> None:
    statements(template)["Table"] |= {
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/app": "chat"}},
    }


def deployment_after_routes(template: Template) -> None:
    resources = template["Resources"]
    stage = resources["Stage"]
    stage["Properties"].pop("AutoDeploy")
    stage["Properties"]["DeploymentId"] = {"Fn::GetAtt": ["Deployment", "DeploymentId"]}
    # What one needs is made before, whoever needs it.
    resources["Deployment"] = {
        "Type": "AWS::ApiGatewayV2::Deployment",
        "Properties": {"ApiId": {"Ref": "Api"}, "Description": {"Ref": "Marker"}},
    }
    resources["Marker"] = {
        "Type": "AWS::SSM::Parameter",
        "DependsOn": [name for name in resources if name.endswith("Route")],
        "Properties": {"Type": "String", "Value": {"Fn::Sub": "${Api}"}},
    }


def deployment_that_names_its_stage(template: Template) -> None:
    resources = template["Resources"]
    del resources["Stage"]["Properties"]["AutoDeploy"]
    resources["Deployment"] = {
        "Type": "AWS::ApiGatewayV2::Deployment",
        "DependsOn": [name for name in resources if name.endswith(("Route", "Stage"))],
        "Properties": {"ApiId": {"Ref": "Api"}, "StageName": {"Ref": "Stage"}},
    }


def parts_elsewhere(template: Template) -> None:
    for name in ("SubscribeRoute", "InvokePermission", "Stage"):
        del template["Resources"][name]


def api_for_an_inner_stack(template: Template) -> None:
    parts_elsewhere(template)
    parameters = {"Parameters": {"Api": {"Ref": "Api"}}}
    template["Resources"]["Inner"] = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": NESTED["Properties"] | parameters,  # type: ignore[operator] # a mapping
    }


def api_for_other_stacks(template: Template) -> None:
    parts_elsewhere(template)
    template["Outputs"]["Api"] = {
        "Value": {"Fn::GetAtt": ["Api", "ApiId"]},
        "Export": {"Name": "chat-api"},
    }


def module(template: Template) -> None:
    parts_elsewhere(template)
    template["Resources"]["Rest"] = {"Type": "Team::WebSocket::Rest::MODULE"}


def included_properties(template: Template) -> None:
    function = properties(template, "Function")
    for name in ("Environment", "Role", "Timeout", "Handler"):
        del function[name]
    function["Fn::Transform"] = {"Name": "AWS::Include", "Parameters": {}}


def included_variables(template: Template) -> None:
    environment = properties(template, "Function")["Environment"]
    environment["Variables"] = {"A": "b", "Fn::Transform": {"Name": "AWS::Include"}}


def dynamic_reference_by_stage(template: Template) -> None:
    template["Parameters"]["Name"] = {"Type": "String", "Default": "prod"}
    variables(template)["WSPUBSUB_ENDPOINT"] = {
        "Fn::Sub": "{{resolve:ssm:/${AWS::Region}/${Name}/endpoint}}"
    }


def stage_variable(template: Template) -> None:
    properties(template, "Integration")["IntegrationUri"] = {
        "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:"
        "${!stageVariables.function}/invocations"
    }


def published_alias(template: Template) -> None:
    template["Transform"] = "AWS::Serverless-2016-10-31"
    template["Resources"]["Function"]["Type"] = "AWS::Serverless::Function"
    properties(template, "Function")["AutoPublishAlias"] = "live"
    properties(template, "Integration")["IntegrationUri"] = {
        "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        "${Function.Alias}/invocations"
    }
    properties(template, "InvokePermission")["FunctionName"] = {"Ref": "Function.Alias"}


def image(template: Template) -> None:
    function = properties(template, "Function")
    del function["Handler"], function["Runtime"]
    function["PackageType"] = "Image"


def principal_of_the_partition(template: Template) -> None:
    properties(template, "InvokePermission")["Principal"] = {
        "Fn::Sub": "apigateway.${AWS::URLSuffix}"
    }


def named_role(template: Template) -> None:
    role(template)["RoleName"] = "chat-role"
    properties(template, "Function")["Role"] = {
        "Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/chat-role"
    }


RIGHT: list[Change] = [
    api_for_an_inner_stack,
    api_for_other_stacks,
    module,
    included_properties,
    included_variables,
    dynamic_reference_by_stage,
    stage_variable,
    published_alias,
    image,
    principal_of_the_partition,
    named_role,
    deployment_that_names_its_stage,
    policies_entry_if,
    policies_if,
    document_if,
    statement_if,
    actions_if,
    policy_of_type("AWS::IAM::RolePolicy", RoleName={"Ref": "FunctionRole"}),
    policy_of_type("AWS::IAM::Policy", Roles=[{"Ref": "FunctionRole"}]),
    policy_of_type("AWS::IAM::Policy", Roles=[{"Fn::ImportValue": "role"}]),
    policy_of_type("AWS::IAM::Policy", Roles=choose([{"Ref": "FunctionRole"}])),
    managed_policy,
    imported_function,
    invoking_role,
    parameter("AWS::SSM::Parameter::Value<String>", "/chat/endpoint"),
    parameter("String", ""),
    parameter("CommaDelimitedList", "a,b"),
    dynamic_reference,
    table_by_stack_name,
    wrapper("datadog_lambda.handler.handler", "DD_LAMBDA_HANDLER"),
    wrapper("newrelic_lambda_wrapper.handler", "NEW_RELIC_LAMBDA_HANDLER"),
    wrapper(
        "sentry_sdk.integrations.init_serverless_sdk.sentry_lambda_handler",
        "SENTRY_INITIAL_HANDLER",
    ),
    wrapper_of_a_layer,
    variables_if,
    environment_if,
    endpoint_of_clients,
    endpoint_written_down,
    endpoint_where_the_stack_is_bound,
    route_id_attribute,
    table_of_a_nested_stack,
    arn_of_a_nested_output,
    arn_of_a_custom_resource,
    foreign_routes,
    route_key_if,
    foreign_stage,
    foreign_integration,
    foreign_permission,
    macro,
    included_resources,
    mapped_value,
    selected_value,
    equal_choices,
    unknown_time_to_live,
    unknown_keys,
    actions_without_resources,
    only_posts,
    wildcards,
    wide_under_a_condition,
    deployment_after_routes,
]


@pytest.mark.parametrize(
    "change",
    [pytest.param(each, id=f"{i}-{each.__name__}") for i, each in enumerate(RIGHT)],
)
def test_what_may_be_right_gives_no_finding(change: Change) -> None:
    template = made()

    change(template)

    assert found(template) == []


def test_a_table_that_the_module_does_not_name_is_somebody_elses() -> None:
    # Its own is elsewhere, and read from a variable of another name.
    application = replace(APPLICATION, variables=frozenset())
    template = made()
    table = properties(template, "Table")
    table["AttributeDefinitions"] = [{"AttributeName": "userId", "AttributeType": "S"}]
    table["KeySchema"] = [{"AttributeName": "userId", "KeyType": "HASH"}]
    del table["TimeToLiveSpecification"]
    properties(template, "Function")["Environment"]["Variables"] = {
        "CHAT_TABLE": {"Fn::ImportValue": "chat-table"}
    }

    assert found(template, application) == []


def test_a_default_handler_takes_the_messages_of_all_routes() -> None:
    template = made()
    application = replace(
        APPLICATION, route_keys=frozenset({"$connect", "$disconnect", "$default"})
    )

    assert found(template, application) == []


def test_the_parts_of_a_handlers_work_may_be_several_functions() -> None:
    template = made()
    resources = template["Resources"]
    for name in ("Function", "FunctionRole"):
        resources[f"Other{name}"] = {**resources[name]}
    connecting = ["dynamodb:PutItem", "dynamodb:DeleteItem"]
    resources["OtherFunction"]["Properties"] = {
        **properties(template, "Function"),
        "Role": {"Fn::GetAtt": ["OtherFunctionRole", "Arn"]},
    }
    resources["OtherFunctionRole"]["Properties"] = {
        "Policies": [
            {
                "PolicyDocument": {
                    "Statement": {
                        "Effect": "Allow",
                        "Action": connecting,
                        "Resource": {"Fn::GetAtt": ["Table", "Arn"]},
                    }
                }
            }
        ]
    }

    assert found(template) == []


def in_folders() -> Template:
    """As `sam init` lays it out: a folder for each function, `app.py` in each."""
    table = {"TableName": {"Ref": "Table"}}
    posts = {
        "Effect": "Allow",
        "Action": "execute-api:ManageConnections",
        "Resource": {
            "Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:"
            "${AWS::AccountId}:${Ws}/*"
        },
    }
    policies: dict[str, list[object]] = {
        "Connect": [{"DynamoDBWritePolicy": table}, "AWSLambdaBasicExecutionRole"],
        "Plain": [],
        "Message": [{"DynamoDBCrudPolicy": table}, {"Statement": [posts]}],
    }
    functions = {
        name: {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": f"{name.lower()}/",
                "Policies": each,
                "Environment": {"Variables": {"WSPUBSUB_TABLE": {"Ref": "Table"}}},
            },
        }
        for name, each in policies.items()
    }
    routes = {"$connect": "Connect", "$disconnect": "Plain", "message": "Message"}
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Globals": {"Function": {"Handler": "app.handler", "Runtime": "python3.13"}},
        "Resources": {
            **functions,
            "Table": made()["Resources"]["Table"],
            "Ws": {
                "Type": "AWS::Serverless::WebSocketApi",
                "Properties": {
                    "RouteSelectionExpression": "$request.body.action",
                    "Routes": {
                        key: {"FunctionArn": {"Fn::GetAtt": [name, "Arn"]}}
                        for key, name in routes.items()
                    },
                },
            },
        },
    }


MESSAGE = Application(handler="app.handler", route_keys=frozenset({"message"}))


@pytest.mark.parametrize(
    "module", [PurePath("/work/message/app"), PurePath("/elsewhere/app"), None]
)
def test_functions_of_one_name_differ_by_their_folders(module: PurePath | None) -> None:
    lines = check_template(
        in_folders(), MESSAGE, folder=PurePath("/work"), module=module
    )

    assert lines == []


def test_the_function_in_the_folder_of_the_handler_is_judged() -> None:
    template = in_folders()
    properties(template, "Message")["Policies"].pop(0)

    lines = check_template(
        template,
        MESSAGE,
        folder=PurePath("/work"),
        module=PurePath("/work/message/app"),
    )

    assert {each.resource for each in lines} == {"MessageRole"}
    assert len(lines) == 5


@pytest.mark.parametrize(
    "resource",
    [
        {
            "Type": "AWS::Serverless::Connector",
            "Properties": {
                "Source": {"Id": "Message"},
                "Destination": [{"Id": "Table"}],
                "Permissions": ["Read", "Write"],
            },
        },
        None,
    ],
)
def test_what_a_connector_allows_is_not_missed(resource: Template | None) -> None:
    template = in_folders()
    properties(template, "Message")["Policies"].pop(0)
    if resource:
        template["Resources"]["Connector"] = resource
    else:
        template["Resources"]["Message"]["Connectors"] = {
            "ToTable": {
                "Properties": {
                    "Destination": {"Id": "Table"},
                    "Permissions": ["Read", "Write"],
                }
            }
        }

    assert (
        check_template(
            template,
            MESSAGE,
            folder=PurePath("/work"),
            module=PurePath("/work/message/app"),
        )
        == []
    )


def test_sams_policies_may_be_a_choice() -> None:
    template = in_folders()
    policies = properties(template, "Message")["Policies"]
    policies[0] = {"Fn::If": ["IsProd", policies[0], policies[0]]}

    assert (
        check_template(
            template,
            MESSAGE,
            folder=PurePath("/work"),
            module=PurePath("/work/message/app"),
        )
        == []
    )


@pytest.mark.parametrize("command", [[], ["app.handler"], ["/app/entry.sh"]])
def test_an_image_that_all_routes_invoke_is_judged(command: list[str]) -> None:
    template = made()
    image(template)
    properties(template, "Function")["ImageConfig"] = {"Command": command}
    statements(template)["Table"]["Action"].remove("dynamodb:Query")

    (line,) = found(template)

    assert line.startswith("FunctionRole: does not allow dynamodb:Query")


def test_an_image_may_be_told_to_run_another_handler() -> None:
    template = made()
    image(template)
    properties(template, "Function")["ImageConfig"] = {"Command": ["main.handler"]}

    (line,) = found(template)

    assert line.startswith("Function: its Handler is main.handler, not app.handler")


def test_a_permission_of_everybody_is_one_of_api_gateway() -> None:
    template = made()
    permission = properties(template, "InvokePermission")
    permission["Principal"] = "*"
    permission["Action"] = "lambda:*"
    assert found(template) == []

    permission["Action"] = "lambda:GetFunction"

    (line,) = found(template)
    assert "may not invoke it" in line


@pytest.mark.parametrize(
    ("shared", "own"),
    [
        ({"WSPUBSUB_TABLE": "t"}, {"WSPUBSUB_ENDPOINT": {"Fn::ImportValue": "e"}}),
        (None, {"WSPUBSUB_ENDPOINT": {"Fn::ImportValue": "e"}, "WSPUBSUB_TABLE": "t"}),
        ({"WSPUBSUB_ENDPOINT": {"Fn::ImportValue": "e"}}, choose({"A": "b"})),
        (choose({"A": "b"}), {"A": "c"}),
    ],
)
def test_sams_globals_and_the_functions_own_variables_are_one(
    shared: object, own: object
) -> None:
    template = made(template_format="sam")
    properties(template, "Function")["Environment"] = {"Variables": own}
    if shared is not None:
        template["Globals"] = {"Function": {"Environment": {"Variables": shared}}}

    assert found(template) == []


def test_what_neither_sams_globals_nor_the_function_have_is_missing() -> None:
    template = made(template_format="sam")
    own = properties(template, "Function")["Environment"]["Variables"]
    shared = {"WSPUBSUB_TABLE": own.pop("WSPUBSUB_TABLE")}
    template["Globals"] = {"Function": {"Environment": {"Variables": shared}}}
    assert found(template) == []

    shared.clear()

    (line,) = found(template)
    assert "has no environment variable WSPUBSUB_TABLE" in line


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::Select": [7, ["prod"]]},
        {"Fn::Select": [{"Ref": "Nothing"}, ["prod"]]},
        {"Fn::Select": "prod"},
        {"Fn::Select": [0, {"Fn::Split": ["-", {"Fn::ImportValue": "x"}]}]},
        {"Fn::Select": [1, {"Fn::Split": [":", "a:prod"]}]},
        {"Fn::If": ["IsProd"]},
        {"Fn::FindInMap": ["Nothing", "a", "b"]},
        {"Fn::FindInMap": "x"},
        {"Fn::Cidr": ["10.0.0.0/16", 1, 8]},
    ],
)
def test_a_stage_whose_name_cannot_be_read_may_have_any(value: object) -> None:
    template = made()

    properties(template, "Stage")["StageName"] = value

    assert found(template) == []


@pytest.mark.parametrize("timeout", ["abc", "1e999", {"Ref": "Seconds"}, [5]])
def test_a_number_that_cannot_be_read_is_not_judged(timeout: object) -> None:
    template = made()

    properties(template, "Function")["Timeout"] = timeout

    assert found(template) == []
