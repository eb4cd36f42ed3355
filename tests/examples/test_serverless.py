"""What the Serverless Framework and its fork make of the example."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.examples.serverless import packaged
from tests.support.infra_templates import of_kind
from tests.support.linting import cfn_lint
from tests.support.servers.gateways import CHAT
from wspubsub.cli import main

TOKENS = {
    "access": "tokens",
    "jwks_url": "https://id.example.com/jwks.json",
    "jwt_issuer": "https://id.example.com/",
    "jwt_audience": "chat",
}
IGNORED = "W3005"
"""The framework says DependsOn where a Ref says it already."""

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.mark.parametrize("tool", ["osls", "serverless"])
@pytest.mark.parametrize("parameters", [{}, TOKENS], ids=["open", "tokens"])
def test_what_it_makes_fits_the_code_and_has_no_faults(
    tool: str,
    parameters: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    template = packaged(tool, tmp_path / "chat", parameters)

    path = tmp_path / "template.json"
    path.write_text(json.dumps(template))
    status = main(["check", str(path), f"{CHAT}:handler", "--history"])
    options = ("--ignore-checks", IGNORED, "--regions", "eu-central-1")
    linted = cfn_lint(*options, "--", path)

    assert (status, capsys.readouterr().out) == (0, "")
    assert linted.stdout == ""
    assert guarded(template) == (["$connect"] if parameters else [])


def guarded(template: dict[str, Any]) -> list[str]:
    """Return the routes that an authorizer looks at."""
    routes = of_kind(template, "AWS::ApiGatewayV2::Route").values()
    return [each["RouteKey"] for each in routes if "AuthorizerId" in each]


def test_the_authorizer_is_told_what_to_check_and_may_do_nothing_else(
    tmp_path: Path,
) -> None:
    template = packaged("osls", tmp_path / "chat", TOKENS)

    function = template["Resources"]["AuthorizerLambdaFunction"]["Properties"]
    role = template["Resources"]["AuthorizerRole"]["Properties"]
    permission = template["Resources"]["AuthorizerLambdaPermissionWebsockets"]

    assert function["Handler"] == "authorizer.handler"
    assert function["Environment"]["Variables"] == {
        "JWKS_URL": TOKENS["jwks_url"],
        "JWT_ISSUER": TOKENS["jwt_issuer"],
        "JWT_AUDIENCE": "chat",
        "ALLOWED_ORIGINS": "",
    }
    (policy,) = role["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert "authorizers/*" in permission["Properties"]["SourceArn"]["Fn::Sub"]
