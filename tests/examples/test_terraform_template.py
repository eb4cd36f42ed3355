"""The chat's Terraform module has what `wspubsub template` writes for the chat."""

from pathlib import Path

import pytest

from tests.examples.terraform import Module
from tests.examples.terraform_template import differences
from tests.examples.test_terraform import FOLDER, changed
from tests.support.infra_templates import Template
from tests.support.servers.gateways import CHAT
from wspubsub.deployment import read_application
from wspubsub.deployment.template.settings import TemplateSettings
from wspubsub.deployment.template.template import make_template

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def template() -> Template:
    settings = TemplateSettings(streams=True, queue=True, history=True)
    return make_template(read_application(f"{CHAT}:handler"), settings)


def test_it_has_all_that_the_template_has(template: Template) -> None:
    assert differences(Module(FOLDER), template) == []


BREAKS: list[tuple[str, str, str]] = [
    ('    "subscribe",\n', "", "local.route_keys: "),
    ('    "message",\n', '    "massage",\n', "local.route_keys: "),
    ('      "dynamodb:Query",\n', "", "Table.actions: "),
    (
        '["sqs:SendMessage"]\n    resources = [aws_sqs_queue.chat.arn]',
        '["sqs:*"]\n    resources = [aws_sqs_queue.chat.arn]',
        "Send.actions: ",
    ),
    ("[aws_sqs_queue.stream_failures.arn]", '["*"]', "Failures.resources: "),
    ("${local.stage}/DELETE/", "*/DELETE/", "Connections.resources: "),
    ('sid       = "Receive"', 'sid       = "Take"', "aws_iam_policy_document.chat: "),
    (
        '{\\"prefix\\":\\"L#\\"}',
        '{\\"prefix\\":\\"M#\\"}',
        "aws_lambda_event_source_mapping.stream.filter_criteria.filter.0.pattern: ",
    ),
    (
        '["lambda.amazonaws.com"]',
        '["events.amazonaws.com"]',
        "data.aws_iam_policy_document.lambda: ['sts:AssumeRole', 'events.",
    ),
    (
        "visibility_timeout_seconds = 174",
        "visibility_timeout_seconds = 30",
        "aws_sqs_queue.chat.visibility_timeout_seconds: 30, and in the template 174",
    ),
    (
        "maxReceiveCount     = 5",
        "maxReceiveCount     = 50",
        "aws_sqs_queue.chat.redrive_policy.maxReceiveCount: 50",
    ),
    (
        "= aws_sqs_queue.dead_letters.arn",
        "= aws_sqs_queue.stream_failures.arn",
        "aws_sqs_queue.chat.redrive_policy.deadLetterTargetArn: ",
    ),
    (
        "  batch_size              = 1\n",
        "",
        "aws_lambda_event_source_mapping.queue.batch_size: None",
    ),
    (
        "    maximum_concurrency = 5",
        "    maximum_concurrency = 50",
        "queue.scaling_config.maximum_concurrency: 50",
    ),
    (
        'attribute_name = "expires_at"',
        'attribute_name = "expires"',
        "aws_dynamodb_table.chat.ttl.attribute_name: 'expires'",
    ),
    (
        "  point_in_time_recovery {\n    enabled = true",
        "  point_in_time_recovery {\n    enabled = false",
        "aws_dynamodb_table.chat.point_in_time_recovery.enabled: False",
    ),
    (
        "  server_side_encryption {\n    enabled = true\n  }\n",
        "",
        "aws_dynamodb_table.chat.server_side_encryption.enabled: None",
    ),
    (
        "WSPUBSUB_QUEUE    = aws_sqs_queue.chat.url",
        "WSPUBSUB_QUEUE    = aws_sqs_queue.chat.arn",
        "aws_lambda_function.chat.environment.variables.WSPUBSUB_QUEUE: ",
    ),
    (
        '"wss://", "https://"',
        '"wss://", "http://"',
        "aws_lambda_function.chat.environment.variables.WSPUBSUB_ENDPOINT: ",
    ),
    (
        "throttling_rate_limit  = 1000",
        "throttling_rate_limit  = 10000",
        "stage.chat.default_route_settings.throttling_rate_limit: 10000",
    ),
    (
        "  default     = 30\n",
        "  default     = 0\n",
        "aws_cloudwatch_log_group.chat.retention_in_days: 0",
    ),
    ('output "callback_url"', 'output "callback"', "output.callback_url: None"),
    (
        "chat.execution_arn}/${local.stage}/*",
        "chat.execution_arn}/*",
        "aws_lambda_permission.api.source_arn: ",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "difference"), BREAKS)
def test_what_is_not_as_in_the_template_is_found(
    tmp_path: Path, template: Template, right: str, wrong: str, difference: str
) -> None:
    module = changed(tmp_path, right, wrong)

    found = differences(module, template)

    assert any(difference in line for line in found), found


def test_what_the_template_gets_has_to_come_into_the_module(
    template: Template,
) -> None:
    queue = template["Resources"]["Queue"]
    properties = {**queue["Properties"], "DelaySeconds": 5}
    resources = {**template["Resources"], "Queue": {**queue, "Properties": properties}}

    found = differences(Module(FOLDER), {**template, "Resources": resources})

    assert found == ["aws_sqs_queue.chat.delay_seconds: None, and in the template 5"]
