"""The chat's app of AWS CDK: what it writes is what `wspubsub template` would write."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples import cdk
from tests.support.infra_templates import Template, of_kind
from tests.support.linting import cfn_lint
from tests.support.servers.gateways import CHAT, run
from wspubsub.deployment import read_application
from wspubsub.deployment.template.settings import TemplateSettings
from wspubsub.deployment.template.template import make_template

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SAME_AS_REFERENCE = (
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::DynamoDB::Table",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::SQS::Queue",
)
NAMES = {"Name", "LogGroupName", "Code"}
"""Properties that differ: CDK knows the stack's name, and has the code itself."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cdk.packaged(tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="module")
def templates(folder: Path) -> dict[str, Path]:
    """The template for everybody, and the one for those who have a token."""
    contexts: dict[str, dict[str, str]] = {"open": {}, "tokens": cdk.TOKENS}
    return {
        name: cdk.template(folder, name, context) for name, context in contexts.items()
    }


@pytest.fixture(params=["open", "tokens"])
def path(request: pytest.FixtureRequest, templates: dict[str, Path]) -> Path:
    return templates[str(request.param)]


@pytest.fixture(scope="module")
def reference() -> Template:
    settings = TemplateSettings(streams=True, queue=True, history=True)
    return make_template(read_application(f"{CHAT}:handler"), settings)


def read(path: Path) -> Template:
    template: Template = json.loads(path.read_text())
    return template


def known(value: object) -> object:
    """Return a value without what only CloudFormation can know."""
    if isinstance(value, dict):
        return {
            key: known(each)
            for key, each in value.items()
            if key not in NAMES and not _is_intrinsic(each)
        }
    return [known(each) for each in value] if isinstance(value, list) else value


def _is_intrinsic(value: object) -> bool:
    return isinstance(value, dict) and any(
        key == "Ref" or key.startswith("Fn::") for key in value
    )


def statements_of(template: Template, handler: str) -> list[Template]:
    """Return what the role of a function allows."""
    (function,) = (
        each
        for each in of_kind(template, "AWS::Lambda::Function").values()
        if each["Handler"] == handler
    )
    role = {"Ref": function["Role"]["Fn::GetAtt"][0]}
    return [
        statement
        for policy in of_kind(template, "AWS::IAM::Policy").values()
        if role in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def actions_of(statement: Template) -> list[str]:
    actions = statement["Action"]
    return actions if isinstance(actions, list) else [actions]


def test_a_check_finds_nothing(path: Path) -> None:
    done = run("check", str(path), f"{CHAT}:handler", "--history")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_cfn_lint_finds_nothing(path: Path) -> None:
    # CDK lets a function depend on its role, though it names it as well.
    waived = ["--ignore-checks", "W3005"]

    done = cfn_lint(*waived, "--", path)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_routes_are_those_of_the_router(path: Path, reference: Template) -> None:
    routes = of_kind(read(path), "AWS::ApiGatewayV2::Route").values()

    keys = sorted(each["RouteKey"] for each in routes)

    wanted = of_kind(reference, "AWS::ApiGatewayV2::Route").values()
    assert keys == sorted(each["RouteKey"] for each in wanted)


def test_the_chat_may_do_what_it_may_in_the_librarys_template(
    path: Path, reference: Template
) -> None:
    made = read(path)

    statements = statements_of(made, "app.handler")

    (policy,) = of_kind(reference, "AWS::IAM::Role")["FunctionRole"]["Policies"]
    wanted = policy["PolicyDocument"]["Statement"]
    assert [(each.get("Sid"), actions_of(each)) for each in statements] == [
        (each["Sid"], each["Action"]) for each in wanted
    ]
    for role in of_kind(made, "AWS::IAM::Role").values():
        assert role.keys() == {"AssumeRolePolicyDocument"}


@pytest.mark.parametrize("kind", SAME_AS_REFERENCE)
def test_everything_is_set_as_in_the_librarys_template(
    kind: str, templates: dict[str, Path], reference: Template
) -> None:
    made = read(templates["open"])

    found = [known(each) for each in of_kind(made, kind).values()]

    wanted = [known(each) for each in of_kind(reference, kind).values()]
    assert wanted
    assert sorted(map(_text, found)) == sorted(map(_text, wanted))


def test_the_outputs_are_those_of_the_librarys_template(
    path: Path, reference: Template
) -> None:
    outputs = read(path)["Outputs"]

    assert outputs.keys() == reference["Outputs"].keys()


def test_the_table_outlives_the_stack(path: Path) -> None:
    resources = read(path)["Resources"].values()

    (table,) = (each for each in resources if each["Type"] == "AWS::DynamoDB::Table")

    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"


def test_everybody_may_connect_unless_tokens_are_asked_for(
    templates: dict[str, Path],
) -> None:
    made = read(templates["open"])

    routes = of_kind(made, "AWS::ApiGatewayV2::Route").values()

    assert {each["AuthorizationType"] for each in routes} == {"NONE"}
    assert not of_kind(made, "AWS::ApiGatewayV2::Authorizer")


def test_tokens_are_checked_before_a_connection_is_made(
    templates: dict[str, Path],
) -> None:
    made = read(templates["tokens"])

    ((name, authorizer),) = of_kind(made, "AWS::ApiGatewayV2::Authorizer").items()

    assert authorizer["AuthorizerType"] == "REQUEST"
    assert authorizer["IdentitySource"] == ["route.request.querystring.token"]
    for route in of_kind(made, "AWS::ApiGatewayV2::Route").values():
        is_connect = route["RouteKey"] == "$connect"
        assert (route.get("AuthorizerId") == {"Ref": name}) is is_connect


def test_the_authorizer_has_its_settings_and_may_only_write_its_log(
    templates: dict[str, Path],
) -> None:
    made = read(templates["tokens"])

    (statement,) = statements_of(made, "authorizer.handler")

    assert actions_of(statement) == ["logs:CreateLogStream", "logs:PutLogEvents"]
    (variables,) = (
        each["Environment"]["Variables"]
        for each in of_kind(made, "AWS::Lambda::Function").values()
        if each["Handler"] == "authorizer.handler"
    )
    assert variables == {name.upper(): value for name, value in cdk.TOKENS.items()}


@pytest.mark.parametrize("missing", ["jwks_url", "jwt_issuer", "jwt_audience"])
def test_an_authorizer_that_could_not_decide_is_refused(
    missing: str, folder: Path
) -> None:
    context = {name: value for name, value in cdk.TOKENS.items() if name != missing}

    done = cdk.synthesized(folder, f"without-{missing}", context)

    assert done.returncode == 1
    assert f"tokens need {missing} as well" in done.stderr


def test_the_code_is_deployed_without_what_python_has_made_of_it(
    templates: dict[str, Path],
) -> None:
    output = templates["open"].parent

    (asset,) = output.glob("asset.*")

    assert (asset / "app.py").read_text() == CHAT.read_text()
    assert (asset / "wspubsub" / "router.py").is_file()
    assert not list(asset.rglob("__pycache__"))


def test_its_types_are_right(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "main.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)
