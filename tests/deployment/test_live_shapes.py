"""Deployments of other shapes: images, aliases, nested stacks, HTTP integrations."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.test_live_access import OPTIONAL
from tests.support.infra_templates import APPLICATION, EVERYTHING, made
from tests.support.live_account import Answer, LiveAccount, denied, record
from wspubsub.deployment.live import Survey

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "examine-a-live-deployment.md"


@pytest.fixture(scope="module")
def answers() -> dict[str, Answer]:
    return record(made(**EVERYTHING, worker="work.handler"))


def judge(survey: Survey) -> list[str]:
    return [str(each) for each in survey.examine(APPLICATION, uses={"history"})]


def change_function(account: LiveAccount, **values: Any) -> None:
    account.plant(
        "GetFunctionConfiguration",
        lambda asked, answer: (
            {**answer, **values} if "-Function-" in asked["FunctionName"] else answer
        ),
    )


@pytest.mark.parametrize(
    "config", [{}, {"Command": ["app.handler"]}, {"EntryPoint": ["/bin/app"]}]
)
def test_an_image_runs_what_the_routes_lead_to(
    answers: dict[str, Answer], config: Answer
) -> None:
    account = LiveAccount(answers)
    change_function(
        account,
        PackageType="Image",
        Handler=None,
        Runtime=None,
        ImageConfigResponse={"ImageConfig": config},
    )
    account.plant(
        "DescribeTimeToLive",
        lambda *_: {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}},
    )
    survey, _ = account.survey()

    (line,) = judge(survey)
    assert line.startswith("Table: time to live is off")
    assert len(survey.examine()) == 1


def test_an_alias_has_a_configuration_of_its_own(answers: dict[str, Answer]) -> None:
    account = LiveAccount(answers)
    asked_for = set()

    def qualify(_: Answer, answer: Answer) -> Answer:
        items = [
            {
                **e,
                "IntegrationUri": e["IntegrationUri"].replace("/invoc", ":live/invoc"),
            }
            for e in answer["Items"]
        ]
        return {"Items": items}

    def answer_alias(asked: Answer, answer: Answer) -> Answer:
        asked_for.add(asked.get("Qualifier"))
        plain = json.dumps({"FunctionName": asked["FunctionName"]})
        return answer or answers[f"lambda.GetFunctionConfiguration {plain}"]

    account.plant("GetIntegrations", qualify)
    account.plant("GetFunctionConfiguration", answer_alias)
    account.plant("GetPolicy", allow_anybody)
    survey, _ = account.survey()

    assert judge(survey) == []
    assert "live" in asked_for


def allow_anybody(_asked: Answer, _answer: Answer) -> Answer:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "lambda:*"}
    return {"Policy": json.dumps({"Statement": statement})}


@pytest.mark.parametrize("uri", ["https://example.com/${stageVariables.function}"])
def test_a_stage_variable_may_name_any_function(
    answers: dict[str, Answer], uri: str
) -> None:
    account = LiveAccount(answers)
    account.plant(
        "GetIntegrations",
        lambda _, answer: {
            "Items": [{**each, "IntegrationUri": uri} for each in answer["Items"]]
        },
    )
    survey, _ = account.survey()

    assert judge(survey) == []
    assert survey.examine() == []


def test_an_integration_that_leads_to_no_function_is_found(
    answers: dict[str, Answer],
) -> None:
    account = LiveAccount(answers)
    account.plant(
        "GetIntegrations",
        lambda _, answer: {
            "Items": [
                {**each, "IntegrationUri": "https://example.com"}
                for each in answer["Items"]
            ]
        },
    )
    survey, _ = account.survey()

    lines = [str(each) for each in survey.examine()]
    assert {line.partition(":")[0] for line in lines} == {"Integration"}
    assert all("[integration-function]" in line for line in lines)


def test_a_route_without_integration_is_found(answers: dict[str, Answer]) -> None:
    account = LiveAccount(answers)
    account.plant(
        "GetRoutes",
        lambda _, answer: {
            "Items": [
                {**each, "Target": None} if each["RouteKey"] == "subscribe" else each
                for each in answer["Items"]
            ]
        },
    )
    survey, _ = account.survey()

    (line,) = judge(survey)
    assert line.startswith("SubscribeRoute: route subscribe has no integration")


def test_variables_that_cannot_be_decrypted_are_not_judged(
    answers: dict[str, Answer],
) -> None:
    account = LiveAccount(answers)
    change_function(account, Environment={"Error": {"ErrorCode": "AccessDenied"}})
    survey, _ = account.survey()

    assert judge(survey) == []


@pytest.mark.parametrize("operation", ["DescribeRouteTables", "DescribeVpcEndpoints"])
def test_a_vpc_that_may_not_be_read_is_not_judged(
    answers: dict[str, Answer], operation: str
) -> None:
    account = LiveAccount(answers)
    change_function(account, VpcConfig={"VpcId": "vpc-1", "SubnetIds": ["subnet-1"]})
    account.plant("DescribeRouteTables", lambda *_: {"RouteTables": []})
    account.plant("DescribeVpcEndpoints", lambda *_: {"VpcEndpoints": []})
    account.plant(operation, lambda *_: denied(f"ec2:{operation}"))
    survey, found = account.survey()

    assert judge(survey) == []
    assert found.notes == (
        f"may not look at {operation}: allow ec2:{operation} to see it",
    )


def test_nested_stacks_belong_to_a_stack(answers: dict[str, Answer]) -> None:
    account = LiveAccount(answers)
    key = next(each for each in answers if ".ListStackResources " in each)
    outer = {
        "ResourceType": "AWS::CloudFormation::Stack",
        "LogicalResourceId": "Inner",
        "PhysicalResourceId": "arn:inner",
    }
    failed = {"ResourceType": "AWS::SNS::Topic", "LogicalResourceId": "Lost"}

    def nest(asked: Answer, _: Answer) -> Answer:
        if asked["StackName"] == "arn:inner":
            return answers[key]
        return {"StackResourceSummaries": [failed, outer]}

    account.plant("ListStackResources", nest)
    account.plant("GetStages", lambda *_: {"Items": []})
    survey, _ = account.survey()

    (line,) = judge(survey)
    assert line.startswith("Api: has no stage")


def test_the_documented_policy_is_all_that_is_asked_for() -> None:
    text = PAGE.read_text(encoding="utf-8")
    (policy,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (statement,) = json.loads(policy)["Statement"]

    assert set(statement["Action"]) == {
        *OPTIONAL.values(),
        "cloudformation:DescribeStackResources",
        "cloudformation:ListStackResources",
        "ec2:DescribeRouteTables",
        "ec2:DescribeVpcEndpoints",
        "iam:GetPolicy",
        "iam:GetPolicyVersion",
        "kms:DescribeKey",
        "kms:GetKeyPolicy",
    }
    assert statement["Action"] == sorted(statement["Action"])
