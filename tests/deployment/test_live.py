"""A live deployment: each planted fault yields its finding and nothing else."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.support.infra_templates import APPLICATION, EVERYTHING, made
from tests.support.live_account import (
    EARLIER,
    NOW,
    REGION,
    Answer,
    LiveAccount,
    Plant,
    Refusal,
    record,
)

Plants = dict[str, Plant]
TABLE = f"arn:aws:dynamodb:{REGION}:123456789012:table/"
VPC = {"VpcId": "vpc-1", "SubnetIds": ["subnet-1", "subnet-2"]}
TO_INTERNET = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}
TO_NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}


@pytest.fixture(scope="module")
def answers() -> dict[str, Answer]:
    """What AWS answers about what `wspubsub template` makes."""
    return record(made(**EVERYTHING, worker="work.handler"))


def change(**values: Any) -> Plant:
    """Change fields of an answer."""
    return lambda _asked, answer: {**answer, **values}


def change_items(name: str, **values: Any) -> Plant:
    """Change fields of each item in a list."""
    return lambda _asked, answer: {
        **answer,
        name: [{**each, **values} for each in answer[name]],
    }


def change_one(name: str, key: str, wanted: str, **values: Any) -> Plant:
    """Change fields of the items in a list of which a field has a value."""
    return lambda _asked, answer: {
        **answer,
        name: [
            {**each, **values} if wanted in each[key] else each for each in answer[name]
        ],
    }


def change_attributes(**values: str | None) -> Plant:
    def plant(_: Answer, answer: Answer) -> Answer:
        kept = {**answer["Attributes"], **values}
        return {"Attributes": {k: v for k, v in kept.items() if v is not None}}

    return plant


def change_table(**values: Any) -> Plant:
    return lambda _asked, answer: {"Table": {**answer["Table"], **values}}


def change_function(name: str = "-Function-", **values: Any) -> Plant:
    return lambda asked, answer: (
        {**answer, **values} if name in asked["FunctionName"] else answer
    )


def change_variable(name: str, value: Callable[[str], str]) -> Plant:
    def plant(asked: Answer, answer: Answer) -> Answer:
        if "-Function-" not in asked["FunctionName"]:
            return answer
        variables = answer["Environment"]["Variables"]
        changed = {**variables, name: value(variables[name])}
        return {**answer, "Environment": {"Variables": changed}}

    return plant


def drop_variable(asked: Answer, answer: Answer) -> Answer:
    if "-Function-" in asked["FunctionName"]:
        del answer["Environment"]["Variables"]["WSPUBSUB_TABLE"]
    return answer


def drop_route(_: Answer, answer: Answer) -> Answer:
    return {"Items": [e for e in answer["Items"] if e["RouteKey"] != "$connect"]}


def decide(role: str, action: str, **result: Any) -> Plant:
    def plant(asked: Answer, answer: Answer) -> Answer:
        for each in answer["EvaluationResults"]:
            if role in asked["PolicySourceArn"] and each["EvalActionName"] == action:
                each |= {"EvalDecision": "implicitDeny", **result}
        return answer

    return plant


def drop_sources(_asked: Answer, _answer: Answer) -> Answer:
    return {"EventSourceMappings": []}


def manual(deployed: Any, *, status: str = "DEPLOYED") -> Plants:
    """The stage has a deployment of its own, made at a time."""
    one = {
        "DeploymentId": "d1",
        "CreatedDate": deployed,
        "DeploymentStatus": status,
        "DeploymentStatusMessage": "out of luck.",
    }
    return {
        "GetStages": change_items("Items", AutoDeploy=False, DeploymentId="d1"),
        "GetDeployments": change(Items=[one]),
        "ListStackResources": change_items(
            "StackResourceSummaries", LastUpdatedTimestamp=EARLIER
        ),
    }


def newer_route() -> Plants:
    plants = manual(NOW)
    all_older = plants["ListStackResources"]
    one_newer = change_one(
        "StackResourceSummaries",
        "LogicalResourceId",
        "SubscribeRoute",
        LastUpdatedTimestamp=NOW + timedelta(days=1),
    )

    def plant(asked: Answer, answer: Answer) -> Answer | Refusal | None:
        older = all_older(asked, answer)
        assert isinstance(older, dict)
        return one_newer(asked, older)

    return {**plants, "ListStackResources": plant}


def vpc(*routes: list[Answer], endpoints: tuple[Answer, ...] = ()) -> Plants:
    """Both subnets have a table of routes of their own."""
    tables = [
        {"Associations": [{"SubnetId": f"subnet-{number}"}], "Routes": each}
        for number, each in enumerate(routes, 1)
    ]
    return {
        "GetFunctionConfiguration": change_function(VpcConfig=VPC),
        "DescribeRouteTables": change(RouteTables=tables),
        "DescribeVpcEndpoints": change(VpcEndpoints=list(endpoints)),
    }


def endpoint(service: str, **values: Any) -> Answer:
    name = f"com.amazonaws.{REGION}.{service}"
    return {"ServiceName": name, "State": "available", **values}


def quota(service: str, value: float, *, code: str = "") -> Plant:
    return lambda asked, answer: (
        {"Quota": {**answer["Quota"], "Value": value}}
        if asked["ServiceCode"] == service and code in asked["QuotaCode"]
        else answer
    )


FAULTS: dict[str, tuple[Plants, list[str]]] = {
    # What a template could show as well.
    "a route that is not there": (
        {"GetRoutes": drop_route},
        ["Api: has no route $connect, which the router handles"],
    ),
    "another selection expression": (
        {"GetApi": change(RouteSelectionExpression="$request.body.type")},
        ["Api: RouteSelectionExpression is $request.body.type"],
    ),
    "a route without response": (
        {"GetRouteResponses": change(Items=[])},
        [
            f"{name}Route: RouteResponseSelectionExpression needs a route response"
            for name in ("Default", "SendMessage", "Subscribe")
        ],
    ),
    "no stage": ({"GetStages": change(Items=[])}, ["Api: has no stage"]),
    "a stage without deployment": (
        {"GetStages": change_items("Items", AutoDeploy=False)},
        ["Stage: never receives the API's routes"],
    ),
    "a rate of 0": (
        {
            "GetStages": change_items(
                "Items", DefaultRouteSettings={"ThrottlingRateLimit": 0.0}
            )
        },
        ["Stage: DefaultRouteSettings.ThrottlingRateLimit is 0"],
    ),
    "a burst of 0 on one route": (
        {
            "GetStages": change_items(
                "Items", RouteSettings={"$connect": {"ThrottlingBurstLimit": 0}}
            )
        },
        ["Stage: RouteSettings.$connect.ThrottlingBurstLimit is 0"],
    ),
    "the endpoint of another stage": (
        {
            "GetFunctionConfiguration": change_variable(
                "WSPUBSUB_ENDPOINT", lambda old: old.replace("/prod", "/test")
            )
        },
        ["Function: WSPUBSUB_ENDPOINT names the stage test, but the stage is prod"],
    ),
    "the endpoint of another Region": (
        {
            "GetFunctionConfiguration": change_variable(
                "WSPUBSUB_ENDPOINT", lambda old: old.replace(REGION, "us-east-1")
            )
        },
        ["Function: WSPUBSUB_ENDPOINT is in us-east-1, but the API in eu-west-1"],
    ),
    "the endpoint of another API": (
        {
            "GetFunctionConfiguration": change_variable(
                "WSPUBSUB_ENDPOINT",
                lambda _: f"https://zzz.execute-api.{REGION}.amazonaws.com/prod",
            )
        },
        ["Function: WSPUBSUB_ENDPOINT is not the endpoint of Api: set it to https://"],
    ),
    "a domain that leads to another API": (
        {
            "GetFunctionConfiguration": change_variable(
                "WSPUBSUB_ENDPOINT", lambda _: "https://ws.example.com/chat"
            ),
            "GetApiMappings": change(Items=[{"ApiId": "zzz", "ApiMappingId": "m"}]),
        },
        ["Function: WSPUBSUB_ENDPOINT is ws.example.com, which has no mapping to Api"],
    ),
    "a missing variable": (
        {"GetFunctionConfiguration": drop_variable},
        ["Function: has no environment variable WSPUBSUB_TABLE"],
    ),
    "no concurrency": (
        {"GetFunctionConcurrency": change_function(ReservedConcurrentExecutions=0)},
        ["Function: ReservedConcurrentExecutions is 0"],
    ),
    "loops are stopped": (
        {"GetFunctionRecursionConfig": change(RecursiveLoop="Terminate")},
        ["Worker: sends to Queue, which invokes it"],
    ),
    "nobody may invoke the function": (
        {
            "GetPolicy": lambda asked, answer: (
                Refusal("ResourceNotFoundException")
                if "-Function-" in asked["FunctionName"]
                else answer
            )
        },
        ["Function: API Gateway may not invoke it for route"],
    ),
    "no time to live": (
        {
            "DescribeTimeToLive": change(
                TimeToLiveDescription={"TimeToLiveStatus": "DISABLED"}
            )
        },
        ["Table: time to live is off"],
    ),
    "other keys": (
        {
            "DescribeTable": change_table(
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}]
            )
        },
        ["Table: the keys are not pk (HASH) and sk (RANGE)"],
    ),
    "a stream without images": (
        {
            "DescribeTable": change_table(
                StreamSpecification={
                    "StreamEnabled": True,
                    "StreamViewType": "KEYS_ONLY",
                }
            )
        },
        ["Table: StreamViewType KEYS_ONLY leaves out"],
    ),
    "a short visibility timeout": (
        {"GetQueueAttributes": change_attributes(VisibilityTimeout="30")},
        ["Queue: VisibilityTimeout is 30 s"],
    ),
    "no queue for dead letters": (
        {"GetQueueAttributes": change_attributes(RedrivePolicy=None)},
        ["Queue: a message that always fails is redelivered until it expires"],
    ),
    "a mapping that is off": (
        {
            "ListEventSourceMappings": change_one(
                "EventSourceMappings", "EventSourceArn", ":sqs:", State="Disabled"
            )
        },
        ["QueueMapping: is switched off"],
    ),
    "no partial responses": (
        {
            "ListEventSourceMappings": change_one(
                "EventSourceMappings",
                "EventSourceArn",
                ":sqs:",
                FunctionResponseTypes=[],
            )
        },
        ["QueueMapping: a single failed record fails its whole batch"],
    ),
    "a stream that retries for ever": (
        {
            "ListEventSourceMappings": change_one(
                "EventSourceMappings",
                "EventSourceArn",
                "/stream/",
                MaximumRetryAttempts=-1,
                MaximumRecordAgeInSeconds=-1,
                DestinationConfig={},
            )
        },
        [
            "StreamMapping: a failing record blocks those behind it for a day, or is "
            "dropped unnoticed: set MaximumRetryAttempts to 10 and "
            "MaximumRecordAgeInSeconds to 7800 and DestinationConfig"
        ],
    ),
    # What a role allows.
    "an action that is not allowed": (
        {"SimulatePrincipalPolicy": decide("-FunctionRole-", "dynamodb:Query")},
        ["FunctionRole: does not allow dynamodb:Query on Table for Function"],
    ),
    "a post that is not allowed": (
        {
            "SimulatePrincipalPolicy": decide(
                "-WorkerRole-", "execute-api:ManageConnections"
            )
        },
        ["WorkerRole: Worker may not POST connections"],
    ),
    "an action that is denied": (
        {
            "SimulatePrincipalPolicy": decide(
                "-FunctionRole-", "sqs:SendMessage", EvalDecision="explicitDeny"
            )
        },
        ["FunctionRole: denies sqs:SendMessage on Queue for Function"],
    ),
    "an action that a boundary does not allow": (
        {
            "SimulatePrincipalPolicy": decide(
                "-FunctionRole-",
                "sqs:SendMessage",
                PermissionsBoundaryDecisionDetail={
                    "AllowedByPermissionsBoundary": False
                },
            )
        },
        ["FunctionRole, by its permissions boundary: denies sqs:SendMessage on Queue"],
    ),
    "an action that the organization does not allow": (
        {
            "SimulatePrincipalPolicy": decide(
                "-FunctionRole-",
                "sqs:SendMessage",
                OrganizationsDecisionDetail={"AllowedByOrganizations": False},
            )
        },
        ["FunctionRole, by a policy of the organization: denies sqs:SendMessage"],
    ),
    # What only a live account shows.
    "a deployment that is older than a route": (
        newer_route(),
        ["Stage: its deployment is older than SubscribeRoute, so clients do not"],
    ),
    "a deployment that failed": (
        manual(NOW, status="FAILED"),
        ["Stage: its last deployment failed, so it serves an older one or none: out"],
    ),
    "an automatic deployment that failed": (
        {
            "GetStages": change_items(
                "Items", LastDeploymentStatusMessage="Deployment attempt failed: no."
            )
        },
        ["Stage: its last deployment failed"],
    ),
    "a function that failed": (
        {
            "GetFunctionConfiguration": change_function(
                State="Failed", StateReason="The image is gone."
            )
        },
        ["Function: does not run, or not as it was last updated: The image is gone:"],
    ),
    "an update that failed": (
        {"GetFunctionConfiguration": change_function(LastUpdateStatus="Failed")},
        ["Function: does not run, or not as it was last updated: no reason is given:"],
    ),
    "a batch that failed": (
        {
            "ListEventSourceMappings": change_one(
                "EventSourceMappings",
                "EventSourceArn",
                "/stream/",
                LastProcessingResult="PROBLEM: Function call failed",
            )
        },
        ["StreamMapping: its last batch failed (PROBLEM: Function call failed)"],
    ),
    "a stream of yesterday": (
        {
            "DescribeTable": lambda _, answer: {
                "Table": {
                    **answer["Table"],
                    "LatestStreamArn": answer["Table"]["TableArn"] + "/stream/today",
                }
            },
            "ListEventSourceMappings": lambda _, answer: (
                answer or {"EventSourceMappings": []}
            ),
        },
        ["StreamMapping: reads a stream that the table no longer writes to"],
    ),
    "dead letters": (
        {
            "GetQueueAttributes": lambda asked, answer: (
                {
                    "Attributes": {
                        **answer["Attributes"],
                        "ApproximateNumberOfMessages": "3",
                    }
                }
                if "-QueueFailures-" in asked["QueueUrl"]
                or "DeadLetter" in asked["QueueUrl"]
                else answer
            )
        },
        ["DeadLetters: holds 3 that could not be handled"],
    ),
    "no such table": (
        {"DescribeTable": lambda *_: Refusal("ResourceNotFoundException")},
        ["Function: WSPUBSUB_TABLE names the table chat-"],
    ),
    "no such queue": (
        {
            "GetFunctionConfiguration": change_variable(
                "WSPUBSUB_QUEUE", lambda old: old + "-2"
            ),
            "GetQueueAttributes": lambda _, answer: (
                answer or Refusal("AWS.SimpleQueueService.NonExistentQueue")
            ),
        },
        ["Function: WSPUBSUB_QUEUE names the queue https://"],
    ),
    "a table of another Region": (
        {
            "GetFunctionConfiguration": change_variable(
                "WSPUBSUB_TABLE",
                lambda old: f"arn:aws:dynamodb:us-east-1:123456789012:table/{old}",
            )
        },
        ["Function: WSPUBSUB_TABLE names a table in us-east-1, but the function runs"],
    ),
    "no way out": (
        vpc([TO_INTERNET], []),
        ["Function: its subnets have no route to a NAT gateway, so it reaches neither"],
    ),
    "a way to DynamoDB only": (
        vpc([], [], endpoints=(endpoint("dynamodb"),)),
        ["Function: its subnets have no route to a NAT gateway, so it reaches Dyna"],
    ),
    "one subnet without a way out": (
        vpc([TO_NAT], [TO_INTERNET]),
        ["Function: subnet-2 has no route to a NAT gateway as the other subnets have"],
    ),
    "an endpoint for private APIs": (
        vpc(
            [TO_NAT],
            [TO_NAT],
            endpoints=(endpoint("execute-api", PrivateDnsEnabled=True),),
        ),
        ["Function: its VPC has an endpoint for execute-api with private DNS"],
    ),
    "a small account": (
        {"GetServiceQuota": quota("lambda", 10.0)},
        ['eu-west-1: the quota "L-B99A9384" is 10, while accounts have 1,000'],
    ),
    "an account that lets few clients in": (
        {"GetServiceQuota": quota("apigateway", 250.0, code="L-9ED1E49A")},
        ['eu-west-1: the quota "L-9ED1E49A" is 250, while accounts have 500'],
    ),
}

HARMLESS: dict[str, Plants] = {
    "nothing": {},
    "a deployment that is newer than all routes": manual(NOW),
    "a VPC with a way out": vpc([TO_NAT], [TO_NAT]),
    "a bigger quota": {"GetServiceQuota": quota("lambda", 5000.0)},
    "quotas that are not known": {
        "GetServiceQuota": lambda *_: Refusal("NoSuchResourceException")
    },
    "a permission that depends": {
        "SimulatePrincipalPolicy": decide(
            "Role", "dynamodb:Query", MissingContextValues=["aws:SourceVpc"]
        )
    },
    "a queue that allows it itself": {
        "GetQueueAttributes": change_attributes(Policy="{}"),
        "SimulatePrincipalPolicy": decide("Role", "sqs:SendMessage"),
    },
    "a table that allows it itself": {
        "GetResourcePolicy": lambda *_: {"Policy": "{}"},
        "SimulatePrincipalPolicy": decide("Role", "dynamodb:Query"),
    },
}


def plant(answers: dict[str, Answer], plants: Plants) -> LiveAccount:
    account = LiveAccount(answers)
    for operation, changed in plants.items():
        account.plant(operation, changed)
    return account


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_nothing_else(
    answers: dict[str, Answer], name: str
) -> None:
    plants, expected = FAULTS[name]
    survey, account = plant(answers, plants).survey()

    lines = [str(each) for each in survey.examine(APPLICATION, uses={"history"})]

    assert [
        line[: len(start)] for line, start in zip(lines, expected, strict=False)
    ] == (expected), lines
    assert len(lines) == len(expected), lines
    assert account.notes == ()


@pytest.mark.parametrize("name", HARMLESS)
@pytest.mark.parametrize("application", [APPLICATION, None])
def test_nothing_is_found_where_nothing_is_wrong(
    answers: dict[str, Answer], name: str, application: Any
) -> None:
    survey, account = plant(answers, HARMLESS[name]).survey()

    assert survey.examine(application, uses={"history"}) == []
    assert account.notes == ()


def test_records_that_nobody_brings_are_missed_without_a_handler_too(
    answers: dict[str, Answer],
) -> None:
    survey, _ = plant(answers, {"ListEventSourceMappings": drop_sources}).survey()

    lines = [str(each) for each in survey.examine()]

    assert [line.partition(":")[0] for line in lines] == ["Function", "Function"]
    assert all("[records-missing]" in line for line in lines)
