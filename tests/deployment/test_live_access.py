"""What may not be read, or is not there, in a live account."""

import json
from typing import Any

import pytest

from tests.support.infra_templates import APPLICATION, EVERYTHING, made
from tests.support.live_account import (
    NOW,
    REGION,
    Answer,
    LiveAccount,
    Refusal,
    denied,
    record,
)
from wspubsub.deployment.live import Account
from wspubsub.errors import UsageError

# What is asked, by the permission that it takes; `apigateway:GET` covers many.
OPTIONAL = {
    "DescribeTable": "dynamodb:DescribeTable",
    "DescribeTimeToLive": "dynamodb:DescribeTimeToLive",
    "GetAWSDefaultServiceQuota": "servicequotas:GetAWSDefaultServiceQuota",
    "GetAuthorizers": "apigateway:GET",
    "GetDeployments": "apigateway:GET",
    "GetFunctionConcurrency": "lambda:GetFunctionConcurrency",
    "GetFunctionConfiguration": "lambda:GetFunctionConfiguration",
    "GetFunctionRecursionConfig": "lambda:GetFunctionRecursionConfig",
    "GetIntegrations": "apigateway:GET",
    "GetPolicy": "lambda:GetPolicy",
    "GetQueueAttributes": "sqs:GetQueueAttributes",
    "GetQueueUrl": "sqs:GetQueueUrl",
    "GetResourcePolicy": "dynamodb:GetResourcePolicy",
    "GetRolePolicy": "iam:GetRolePolicy",
    "GetRouteResponses": "apigateway:GET",
    "GetRoutes": "apigateway:GET",
    "GetServiceQuota": "servicequotas:GetServiceQuota",
    "GetStages": "apigateway:GET",
    "ListAttachedRolePolicies": "iam:ListAttachedRolePolicies",
    "ListEventSourceMappings": "lambda:ListEventSourceMappings",
    "ListRolePolicies": "iam:ListRolePolicies",
    "SimulatePrincipalPolicy": "iam:SimulatePrincipalPolicy",
}


@pytest.fixture(scope="module")
def answers() -> dict[str, Answer]:
    return record(made(**EVERYTHING, worker="work.handler"))


def refuse(
    answers: dict[str, Answer], *operations: str, refusal: Refusal | None = None
) -> LiveAccount:
    account = LiveAccount(answers)
    for each in operations:
        answer = refusal or denied(OPTIONAL[each])
        account.plant(each, lambda *_, answer=answer: answer)
    return account


@pytest.mark.parametrize("application", [APPLICATION, None])
@pytest.mark.parametrize("operation", OPTIONAL)
def test_what_may_not_be_read_is_not_judged_but_said(
    answers: dict[str, Answer], operation: str, application: Any
) -> None:
    survey, account = refuse(answers, operation).survey()

    assert survey.examine(application, uses={"history"}) == []
    assert account.notes == (
        f"may not look at {operation}: allow {OPTIONAL[operation]} to see it",
    )


def test_an_account_that_lets_nothing_be_read_is_not_judged(
    answers: dict[str, Answer],
) -> None:
    survey, account = refuse(answers, *OPTIONAL).survey()

    assert survey.examine(APPLICATION) == []
    assert len(account.notes) > 5


def test_without_simulation_the_policies_are_read(answers: dict[str, Answer]) -> None:
    account = refuse(answers, "SimulatePrincipalPolicy")
    statement = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}

    def plant(asked: Answer, answer: Answer) -> Answer:
        if "-FunctionRole-" not in asked["RoleName"]:
            return answer
        return {**answer, "PolicyDocument": policy(statement)}

    account.plant("GetRolePolicy", plant)
    survey, _ = account.survey()

    lines = [str(each) for each in survey.examine(APPLICATION)]

    assert all(line.startswith("FunctionRole: ") for line in lines)
    assert any("does not allow dynamodb:Query on Table" in line for line in lines)


def policy(*statements: Answer) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.mark.parametrize("arn", ["arn:aws:iam::aws:policy/", "arn:aws:iam::1:policy/"])
def test_attached_policies_are_read_too(answers: dict[str, Answer], arn: str) -> None:
    account = refuse(answers, "SimulatePrincipalPolicy", "ListRolePolicies")
    attached = [
        {"PolicyName": "Mine", "PolicyArn": f"{arn}Mine"},
        {
            "PolicyName": "AWSLambdaBasicExecutionRole",
            "PolicyArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasic",
        },
    ]
    wide = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "arn:x"}
    account.plant("ListAttachedRolePolicies", lambda *_: {"AttachedPolicies": attached})
    account.plant("GetPolicy", answer_policy)
    account.plant(
        "GetPolicyVersion", lambda *_: {"PolicyVersion": {"Document": policy(wide)}}
    )
    survey, _ = account.survey()

    lines = [str(each) for each in survey.examine(APPLICATION)]

    expected = [] if "aws:policy" in arn else ["Mine: allows dynamodb:*, which is too"]
    assert [line[: len("Mine: allows dynamodb:*, which is too")] for line in lines] == (
        expected
    )


def answer_policy(asked: Answer, answer: Answer) -> Answer:
    # Lambda has an operation of that name, and so has IAM.
    return answer if "FunctionName" in asked else {"Policy": {"DefaultVersionId": "v1"}}


