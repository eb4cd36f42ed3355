"""The templates of the chat say what the one says that is made from its router."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.infra_templates import Template, of_kind
from tests.support.linting import cfn_lint
from tests.support.servers.gateways import CHAT, run
from wspubsub.cli import main
from wspubsub.deployment.documents import read_template, to_yaml

SAM = CHAT.parent / "sam" / "template.yaml"
CLOUDFORMATION = CHAT.parent / "cloudformation" / "template.yaml"
SERVERLESS_ROLE = CHAT.parent / "serverless" / "resources" / "role.yml"
SERVERLESS_FUNCTION = SERVERLESS_ROLE.with_name("function.yml")
DURABLY = ("--streams", "--queue", "--history")

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def made() -> str:
    """What `wspubsub template` prints for the chat."""
    done = run("template", "app.py:handler", *DURABLY, cwd=CHAT.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read(path: Path) -> Template:
    """Return a template, with CloudFormation's short forms written out."""
    return read_template(path.read_text(), path.name)


def allowed(statements: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the actions that statements allow, by the kind of resource."""
    found: dict[str, set[str]] = {}
    for each in statements:
        resources = _as_list(each["Resource"])
        for resource in resources:
            name = json.dumps(resource, sort_keys=True)
            found.setdefault(name, set()).update(_as_list(each["Action"]))
    return found


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def role_statements(template: Template) -> list[dict[str, Any]]:
    """Return what the role of the function allows."""
    (role,) = of_kind(template, "AWS::IAM::Role").values()
    (policy,) = role["Policies"]
    return list(policy["PolicyDocument"]["Statement"])


def test_the_template_for_cloudformation_is_what_the_command_prints(made: str) -> None:
    assert CLOUDFORMATION.read_text() == made


@pytest.mark.parametrize("path", [SAM, CLOUDFORMATION], ids=["sam", "cloudformation"])
def test_a_template_fits_the_code(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["check", str(path), f"{CHAT}:handler", "--history"])

    assert (status, capsys.readouterr().out) == (0, "")


def test_the_sam_template_has_the_same_table_queues_and_outputs(made: str) -> None:
    sam, generated = read(SAM), read_template(made, "made")

    for kind in ("AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Logs::LogGroup"):
        assert of_kind(sam, kind) == of_kind(generated, kind)
    assert sam["Resources"]["Table"] == generated["Resources"]["Table"]
    for name in ("WebSocketUrl", "CallbackUrl", "TableName", "LogGroup"):
        assert sam["Outputs"][name]["Value"] == generated["Outputs"][name]["Value"]


def test_the_sam_function_may_do_what_the_generated_one_may_and_no_more(
    made: str,
) -> None:
    function = read(SAM)["Resources"]["Function"]["Properties"]
    (policy,) = function["Policies"]

    own = allowed(policy["Statement"])

    everything = allowed(role_statements(read_template(made, "made")))
    # SAM itself adds what reading stream and queue takes, and the log.
    added = {"dynamodb:ListStreams", "dynamodb:DescribeStream", "sqs:ReceiveMessage"}
    added |= {"dynamodb:GetRecords", "dynamodb:GetShardIterator"}
    added |= {"sqs:DeleteMessage", "sqs:GetQueueAttributes"}
    added |= {"logs:CreateLogStream", "logs:PutLogEvents"}
    rest = {name: actions - added for name, actions in everything.items()}
    assert own == {name: actions for name, actions in rest.items() if actions}


def test_the_serverless_role_may_do_what_the_generated_one_may_and_no_more(
    made: str,
) -> None:
    # The framework has names of its own for the API, the log group and the stage.
    text = SERVERLESS_ROLE.read_text()
    for theirs, ours in (
        ("WebsocketsApi", "Api"),
        ("ChatLogGroup", "FunctionLogs"),
        ("${sls:stage}", "prod"),
    ):
        text = text.replace(theirs, ours)
    role = read_template(text, SERVERLESS_ROLE.name)

    assert allowed(role_statements(role)) == allowed(
        role_statements(read_template(made, "made"))
    )


def test_what_the_event_sources_of_sam_do_is_what_the_generated_ones_do(
    made: str,
) -> None:
    events = read(SAM)["Resources"]["Function"]["Properties"]["Events"]
    generated = read_template(made, "made")["Resources"]

    for name, source in (("Stream", "Stream"), ("Queue", "Queue")):
        mapping = dict(generated[f"{name}Mapping"]["Properties"])
        del mapping["FunctionName"]
        mapping[source] = mapping.pop("EventSourceArn")
        assert events[name]["Properties"] == mapping


def test_every_function_may_send_to_the_queue_that_invokes_it(made: str) -> None:
    extended = yaml.safe_load(SERVERLESS_FUNCTION.read_text())["extensions"]

    loops = [
        read_template(made, "made")["Resources"]["Function"],
        read(SAM)["Resources"]["Function"],
        extended["ChatLambdaFunction"],
    ]

    assert [each["Properties"]["RecursiveLoop"] for each in loops] == ["Allow"] * 3


def test_cfn_lint_has_nothing_to_say(tmp_path: Path) -> None:
    # JSON and YAML are the same to it; the short forms of one are long in the other.
    long = tmp_path / "long.yaml"
    long.write_text(to_yaml(read(SAM)))

    done = cfn_lint("--regions", "eu-central-1", "--", SAM, CLOUDFORMATION, long)

    assert (done.returncode, done.stdout) == (0, "")
