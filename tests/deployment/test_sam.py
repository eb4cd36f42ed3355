"""SAM templates: what SAM itself makes of them is the oracle."""

import json
from typing import Any

import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.support.infra_templates import APPLICATION, Template, found, made, properties
from wspubsub import UsageError
from wspubsub.handlers.application import Application

CHOICES: list[dict[str, Any]] = [
    {},
    {"two_way": frozenset(), "streams": True, "queue": True, "history": True},
    {
        "authorizer": "auth.check",
        "identity_sources": ("route.request.querystring.token",),
        "streams": True,
        "worker": "work.handler",
    },
]


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def transformed(template: Template) -> Template:
    """Return what SAM makes of a template; code must be in a bucket for it."""
    copied = json.loads(json.dumps(template))
    for each in copied["Resources"].values():
        if each["Type"] == "AWS::Serverless::Function":
            each["Properties"]["CodeUri"] = "s3://bucket/key"
    made_by_sam: Template = Translator({}, Parser()).translate(copied, {})
    return made_by_sam


@pytest.mark.parametrize("settings", CHOICES)
def test_sam_makes_the_api_of_the_router(settings: dict[str, Any]) -> None:
    template = transformed(made(template_format="sam", **settings))

    routes = [
        each["Properties"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::ApiGatewayV2::Route"
    ]

    assert {each["RouteKey"] for each in routes} == {
        *APPLICATION.route_keys,
        "$default",
    }
    assert found(template, with_history="history" in settings) == []


@pytest.mark.parametrize("settings", CHOICES)
def test_a_sam_template_is_read_as_what_sam_makes_of_it(
    settings: dict[str, Any],
) -> None:
    template = made(template_format="sam", **settings)
    assert found(template, with_history="history" in settings) == []
    properties(template, "Function")["Timeout"] = 40
    properties(template, "Api")["StageName"] = "other"
    properties(template, "Api")["Routes"]["old"] = {
        "FunctionArn": {"Fn::GetAtt": ["Function", "Arn"]}
    }
    del properties(template, "Api")["Routes"]["subscribe"]
    if settings.get("two_way"):
        del template["Resources"]["ApiSubscribeRouteResponse"]

    lines = found(template)

    assert sorted(lines) == sorted(found(transformed(template)))
    assert len(lines) >= 5


def test_what_sam_grants_by_its_own_means_is_understood() -> None:
    template = made(template_format="sam", queue=True)
    role = template["Resources"].pop("FunctionRole")["Properties"]["Policies"][0]
    statements = role["PolicyDocument"]["Statement"]
    connections = [each for each in statements if each["Sid"] == "Connections"]
    function = properties(template, "Function")
    del function["Role"]
    function["Policies"] = [
        "AWSLambdaBasicExecutionRole",
        {"Statement": connections},
        {"DynamoDBCrudPolicy": {"TableName": {"Ref": "Table"}}},
        {"SQSPollerPolicy": {"QueueName": {"Fn::GetAtt": ["Queue", "QueueName"]}}},
        {"SQSSendMessagePolicy": {"QueueName": {"Fn::GetAtt": ["Queue", "QueueName"]}}},
    ]
    assert found(template) == []
    function["Policies"].pop(-2)
    function["Events"] = {
        "Work": {
            "Type": "SQS",
            "Properties": {
                "Queue": {"Fn::GetAtt": ["Queue", "Arn"]},
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
            },
        },
        "Hourly": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 hour)"}},
    }
    del template["Resources"]["QueueMapping"]
    template["Globals"] = {"Function": {"Timeout": function.pop("Timeout")}}
    assert found(template) == []

    function["Policies"].pop()
    connections[0]["Resource"].pop(0)
    template["Globals"]["Function"]["Timeout"] = 30

    assert [line.partition(",")[0] for line in found(template)] == [
        "FunctionRole: Function may not POST connections: allow "
        "execute-api:ManageConnections on arn:${AWS::Partition}:execute-api:"
        "${AWS::Region}:${AWS::AccountId}:${Api}/prod/POST/@connections/* [posts]",
        "FunctionRole: does not allow sqs:SendMessage on Queue for Function: add it "
        "[actions]",
        "Queue: VisibilityTimeout is 174 s",
    ]


def test_a_stream_event_of_sam_needs_partial_responses_too() -> None:
    template = made(template_format="sam", streams=True)
    del template["Resources"]["StreamMapping"]
    role = template["Resources"].pop("FunctionRole")["Properties"]["Policies"][0]
    function = properties(template, "Function")
    del function["Role"]
    # SAM itself allows what reading the stream takes.
    statements = role["PolicyDocument"]["Statement"]
    function["Policies"] = [
        {"Statement": each} for each in statements if each["Sid"][:6] != "Stream"
    ]
    function["Events"] = {
        "Log": {
            "Type": "DynamoDB",
            "Properties": {
                "Stream": {"Fn::GetAtt": ["Table", "StreamArn"]},
                "StartingPosition": "TRIM_HORIZON",
            },
        }
    }

    partial, retries = found(template)

    assert partial.startswith("FunctionLog: a single failed record")
    assert retries.startswith("FunctionLog: a failing record blocks those behind")


def test_a_policy_that_is_not_known_may_allow_anything() -> None:
    template = made(template_format="sam")
    function = properties(template, "Function")
    del template["Resources"]["FunctionRole"], function["Role"]
    function["Policies"] = [{"Statement": []}]
    assert len(found(template)) == 6

    function["Policies"] = [{"AthenaQueryPolicy": {"WorkGroupName": "x"}}]

    assert found(template) == []


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"chat/join"}, "only letters and digits in route keys, not 'chat/join'"),
        ({"é"}, "only letters and digits"),
        ({"connect"}, "SAM does not distinguish 'connect' from another"),
        ({"sendMessage", "sendmessage"}, "SAM does not distinguish 'sendmessage' from"),
    ],
)
def test_route_keys_that_sam_does_not_take_are_refused(
    keys: set[str], reason: str
) -> None:
    application = Application(handler="app.handler", route_keys=frozenset(keys))

    with pytest.raises(UsageError, match=reason):
        made(application, template_format="sam")
