"""What a check makes of what AWS CDK writes.

The templates are those of two stacks with CDK's own grants, an alias of the function
and two-way routes, synthesized by aws-cdk-lib 2.275; one has a `Table`, the other a
`TableV2`. Metadata is left out.
"""

import json
from pathlib import Path

import pytest

from tests.support.infra_templates import Template, found
from wspubsub.deployment import Application

TEMPLATES = Path(__file__).parents[1] / "templates"
NAMES = ["cdk_table.json", "cdk_table_v2.json"]
CHAT = Application(
    handler="app.handler",
    route_keys=frozenset(
        {"$connect", "$disconnect", "$default", "message", "subscribe", "unsubscribe"}
    ),
    route_selection_expression="$request.body.type",
    event_sources=None,
    variables=frozenset({"WSPUBSUB_ENDPOINT", "WSPUBSUB_TABLE"}),
)


def synthesized(name: str) -> Template:
    template: Template = json.loads((TEMPLATES / name).read_text())
    return template


def recorded(name: str) -> Template:
    """Return a template as it is if the stack says what CDK has no default for."""
    template = synthesized(name)
    of_kind(template, "AWS::Lambda::Function")["RecursiveLoop"] = "Allow"
    of_kind(template, "AWS::Lambda::EventSourceMapping").update(
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=10,
        MaximumRecordAgeInSeconds=7800,
        DestinationConfig={
            "OnFailure": {"Destination": {"Fn::GetAtt": ["Queue4A7E3555", "Arn"]}}
        },
    )
    of_kind(template, "AWS::SQS::Queue")["RedrivePolicy"] = {"maxReceiveCount": 5}
    return template


def of_kind(template: Template, kind: str) -> Template:
    """Return the first resource of a type."""
    every = template["Resources"].values()
    resource: Template = next(each for each in every if each["Type"] == kind)
    return resource["Properties"]  # type: ignore[no-any-return] # parsed JSON


def table_of(template: Template) -> Template:
    is_global = "AWS::DynamoDB::GlobalTable" in str(template)
    return of_kind(
        template, f"AWS::DynamoDB::{'GlobalTable' if is_global else 'Table'}"
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_cdk_has_no_default_for_is_said(name: str) -> None:
    lines = found(synthesized(name), CHAT, with_history=True)

    loop, retries, dead = sorted(lines)
    assert "set RecursiveLoop to Allow" in loop
    assert "set RedrivePolicy to a queue" in dead
    assert "MaximumRetryAttempts to 10" in retries


@pytest.mark.parametrize("name", NAMES)
def test_what_cdk_writes_by_itself_is_right(name: str) -> None:
    template = recorded(name)

    assert found(template, CHAT, with_history=True) == []


@pytest.mark.parametrize("name", NAMES)
def test_what_its_policy_no_longer_allows_is_missed(name: str) -> None:
    template = recorded(name)

    of_kind(template, "AWS::IAM::Policy")["PolicyDocument"]["Statement"] = []

    lines = found(template, CHAT, with_history=True)
    for missing in (
        "may not POST, GET connections",
        "does not allow dynamodb:Query on Table",
        "does not allow dynamodb:ConditionCheckItem on Table",
        "does not allow sqs:SendMessage on Queue",
        "does not allow dynamodb:GetRecords on what",
        "does not allow dynamodb:ListStreams on what",
        "does not allow sqs:ReceiveMessage on what",
    ):
        assert any(missing in line for line in lines), missing


@pytest.mark.parametrize("name", NAMES)
def test_the_time_out_of_what_an_alias_is_invoked_for_counts(name: str) -> None:
    template = recorded(name)

    of_kind(template, "AWS::SQS::Queue")["VisibilityTimeout"] = 30

    (line,) = found(template, CHAT)
    assert "VisibilityTimeout is 30 s" in line


@pytest.mark.parametrize("name", NAMES)
def test_other_actions_on_all_resources_are_too_wide(name: str) -> None:
    template = recorded(name)
    document = of_kind(template, "AWS::IAM::Policy")["PolicyDocument"]

    document["Statement"].append(
        {
            "Effect": "Allow",
            "Action": ["dynamodb:ListStreams", "dynamodb:Query"],
            "Resource": "*",
        }
    )

    (line,) = found(template, CHAT)
    assert "allows dynamodb:Query on *, which is too much: name" in line


@pytest.mark.parametrize("name", NAMES)
def test_a_table_without_time_to_live_is_noticed(name: str) -> None:
    template = recorded(name)

    del table_of(template)["TimeToLiveSpecification"]

    (line,) = found(template, CHAT)
    assert "time to live is off" in line


@pytest.mark.parametrize("name", NAMES)
def test_a_table_without_stream_is_noticed(name: str) -> None:
    template = recorded(name)

    del table_of(template)["StreamSpecification"]

    (line,) = found(template, CHAT)
    assert "has no stream" in line
