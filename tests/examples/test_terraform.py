"""The chat's Terraform module: what the provider takes, and what refers to what."""

import re
from pathlib import Path

import pytest

from tests.examples.readme import blocks
from tests.examples.terraform import Module, text
from tests.examples.terraform_references import reference_problems
from tests.support.servers.gateways import CHAT

FOLDER = CHAT.parent / "terraform"

pytestmark = pytest.mark.integration


def problems(module: Module) -> list[str]:
    return [*module.problems(), *reference_problems(module)]


def changed(folder: Path, right: str, wrong: str) -> Module:
    """Return the module with a change in it, which can be made in one file only."""
    files = 0
    for path in FOLDER.glob("*.tf"):
        content = path.read_text()
        files += right in content
        (folder / path.name).write_text(content.replace(right, wrong, 1))
    assert files == 1
    return Module(folder)


def test_the_provider_takes_it() -> None:
    module = Module(FOLDER)

    assert problems(module) == []
    assert len(module.blocks) > 20


BREAKS: list[tuple[str, str, str]] = [
    (
        "visibility_timeout_seconds",
        "visibility_timeout",
        "aws_sqs_queue.chat: there is no argument visibility_timeout",
    ),
    ("  hash_key  ", "  hash_keys ", "aws_dynamodb_table.chat: there is no argument"),
    (
        "  route_key          = each.value\n",
        "",
        "aws_apigatewayv2_route.chat: route_key is missing",
    ),
    (
        '    attribute_name = "expires_at"\n',
        '    attribute_names = "expires_at"\n',
        "aws_dynamodb_table.chat.ttl: there is no argument attribute_names",
    ),
    (
        '    name = "sk"\n',
        "",
        "aws_dynamodb_table.chat.attribute: name is missing",
    ),
    (
        "timeout_milliseconds = 29000",
        'timeout_milliseconds = "long"',
        "aws_apigatewayv2_integration.chat.timeout_milliseconds: '\"long\"' is not a "
        "number",
    ),
    (
        "auto_deploy = true",
        "auto_deploy = 1",
        "aws_apigatewayv2_stage.chat.auto_deploy: 1 is not a bool",
    ),
    (
        '["arm64"]\n  memory_size      = 1024\n  # API',
        '"arm64"\n  memory_size      = 1024\n  # API',
        "aws_lambda_function.chat.architectures: '\"arm64\"' is not a list",
    ),
    (
        "environment {\n    variables = {\n      WSPUBSUB",
        "environment = {\n    variables = {\n      WSPUBSUB",
        "aws_lambda_function.chat.environment: is an argument here",
    ),
    (
        "aws_lambda_function.chat.invoke_arn",
        "aws_lambda_function.chat.invocation_arn",
        "aws_apigatewayv2_integration.chat: aws_lambda_function.chat has no attribute "
        "invocation_arn",
    ),
    (
        "aws_sqs_queue.dead_letters.arn",
        "aws_sqs_queue.dead.arn",
        "aws_sqs_queue.chat: there is no aws_sqs_queue.dead",
    ),
    (
        "var.protect_table",
        "var.protect",
        "aws_dynamodb_table.chat: there is no var.protect",
    ),
    (
        "= local.websocket_url",
        "= local.web_socket_url",
        "output.websocket_url: there is no local.web_socket_url",
    ),
    (
        "data.aws_iam_policy_document.chat.json",
        "data.aws_iam_policy_document.chat.text",
        "aws_iam_role_policy.chat: data.aws_iam_policy_document.chat has no attribute "
        "text",
    ),
    (
        'resource "aws_lambda_permission" "api"',
        'resource "aws_lambda_permit" "api"',
        "aws_lambda_permit.api: the provider has no aws_lambda_permit",
    ),
    (
        "aws_apigatewayv2_authorizer.tokens[0].id : null",
        "aws_apigatewayv2_authorizer.tokens[0].ident : null",
        "aws_apigatewayv2_route.chat: aws_apigatewayv2_authorizer.tokens has no "
        "attribute ident",
    ),
    (
        "aws_apigatewayv2_api.chat.api_endpoint",
        "aws_apigatewayv2_stage.chat.invoke_url",
        "cycle: ",
    ),
    (
        "aws_apigatewayv2_authorizer.tokens[0].id : null",
        "aws_apigatewayv2_authorizer.tokens.id : null",
        "aws_apigatewayv2_route.chat: aws_apigatewayv2_authorizer.tokens needs an "
        "index",
    ),
    (
        "aws_sqs_queue.dead_letters.arn",
        "aws_sqs_queue.dead_letters[0].arn",
        "aws_sqs_queue.chat: aws_sqs_queue.dead_letters has no index",
    ),
    (
        "  for_each = toset(local.route_keys)\n",
        "",
        "aws_apigatewayv2_route.chat: each is of no for_each",
    ),
    (
        "deletion_protection_enabled = var.protect_table",
        "deletion_protection_enabled = true",
        "var.protect_table is not used",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "problem"), BREAKS)
def test_what_terraform_would_refuse_is_found(
    tmp_path: Path, right: str, wrong: str, problem: str
) -> None:
    module = changed(tmp_path, right, wrong)

    found = problems(module)

    assert any(problem in line for line in found), found


def test_nothing_of_the_authorizer_is_there_unless_it_is_asked_for() -> None:
    module = Module(FOLDER)

    counted = [each for each in module.blocks if "count" in each.body]

    assert module.locals["authorizers"] == "${var.tokens == null ? 0 : 1}"
    assert {each.body["count"] for each in counted} == {"${local.authorizers}"}
    assert {each.name for each in counted} == {"tokens", "authorizer"}
    assert module.variables["tokens"]["default"] is None


def test_a_route_lets_go_of_the_authorizer_before_it_is_deleted() -> None:
    module = Module(FOLDER)

    (lifecycle,) = module.block("aws_apigatewayv2_authorizer.tokens")["lifecycle"]

    assert lifecycle["create_before_destroy"] is True


def test_the_readme_packages_the_code_that_the_functions_have() -> None:
    module = Module(FOLDER)
    commands = "\n".join(
        each.commands for each in blocks((FOLDER / "README.md").read_text())
    )

    functions = [each for each in module.blocks if each.kind == "aws_lambda_function"]
    files = [text(each.body["filename"]) for each in functions]

    zipped = re.findall(r"zip -qr \.\./(\S+)", commands)
    assert sorted(files) == sorted(f"${{path.module}}/{name}" for name in zipped)
    for each, file in zip(functions, files, strict=True):
        assert each.body["source_code_hash"] == f'${{filebase64sha256("{file}")}}'
