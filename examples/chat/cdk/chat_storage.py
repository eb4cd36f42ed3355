"""The chat's table, and the queues for work and for what could not be done."""

from typing import cast

from aws_cdk import Duration, RemovalPolicy, aws_dynamodb as dynamodb, aws_sqs as sqs
from chat_function import TIMEOUT_SECONDS
from constructs import Construct

TWO_WEEKS = Duration.days(14)


class ChatStorage(Construct):
    """Table and queues.

    Attributes:
        table: Subscriptions, connections and the topics' history.
        stream_arn: The table's stream.
        queue: Parts of large topics.
        stream_failures: Records of the table's stream that could not be handled.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.table = self._table()
        self.stream_arn = cast("str", self.table.table_stream_arn)  # it has one
        self.stream_failures = self._queue("StreamFailures", retention_period=TWO_WEEKS)
        dead_letters = self._queue("DeadLetters", retention_period=TWO_WEEKS)
        self.queue = self._queue(
            "Queue",
            visibility_timeout=Duration.seconds(6 * TIMEOUT_SECONDS),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=dead_letters, max_receive_count=5
            ),
        )

    def _table(self) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            "Table",
            partition_key=_key("pk"),
            sort_key=_key("sk"),
            time_to_live_attribute="expires_at",
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            # It has the topics' history.
            removal_policy=RemovalPolicy.RETAIN,
        )

    def _queue(
        self,
        construct_id: str,
        *,
        visibility_timeout: Duration | None = None,
        retention_period: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            visibility_timeout=visibility_timeout,
            retention_period=retention_period,
            dead_letter_queue=dead_letter_queue,
        )


def _key(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
