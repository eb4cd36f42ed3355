"""The one SQS operation that the queue fan-out uses, without an AWS SDK.

Method name, keyword arguments, answers and errors are those of `boto3.client("sqs")`.
"""

from typing import Any

from wspubsub.aws.json_api import JsonApi

# What botocore's standard retry mode takes for throttling, as far as SQS says it.
_THROTTLED = frozenset(
    {
        "KmsThrottled",
        "OverLimit",
        "RequestThrottled",
        "Throttling",
        "ThrottlingException",
    }
)


class SqsClient:
    """An SQS client; safe to use from several threads.

    Args:
        region: AWS Region; from `AWS_REGION` if None.

    Raises:
        UsageError: No Region is known.
    """

    def __init__(self, *, region: str | None = None) -> None:
        self._api = JsonApi("sqs", "AmazonSQS", throttled=_THROTTLED, region=region)

    def send_message_batch(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Send up to 10 messages; see `SendMessageBatch` in the API reference."""
        return self._api.call("SendMessageBatch", request)
