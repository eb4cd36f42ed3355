"""The one SQS operation that the queue fan-out uses, without an AWS SDK.

Method name, keyword arguments, answers and errors are those of `boto3.client("sqs")`.
"""

from typing import Any

from wspubsub.aws.json_api import JsonApi

# Errors then have the names that they had when SQS spoke XML, as boto3 knows them.
_QUERY_MODE = (("x-amzn-query-mode", "true"),)


class SqsClient:
    """An SQS client; safe to use from several threads.

    Args:
        region: AWS Region; from `AWS_REGION` if None.

    Raises:
        UsageError: No Region is known.
    """

    def __init__(self, *, region: str | None = None) -> None:
        self._api = JsonApi("sqs", "AmazonSQS", headers=_QUERY_MODE, region=region)

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """Send up to 10 messages; see `SendMessageBatch` in the API reference."""
        return self._api.call("SendMessageBatch", request)
