"""IAM statements: what a function may do, and nothing else.

"Use IAM authorization" (WebSocket APIs) names the Management API's ARNs; "Actions,
resources, and condition keys for Amazon DynamoDB" the table's.
"""

from typing import Any

from wspubsub.infra.intrinsics import attribute, execute_api_arn, sub
from wspubsub.infra.settings import TemplateSettings

VERBS = ("POST", "GET", "DELETE")
"""How a connection is posted to, asked about and closed."""

MANAGE_CONNECTIONS = "execute-api:ManageConnections"
STORE_ACTIONS = (
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:DeleteItem",
    "dynamodb:Query",
    "dynamodb:BatchWriteItem",
)
# TransactWriteItems is allowed by the actions of its items, and this one.
HISTORY_ACTIONS = ("dynamodb:ConditionCheckItem",)
STREAM_ACTIONS = (
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
)
LIST_STREAMS = "dynamodb:ListStreams"
SEND_MESSAGE = "sqs:SendMessage"
CONSUMER_ACTIONS = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
)

Statement = dict[str, Any]


def application_statements(settings: TemplateSettings) -> list[Statement]:
    """Return what every function of the application may do."""
    actions = [*STORE_ACTIONS, *(HISTORY_ACTIONS if settings.history else ())]
    statements = [
        allow(
            "Connections",
            [MANAGE_CONNECTIONS],
            [
                execute_api_arn(f"{settings.stage}/{verb}/@connections/*")
                for verb in VERBS
            ],
        ),
        allow("Table", actions, [attribute("Table", "Arn")]),
    ]
    if settings.queue:
        statements.append(allow("Send", [SEND_MESSAGE], [attribute("Queue", "Arn")]))
    return statements


def record_statements(settings: TemplateSettings) -> list[Statement]:
    """Return what Lambda needs to read streams and queues for a function."""
    statements = []
    if settings.streams:
        statements += [
            allow("Stream", [*STREAM_ACTIONS], [attribute("Table", "StreamArn")]),
            allow("Streams", [LIST_STREAMS], [sub("${Table.Arn}/stream/*")]),
            allow("Failures", [SEND_MESSAGE], [attribute("StreamFailures", "Arn")]),
        ]
    if settings.queue:
        statements.append(
            allow("Receive", [*CONSUMER_ACTIONS], [attribute("Queue", "Arn")])
        )
    return statements


def log_statement(log_group: str) -> Statement:
    """Return what a function needs to write its own log."""
    return allow(
        "Logs",
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        [attribute(log_group, "Arn")],
    )


def allow(sid: str, actions: list[str], resources: list[Any]) -> Statement:
    """Return a statement that allows actions on resources."""
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
