"""A template deployed: what becomes of it on moto's CloudFormation.

moto has no WebSocket APIs in CloudFormation; `moto_websocket` adds them by its API
Gateway V2. moto leaves out a table's time to live, checks no permissions, deploys no
stages and invokes no functions.
"""

import io
import json
import zipfile
from ast import literal_eval
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.support import moto_websocket
from tests.support.infra_templates import APPLICATION, EVERYTHING, Template, made
from wspubsub.dynamodb import create_table

REGION = "eu-west-1"


def deploy(template: Template) -> dict[str, str]:
    """Deploy a template and return its outputs."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "handler = print")
    boto3.client("s3").create_bucket(
        Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    boto3.client("s3").put_object(Bucket="code", Key="app.zip", Body=code.getvalue())
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName="chat",
        TemplateBody=json.dumps(template),
        Parameters=[
            {"ParameterKey": "CodeS3Bucket", "ParameterValue": "code"},
            {"ParameterKey": "CodeS3Key", "ParameterValue": "app.zip"},
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = cloudformation.describe_stacks()["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def deployed_function(handler: str) -> dict[str, Any]:
    """Return the function that runs a handler."""
    functions = boto3.client("lambda").list_functions()["Functions"]
    (found,) = (each for each in functions if each["Handler"] == handler)
    return dict(found)


@pytest.fixture(scope="module")
def outputs() -> Iterator[dict[str, str]]:
    """What the deployed stack says of itself."""
    moto_websocket.install()
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "testing")
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        yield deploy(made(**EVERYTHING, worker="work.handler"))


def test_the_deployed_api_is_that_of_the_router(outputs: dict[str, str]) -> None:
    client = boto3.client("apigatewayv2")
    (api,) = client.get_apis()["Items"]
    routes = client.get_routes(ApiId=api["ApiId"])["Items"]
    (integration,) = client.get_integrations(ApiId=api["ApiId"])["Items"]
    (stage,) = client.get_stages(ApiId=api["ApiId"])["Items"]
    function = deployed_function("app.handler")

    assert api["ProtocolType"] == "WEBSOCKET"
    assert api["RouteSelectionExpression"] == APPLICATION.route_selection_expression
    assert {each["RouteKey"] for each in routes} == {
        *APPLICATION.route_keys,
        "$default",
    }
    authorizers = {each["RouteKey"] for each in routes if each.get("AuthorizerId")}
    assert authorizers == {"$connect"}
    assert {each["Target"] for each in routes} == {
        f"integrations/{integration['IntegrationId']}"
    }
    assert function["FunctionArn"] in integration["IntegrationUri"]
    assert (stage["StageName"], stage["AutoDeploy"]) == ("prod", True)
    host = f"{api['ApiId']}.execute-api.{REGION}.amazonaws.com"
    assert outputs["WebSocketUrl"] == f"wss://{host}/prod"
    variables = function["Environment"]["Variables"]
    assert "/stream/" in variables.pop("WSPUBSUB_STREAM")
    assert variables == {
        "WSPUBSUB_QUEUE": outputs["QueueUrl"],
        "WSPUBSUB_TABLE": outputs["TableName"],
        "WSPUBSUB_ENDPOINT": f"https://{host}/prod",
    }


def test_the_deployed_table_and_queue_are_what_the_library_needs(
    outputs: dict[str, str],
) -> None:
    dynamodb = boto3.client("dynamodb")
    table = dynamodb.describe_table(TableName=outputs["TableName"])["Table"]
    queue = boto3.client("sqs").get_queue_attributes(
        QueueUrl=outputs["QueueUrl"], AttributeNames=["All"]
    )["Attributes"]

    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert queue["VisibilityTimeout"] == str(6 * 29)
    assert json.loads(queue["RedrivePolicy"])["maxReceiveCount"] == 5


def test_the_deployed_table_has_the_keys_of_the_store(
    outputs: dict[str, str],
) -> None:
    # Raises for other keys. An item written here would have moto start Docker, for the
    # function that reads the stream.
    create_table(outputs["TableName"])

    tables = boto3.client("dynamodb").list_tables()["TableNames"]
    assert tables == [outputs["TableName"]]


@pytest.mark.usefixtures("outputs")
def test_the_deployed_mappings_give_records_to_the_worker() -> None:
    functions = boto3.client("lambda").list_functions()["Functions"]
    handlers = {each["FunctionArn"]: each["Handler"] for each in functions}
    mappings = boto3.client("lambda").list_event_source_mappings()
    sources = {
        each["EventSourceArn"].split(":")[2]: each
        for each in mappings["EventSourceMappings"]
    }

    assert sorted(handlers.values()) == ["app.handler", "auth.check", "work.handler"]
    assert sources.keys() == {"dynamodb", "sqs"}
    for each in sources.values():
        assert handlers[each["FunctionArn"]] == "work.handler"
        assert each["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_deployed_role_names_this_api_and_this_table_only(
    outputs: dict[str, str],
) -> None:
    iam = boto3.client("iam")
    role = deployed_function("app.handler")["Role"].rpartition("/")[2]
    policy = iam.get_role_policy(RoleName=role, PolicyName="wspubsub")
    statements: dict[str, Any] = {
        each["Sid"]: each["Resource"]
        for each in literal_eval(policy["PolicyDocument"])["Statement"]
    }
    (api,) = boto3.client("apigatewayv2").get_apis()["Items"]
    table = boto3.client("dynamodb").describe_table(TableName=outputs["TableName"])

    start = f"arn:aws:execute-api:{REGION}:123456789012:{api['ApiId']}/prod"
    assert statements["Connections"] == [
        f"{start}/{verb}/@connections/*" for verb in ("POST", "GET", "DELETE")
    ]
    assert statements.keys() == {"Connections", "Table", "Send", "Logs"}
    assert statements["Table"] == [table["Table"]["TableArn"]]
    assert all("chat" in each for each in statements["Logs"])
