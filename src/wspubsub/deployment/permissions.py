"""IAM statements: what a function may do, and nothing else.

"Use IAM authorization" (WebSocket APIs) names the Management API's ARNs; "Actions,
resources, and condition keys for Amazon DynamoDB" the table's.
"""

from dataclasses import dataclass
from typing import Any

VERBS = ("POST", "GET", "DELETE")
"""How a connection is posted to, asked about and closed."""

GATEWAY = "apigateway.amazonaws.com"
"""API Gateway, as the policy of a function that it invokes names it."""

MANAGE_CONNECTIONS = "execute-api:ManageConnections"
STORE_ACTIONS = (
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:DeleteItem",
    "dynamodb:Query",
    "dynamodb:BatchWriteItem",
)
PUBLISHER_ACTIONS = (
    "dynamodb:Query",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
)
"""What reads the subscribers of a topic, and forgets those that are gone."""

# TransactWriteItems is allowed by the actions of its items. The first message of an
# epoch is written on condition that the last one of the epoch before still stands.
HISTORY_ACTIONS = ("dynamodb:ConditionCheckItem",)
# A member is updated only while it is there: marked as having missed a message, or as
# having left.
MEMBERS_ACTIONS = ("dynamodb:UpdateItem",)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Arns:
    """The ARNs of what a function works with.

    Text that only stands for an ARN is as good: a token of AWS CDK, or `${Table.Arn}`.

    Attributes:
        stage: The API's stage, `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE`.
        table: The table.
        log_group: Where the function writes its log.
        queue: The queue for large topics.
        stream: The table's stream, for a function that is invoked for its records.
        stream_failures: The queue for records that could not be handled.
    """

    stage: str
    table: str
    log_group: str
    queue: str | None = None
    stream: str | None = None
    stream_failures: str | None = None


def permissions(
    arns: Arns, *, history: bool = False, members: bool = False, records: bool = True
) -> list[Statement]:
    """Return a function's IAM statements: exactly what the library needs.

    For a function that only publishes, see `publisher_permissions`.

    Args:
        arns: What it works with.
        history: Whether topics have a log; with a stream they do.
        members: Whether there is a `PubSub`, which keeps who is in its topics.
        records: Whether it is invoked for the records of the stream and the queue, as
            far as it has them.
    """
    is_logged = history or arns.stream is not None
    statements = [
        log_statement(arns.log_group),
        *_own_statements(arns, table_actions(history=is_logged, members=members)),
    ]
    return statements + _record_statements(arns) if records else statements


def publisher_permissions(
    arns: Arns, *, history: bool = False, members: bool = False
) -> list[Statement]:
    """Return the IAM statements of a function that publishes and does nothing else.

    With a log it needs what the application does, and with a `PubSub` it is one.

    Args:
        arns: What it works with.
        history: Whether topics have a log; with a stream they do.
        members: Whether there is a `PubSub`, which keeps who is in its topics.
    """
    if history or members or arns.stream is not None:
        return permissions(arns, history=history, members=members, records=False)
    own = _own_statements(arns, [*PUBLISHER_ACTIONS], verbs=("POST",))
    return [log_statement(arns.log_group), *own]


def table_actions(*, history: bool, members: bool) -> list[str]:
    """Return what a function does with the table."""
    return [
        *STORE_ACTIONS,
        *(HISTORY_ACTIONS if history else ()),
        *(MEMBERS_ACTIONS if members else ()),
    ]


def _own_statements(
    arns: Arns, actions: list[str], *, verbs: tuple[str, ...] = VERBS
) -> list[Statement]:
    statements = [
        allow(
            "Connections",
            [MANAGE_CONNECTIONS],
            [f"{arns.stage}/{verb}/@connections/*" for verb in verbs],
        ),
        allow("Table", actions, [arns.table]),
    ]
    if arns.queue is not None:
        statements.append(allow("Send", [SEND_MESSAGE], [arns.queue]))
    return statements


def _record_statements(arns: Arns) -> list[Statement]:
    statements = []
    if arns.stream is not None:
        statements += [
            allow("Stream", [*STREAM_ACTIONS], [arns.stream]),
            allow("Streams", [LIST_STREAMS], [f"{arns.table}/stream/*"]),
        ]
    if arns.stream_failures is not None:
        statements.append(allow("Failures", [SEND_MESSAGE], [arns.stream_failures]))
    if arns.queue is not None:
        statements.append(allow("Receive", [*CONSUMER_ACTIONS], [arns.queue]))
    return statements


def log_statement(log_group: str) -> Statement:
    """Return what a function needs to write its own log."""
    return allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [log_group])


def allow(sid: str, actions: list[str], resources: list[str]) -> Statement:
    """Return a statement that allows actions on resources."""
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
