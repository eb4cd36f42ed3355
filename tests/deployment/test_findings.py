"""What is certainly wrong, though CloudFormation takes it, and how that is told."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
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
from wspubsub.deployment.checking import LIVE_RULES, RULES, check_template

Change = Callable[[Template], object]
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "findings.md"
DOMAIN = {
    "Type": "AWS::ApiGatewayV2::DomainName",
    "Properties": {"DomainName": "ws.example.com"},
}


def put(name: str, *path: str, value: object) -> Change:
    def change(template: Template) -> None:
        parent = properties(template, name)
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = value

    return change


def endpoint(value: object) -> Change:
    return put("Function", "Environment", "Variables", "WSPUBSUB_ENDPOINT", value=value)


def statement(**content: object) -> Change:
    def change(template: Template) -> None:
        document = properties(template, "FunctionRole")["Policies"][0]["PolicyDocument"]
        document["Statement"].append({"Effect": "Allow", **content})

    return change


def simple_table(template: Template) -> None:
    template["Transform"] = "AWS::Serverless-2016-10-31"
    template["Resources"]["Table"] = {"Type": "AWS::Serverless::SimpleTable"}


def key_types(template: Template) -> None:
    properties(template, "Table")["AttributeDefinitions"][1]["AttributeType"] = "N"


def late_deployment(*needs: str) -> Change:
    def change(template: Template) -> None:
        stage = template["Resources"]["Stage"]
        stage.pop("DependsOn", None)
        stage["Properties"] = {
            "ApiId": {"Ref": "Api"},
            "StageName": "prod",
            "DeploymentId": {"Ref": "Deployment"},
        }
        template["Resources"]["Deployment"] = {
            "Type": "AWS::ApiGatewayV2::Deployment",
            "DependsOn": list(needs),
            "Properties": {"ApiId": {"Ref": "Api"}},
        }

    return change


def own_domain(path: str, key: str | None) -> Change:
    def change(template: Template) -> None:
        mapping = {"ApiId": {"Ref": "Api"}, "Stage": {"Ref": "Stage"}}
        mapping["DomainName"] = {"Ref": "Domain"}
        if key is not None:
            mapping["ApiMappingKey"] = key  # type: ignore[assignment] # a text
        template["Resources"] |= {
            "Domain": DOMAIN,
            "Mapping": {"Type": "AWS::ApiGatewayV2::ApiMapping", "Properties": mapping},
        }
        endpoint(f"https://ws.example.com{path}")(template)

    return change


def encrypt_table(*principals: object) -> Change:
    def change(template: Template) -> None:
        template["Resources"]["Key"] = {
            "Type": "AWS::KMS::Key",
            "Properties": {
                "KeyPolicy": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": each,
                            "Action": "kms:*",
                            "Resource": "*",
                        }
                        for each in principals
                    ]
                }
            },
        }
        properties(template, "Table")["SSESpecification"] = {
            "SSEEnabled": True,
            "KMSMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
        }

    return change


def encrypt_queue(template: Template) -> None:
    encrypt_table()(template)
    del properties(template, "Table")["SSESpecification"]
    properties(template, "Queue")["KmsMasterKeyId"] = {"Ref": "Key"}


def cut_off(*routes: dict[str, Any]) -> Change:
    """The function is in a subnet of which only these routes lead anywhere."""

    def change(template: Template) -> None:
        properties(template, "Function")["VpcConfig"] = {
            "SubnetIds": [{"Ref": "Subnet"}],
            "SecurityGroupIds": ["sg-1"],
        }
        template["Resources"] |= {
            "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": "vpc-1"}},
            "Gateway": {"Type": "AWS::EC2::InternetGateway", "Properties": {}},
            "Ways": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": "vpc-1"}},
            "Association": {
                "Type": "AWS::EC2::SubnetRouteTableAssociation",
                "Properties": {
                    "SubnetId": {"Ref": "Subnet"},
                    "RouteTableId": {"Ref": "Ways"},
                },
            },
        }
        for number, each in enumerate(routes):
            template["Resources"][f"Way{number}"] = {
                "Type": "AWS::EC2::Route",
                "Properties": {"RouteTableId": {"Ref": "Ways"}, **each},
            }

    return change


PUBLIC = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": {"Ref": "Gateway"}}
NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}

WRONG: dict[str, tuple[Change, list[str]]] = {
    "a simple table": (
        simple_table,
        ["Table: time to live is off", "Table: the keys are not pk (HASH) and sk"],
    ),
    "a key that is a number": (key_types, ["Table: the key sk has the type N"]),
    "a rate of 0": (
        put("Stage", "DefaultRouteSettings", value={"ThrottlingRateLimit": 0}),
        ["Stage: DefaultRouteSettings.ThrottlingRateLimit is 0, so every request"],
    ),
    "a burst of 0 on one route": (
        put("Stage", "RouteSettings", value={"$connect": {"ThrottlingBurstLimit": 0}}),
        ["Stage: RouteSettings.$connect.ThrottlingBurstLimit is 0"],
    ),
    "no concurrency": (
        put("Function", "ReservedConcurrentExecutions", value=0),
        ["Function: ReservedConcurrentExecutions is 0, so it never runs"],
    ),
    "an integration that gives up first": (
        put("Integration", "TimeoutInMillis", value=3000),
        ["Integration: TimeoutInMillis is 3000, but Function may take 29 s"],
    ),
    "more time than API Gateway gives": (
        put("Function", "Timeout", value=60),
        ["Function: Timeout is 60 s, but API Gateway waits 29 s at most"],
    ),
    "a deployment that waits for nothing": (
        late_deployment(),
        [
            "Deployment: this Deployment does not wait for the routes ConnectRoute, "
            "DisconnectRoute, DefaultRoute, SendMessageRoute, SubscribeRoute, so"
        ],
    ),
    "a deployment that waits for most": (
        late_deployment(
            "ConnectRoute", "DisconnectRoute", "DefaultRoute", "SendMessageRoute"
        ),
        ["Deployment: this Deployment does not wait for the routes SubscribeRoute,"],
    ),
    "a runtime that is too old": (
        put("Function", "Runtime", value="python3.9"),
        ["Function: Runtime is python3.9, but wspubsub needs python3.11"],
    ),
    "the endpoint of one Region": (
        endpoint({"Fn::Sub": "https://${Api}.execute-api.eu-west-1.x.com/prod"}),
        ["Function: WSPUBSUB_ENDPOINT is in eu-west-1, whatever Region"],
    ),
    "an endpoint that is disabled": (
        put("Api", "DisableExecuteApiEndpoint", value=True),
        ["Function: WSPUBSUB_ENDPOINT is the address of Api itself, which answers 403"],
    ),
    "a stage behind a mapping": (
        own_domain("/prod", None),
        [
            "Function: WSPUBSUB_ENDPOINT has the path /prod, but the domain's mapping "
            "leads to Api from another one, so posts are answered with 403: set it to "
            "https://ws.example.com without a path"
        ],
    ),
    "the path of another mapping": (
        own_domain("/prod", "chat"),
        ["with 403: set it to https://ws.example.com/chat"],
    ),
    "an explicit Deny": (
        statement(Effect="Deny", Action="dynamodb:Q*", Resource="*"),
        ["FunctionRole: denies dynamodb:Query on Table for Function, which"],
    ),
    "an explicit Deny of posts": (
        statement(Effect="Deny", Action="execute-api:*", Resource="*"),
        ["FunctionRole: denies POST of connections, which Function needs"],
    ),
    "a key of one's own": (
        encrypt_table(),
        ["FunctionRole: does not allow kms:Decrypt on Key, the key of Table"],
    ),
    "a key for the account": (
        encrypt_table({"AWS": "arn:aws:iam::123456789012:root"}),
        ["FunctionRole: does not allow kms:Decrypt on Key, the key of Table"],
    ),
    "everything in disguise": (
        statement(
            Action="dynamodb:?*",
            Resource={"Fn::Sub": "arn:aws:dynamodb:*:${AWS::AccountId}:table/?*"},
        ),
        [
            "FunctionRole: allows dynamodb:?*, which is too much",
            "FunctionRole: allows dynamodb:?* on arn:aws:dynamodb:*:${AWS::AccountId}:",
        ],
    ),
    "an administrator": (
        put(
            "FunctionRole",
            "ManagedPolicyArns",
            value=["arn:aws:iam::aws:policy/AdministratorAccess"],
        ),
        ["FunctionRole: has the policy AdministratorAccess, which is too much"],
    ),
    "a permission of a REST API": (
        put(
            "InvokePermission",
            "SourceArn",
            value={"Fn::Sub": "arn:aws:execute-api:us-east-1:1:${Api}/*/*/*"},
        ),
        ["Function: API Gateway may not invoke it for route $connect"],
    ),
    "a subnet that leads nowhere": (
        cut_off(),
        ["Function: its subnets have no route to a NAT gateway"],
    ),
    "a subnet of which only an internet gateway leads out": (
        cut_off(PUBLIC),
        ["Function: its subnets have no route to a NAT gateway"],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_all_that_is_said(name: str) -> None:
    change, expected = WRONG[name]
    template = made()

    change(template)

    lines = found(template)
    assert len(lines) == len(expected)
    for line, start in zip(lines, expected, strict=True):
        assert start in line


RIGHT: dict[str, Change] = {
    "a domain with its mapping": own_domain("/chat", "chat"),
    "a domain without a key": own_domain("", None),
    "a key that the role may use by its policy": encrypt_table({"AWS": "*"}),
    "a Deny of something else": statement(
        Effect="Deny", Action="dynamodb:DeleteTable", Resource="*"
    ),
    "a Deny under a condition": statement(
        Effect="Deny",
        Action="dynamodb:*",
        Resource="*",
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    ),
    "a limit that is given later": put(
        "Stage", "DefaultRouteSettings", value={"ThrottlingRateLimit": {"Ref": "Rate"}}
    ),
    "an image": put("Function", "PackageType", value="Image"),
    "a newer runtime": put("Function", "Runtime", value="python3.14"),
    "a subnet with a NAT gateway": cut_off(PUBLIC, NAT),
    "a role that a key's policy lets use it": lambda t: (
        encrypt_table()(t),
        statement(Action="kms:Decrypt", Resource={"Fn::GetAtt": ["Key", "Arn"]})(t),
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_like_it_but_right_gives_no_finding(name: str) -> None:
    template = made()

    RIGHT[name](template)

    assert found(template) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("FifoQueue", True), ("QueueName", "work.fifo")],
)
def test_a_fifo_queue_cannot_carry_the_fan_out(name: str, value: object) -> None:
    template = made(queue=True)

    put("Queue", name, value=value)(template)

    assert any("Queue: it is a FIFO queue" in line for line in found(template))


def test_a_fifo_queue_from_elsewhere_is_known_by_its_name() -> None:
    template = made(queue=True)
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/work.fifo"

    put("Function", "Environment", "Variables", "WSPUBSUB_QUEUE", value=url)(template)

    assert any(f"WSPUBSUB_QUEUE {url} is a FIFO" in line for line in found(template))


def test_who_sends_to_an_encrypted_queue_needs_its_key() -> None:
    template = made(queue=True)

    encrypt_queue(template)

    sending, receiving = found(template)
    assert "does not allow kms:GenerateDataKey on Key, the key of Queue" in sending
    assert "does not allow kms:Decrypt on Key, the key of what" in receiving


def test_the_identity_source_of_an_http_api_never_matches() -> None:
    template = made(
        authorizer="auth.check", identity_sources=("route.request.header.Auth",)
    )
    assert found(template) == []

    source = ["$request.querystring.token"]
    put("Authorizer", "IdentitySource", value=source)(template)

    (line,) = found(template)
    assert line.startswith(
        "Authorizer: IdentitySource $request.querystring.token is that of an HTTP API: "
        "write route.request.querystring.token"
    )


def test_records_may_take_longer_than_api_gateway_waits() -> None:
    template = made(queue=True)
    properties(template, "Queue")["VisibilityTimeout"] = 43_200
    properties(template, "Function")["Timeout"] = 900

    assert found(template) == []


def with_worker(*sids: str) -> Template:
    """A worker of the queue whose role has no statements of these names."""
    template = made(queue=True, worker="work.handler")
    (policy,) = properties(template, "WorkerRole")["Policies"]
    document = policy["PolicyDocument"]
    document["Statement"] = [
        each for each in document["Statement"] if each["Sid"] not in sids
    ]
    return template


@pytest.mark.parametrize(
    ("sid", "expected"),
    [
        ("Connections", ["WorkerRole: Worker may not POST connections"]),
        (
            "Table",
            [
                f"WorkerRole: does not allow dynamodb:{action} on Table for Worker"
                for action in ("Query", "DeleteItem", "BatchWriteItem")
            ],
        ),
        ("Send", ["WorkerRole: does not allow sqs:SendMessage on Queue for Worker"]),
        (
            "Receive",
            [
                f"WorkerRole: does not allow sqs:{action} on what QueueMapping reads"
                for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
            ],
        ),
    ],
)
def test_a_worker_needs_permissions_of_its_own(sid: str, expected: list[str]) -> None:
    lines = found(with_worker(sid))

    assert [line.rpartition(": ")[0] for line in lines]
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(start)


def test_awss_own_policy_for_readers_of_a_queue_is_enough_to_read_it() -> None:
    template = with_worker("Receive")
    properties(template, "WorkerRole")["ManagedPolicyArns"] = [
        "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
    ]

    assert found(template) == []


def with_publisher() -> Template:
    """A function that publishes, as a cron job does, with a role of its own."""
    template = made()
    resources = template["Resources"]
    resources["Cron"] = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            **properties(template, "Function"),
            "Handler": "cron.handler",
            "Role": {"Fn::GetAtt": ["CronRole", "Arn"]},
        },
    }
    allowed = {
        "Effect": "Allow",
        "Action": ["dynamodb:Query", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"],
        "Resource": {"Fn::GetAtt": ["Table", "Arn"]},
    }
    post = statements(template)["Connections"]
    document = {"Statement": [allowed, post]}
    resources["CronRole"] = {
        "Type": "AWS::IAM::Role",
        "Properties": {"Policies": [{"PolicyDocument": document}]},
    }
    return template


def judged(template: Template, *publishers: str) -> list[str]:
    lines = check_template(template, APPLICATION, publishers=publishers)
    return [str(each) for each in lines]


def cron_statements(template: Template) -> list[dict[str, Any]]:
    (policy,) = properties(template, "CronRole")["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def test_a_publisher_needs_permissions_of_its_own() -> None:
    template = with_publisher()
    assert judged(template, "cron.handler") == []

    cron_statements(template).pop()
    cron_statements(template)[0]["Action"].pop(0)

    assert [line.partition(":")[0] for line in judged(template, "cron.handler")] == [
        "CronRole",
        "CronRole",
    ]
    # Nobody says that it publishes, and it may be that it does not.
    assert judged(template) == []


def test_what_reads_subscribers_and_posts_publishes() -> None:
    template = with_publisher()

    cron_statements(template)[0]["Action"].remove("dynamodb:DeleteItem")

    (line,) = judged(template)
    assert line.startswith("CronRole: does not allow dynamodb:DeleteItem on Table")


def test_a_publisher_must_be_there() -> None:
    (line,) = judged(with_publisher(), "cron.handler", "nightly.handler")

    assert line.startswith("Api: no function runs the publisher nightly.handler")


def test_a_mapping_that_is_off_brings_nothing() -> None:
    template = made(queue=True)

    put("QueueMapping", "Enabled", value=False)(template)

    (line,) = found(template)
    assert line.startswith("QueueMapping: is switched off, so nothing reads")


def test_a_queue_needs_a_queue_for_dead_letters() -> None:
    template = made(queue=True)

    del properties(template, "Queue")["RedrivePolicy"]

    (line,) = found(template)
    assert line.startswith("Queue: a message that always fails is redelivered until")


def test_the_reference_has_every_rule_and_says_the_same() -> None:
    _, _, tables = REFERENCE.read_text(encoding="utf-8").partition("## Routes")
    rows = [
        [cell.strip() for cell in line.split("|")]
        for line in tables.splitlines()
        if line.startswith("| `")
    ]

    assert {row[1].strip("`"): row[2] for row in rows} == {**RULES, **LIVE_RULES}
    assert all(all(row[1:5]) for row in rows)


def test_a_finding_names_its_rule() -> None:
    longer = replace(APPLICATION, route_keys=APPLICATION.route_keys | {"more"})

    (finding,) = check_template(made(), longer)

    assert finding.rule in RULES
    assert str(finding).endswith(f" [{finding.rule}]")