@pytest.mark.parametrize("operation", ["GetPolicy", "GetPolicyVersion"])
def test_a_policy_that_may_not_be_read_may_allow_anything(
    answers: dict[str, Answer], operation: str
) -> None:
    account = refuse(answers, "SimulatePrincipalPolicy")
    account.plant("ListRolePolicies", lambda *_: {"PolicyNames": []})
    attached = [{"PolicyName": "Mine", "PolicyArn": "arn:aws:iam::1:policy/Mine"}]
    account.plant("ListAttachedRolePolicies", lambda *_: {"AttachedPolicies": attached})
    account.plant("GetPolicy", answer_policy)
    account.plant(
        operation,
        lambda asked, answer: (
            answer if "FunctionName" in asked else denied(f"iam:{operation}")
        ),
    )
    survey, _ = account.survey()

    assert survey.examine(APPLICATION) == []


def test_what_goes_wrong_otherwise_is_said_as_it_is(answers: dict[str, Answer]) -> None:
    account = refuse(answers, "GetStages", refusal=Refusal("Oops", "not today"))
    survey, found = account.survey()

    assert survey.examine(APPLICATION) == []
    assert found.notes == ("GetStages of apigatewayv2 failed: Oops: not today",)


@pytest.mark.parametrize(
    ("operation", "refusal", "complaint"),
    [
        (
            "ListStackResources",
            Refusal("ValidationError", "Stack with id chat does not exist"),
            "there is no stack chat in eu-west-1",
        ),
        (
            "ListStackResources",
            denied("cloudformation:ListStackResources"),
            "allow cloudformation:ListStackResources",
        ),
        ("GetApi", Refusal("NotFoundException"), "there is no API"),
        ("GetApi", denied("apigateway:GET"), "allow apigateway:GET to see it"),
        (
            "GetCallerIdentity",
            Refusal("ExpiredToken", "too old"),
            "does not accept the credentials: ExpiredToken: too old",
        ),
        ("GetCallerIdentity", Refusal("AccessDenied"), "allow sts:GetCallerIdentity"),
    ],
)
def test_what_cannot_be_found_at_all_is_an_error(
    answers: dict[str, Answer], operation: str, refusal: Refusal, complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        refuse(answers, operation, refusal=refusal).survey()


def test_a_stack_without_a_websocket_api_is_an_error(
    answers: dict[str, Answer],
) -> None:
    account = LiveAccount(answers)
    account.plant("GetApi", lambda _, answer: {**answer, "ProtocolType": "HTTP"})

    with pytest.raises(UsageError, match="stack chat has no WebSocket API"):
        account.survey()
    with pytest.raises(UsageError, match="is not a WebSocket API"):
        account.survey(api=find_api(answers))


def find_api(answers: dict[str, Answer]) -> str:
    return next(str(e["ApiId"]) for k, e in answers.items() if ".GetApi " in k)


def test_an_api_is_looked_at_by_its_id(answers: dict[str, Answer]) -> None:
    account = LiveAccount(answers)
    account.plant(
        "DescribeStackResources", lambda *_: Refusal("ValidationError", "no stack")
    )
    api = find_api(answers)
    survey, found = account.survey(api=api)

    assert survey.examine(APPLICATION, uses={"history"}) == []
    assert f"API {api}" in survey.subjects
    assert found.notes == (
        "DescribeStackResources of cloudformation failed: ValidationError: no stack",
    )


def test_an_api_without_stack_has_no_dates(answers: dict[str, Answer]) -> None:
    account = LiveAccount(answers)
    account.plant(
        "DescribeStackResources",
        lambda *_: Refusal("ValidationError", "Stack for x does not exist"),
    )
    one = {"DeploymentId": "d1", "CreatedDate": NOW, "DeploymentStatus": "DEPLOYED"}
    account.plant("GetDeployments", lambda *_: {"Items": [one]})
    account.plant(
        "GetStages",
        lambda _, answer: {
            "Items": [
                {**each, "AutoDeploy": False, "DeploymentId": "d1"}
                for each in answer["Items"]
            ]
        },
    )
    survey, found = account.survey(api=find_api(answers))

    assert survey.examine(APPLICATION, uses={"history"}) == []
    assert found.notes == (
        "whether stage prod serves the newest routes is only known for an API of a "
        "stack",
    )


def test_the_stack_of_an_api_names_what_is_found(answers: dict[str, Answer]) -> None:
    account = LiveAccount(answers)
    api = find_api(answers)
    account.plant(
        "DescribeStackResources",
        lambda *_: {
            "StackResources": [{"PhysicalResourceId": api, "StackName": "chat"}]
        },
    )
    account.plant("GetStages", lambda *_: {"Items": []})
    survey, _ = account.survey(api=api)

    (line,) = map(str, survey.examine(APPLICATION, uses={"history"}))
    assert line.startswith("Api: has no stage")


def test_functions_may_be_named(answers: dict[str, Answer]) -> None:
    account = LiveAccount(answers)
    account.plant("GetFunctionConfiguration", forget_strangers)
    account.plant(
        "ListEventSourceMappings",
        lambda _, answer: answer or {"EventSourceMappings": []},
    )

    for scope in ({"function": "nobody"}, {"publishers": ("nobody",)}):
        with pytest.raises(UsageError, match="there is no function nobody"):
            account.survey(stack="chat", **scope)


def forget_strangers(_: Answer, answer: Answer) -> Answer | Refusal:
    return answer or Refusal("ResourceNotFoundException")


def test_a_region_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")

    with pytest.raises(UsageError, match="no Region is configured: give --region"):
        Account()
    with pytest.raises(UsageError, match="nobody"):
        Account(profile="nobody", region=REGION)
