"""The chat's Terraform module: what the provider takes, and what the template says."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.terraform import Module, text
from tests.infra_templates import Template, of_kind, statements
from tests.servers.gateways import CHAT
from wspubsub.deployment import STREAM_FILTERS, Application, read_application
from wspubsub.infra.settings import TemplateSettings
from wspubsub.infra.template import make_template

FOLDER = CHAT.parent / "terraform"

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def module() -> Module:
    return Module(FOLDER)


@pytest.fixture(scope="module")
def chat() -> Application:
    return read_application(f"{CHAT}:handler")


@pytest.fixture(scope="module")
def reference(chat: Application) -> Template:
    settings = TemplateSettings(streams=True, queue=True, history=True)
    return make_template(chat, settings)


def policy(module: Module) -> dict[str, dict[str, Any]]:
    """Return the statements of the function's role by their names."""
    found = module.block("data.aws_iam_policy_document.chat")["statement"]
    return {text(each["sid"]): each for each in found}


def test_the_provider_takes_it(module: Module) -> None:
    assert module.problems() == []
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
        '"wss://${local.host}',
        '"wss://${local.hostname}',
        "output.websocket_url: there is no local.hostname",
    ),
    (
        "data.aws_partition.current.dns_suffix",
        "data.aws_partition.current.suffix",
        "locals: data.aws_partition.current has no attribute suffix",
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
]


@pytest.mark.parametrize(("right", "wrong", "problem"), BREAKS)
def test_what_the_provider_would_refuse_is_found(
    tmp_path: Path, right: str, wrong: str, problem: str
) -> None:
    changed = 0
    for path in FOLDER.glob("*.tf"):
        content = path.read_text()
        changed += right in content
        (tmp_path / path.name).write_text(content.replace(right, wrong, 1))

    problems = Module(tmp_path).problems()

    assert changed == 1
    assert any(problem in line for line in problems), problems


def test_its_routes_are_those_of_the_router(module: Module, chat: Application) -> None:
    assert [text(key) for key in module.locals["route_keys"]] == chat.all_keys
    route = module.block("aws_apigatewayv2_route.chat")
    assert route["for_each"] == "${toset(local.route_keys)}"
    api = module.block("aws_apigatewayv2_api.chat")
    expression = chat.route_selection_expression
    assert text(api["route_selection_expression"]) == expression


def test_the_role_allows_what_the_template_does_and_no_more(
    module: Module, reference: Template
) -> None:
    own, template = policy(module), statements(reference)

    assert own.keys() == template.keys()
    for name, statement in template.items():
        actions = {text(each) for each in own[name]["actions"]}
        assert actions == set(statement["Action"]), name
        assert len(own[name]["resources"]) == len(statement["Resource"]), name
        assert not {'"*"'} & set(own[name]["resources"]), name


def test_the_function_finds_the_same_environment(
    module: Module, reference: Template
) -> None:
    (function,) = of_kind(reference, "AWS::Lambda::Function").values()
    (environment,) = module.block("aws_lambda_function.chat")["environment"]

    assert (
        environment["variables"].keys() == function["Environment"]["Variables"].keys()
    )


def test_sizes_and_times_are_those_of_the_template(
    module: Module, reference: Template
) -> None:
    template = reference["Resources"]
    function, queue = (
        template["Function"]["Properties"],
        template["Queue"]["Properties"],
    )
    (stage,) = of_kind(reference, "AWS::ApiGatewayV2::Stage").values()
    own = module.block("aws_lambda_function.chat")
    (throttling,) = module.block("aws_apigatewayv2_stage.chat")[
        "default_route_settings"
    ]

    for name, property_name in (
        ("memory_size", "MemorySize"),
        ("timeout", "Timeout"),
        ("handler", "Handler"),
        ("runtime", "Runtime"),
    ):
        value = own[name]
        value = text(value) if isinstance(value, str) else value
        assert value == function[property_name]
    assert (
        module.block("aws_sqs_queue.chat")["visibility_timeout_seconds"]
        == queue["VisibilityTimeout"]
    )
    settings = stage["DefaultRouteSettings"]
    assert throttling["throttling_rate_limit"] == settings["ThrottlingRateLimit"]
    assert throttling["throttling_burst_limit"] == settings["ThrottlingBurstLimit"]


def test_the_stream_is_filtered_and_read_as_in_the_template(
    module: Module, reference: Template
) -> None:
    own = module.block("aws_lambda_event_source_mapping.stream")
    template = reference["Resources"]["StreamMapping"]["Properties"]

    (criteria,) = own["filter_criteria"]
    patterns = [json.loads(text(each["pattern"])) for each in criteria["filter"]]

    assert patterns == list(STREAM_FILTERS)
    for name, property_name in (
        ("batch_size", "BatchSize"),
        ("bisect_batch_on_function_error", "BisectBatchOnFunctionError"),
        ("maximum_retry_attempts", "MaximumRetryAttempts"),
        ("maximum_record_age_in_seconds", "MaximumRecordAgeInSeconds"),
    ):
        assert own[name] == template[property_name]
    for mapping in ("stream", "queue"):
        block = module.block(f"aws_lambda_event_source_mapping.{mapping}")
        assert block["function_response_types"] == ['"ReportBatchItemFailures"']


def test_nothing_of_the_authorizer_is_there_unless_it_is_asked_for(
    module: Module,
) -> None:
    counted = [each for each in module.blocks if "count" in each.body]

    assert module.locals["authorizers"] == "${var.tokens == null ? 0 : 1}"
    assert {each.body["count"] for each in counted} == {"${local.authorizers}"}
    assert {each.name for each in counted} == {"tokens", "authorizer"}
    assert module.variables["tokens"]["default"] is None
