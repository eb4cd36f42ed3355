"""The one SQS operation that the queue fan-out uses, without an AWS SDK.

Method name, keyword arguments, answers and errors are those of `boto3.client("sqs")`.
"""

import os
from collections.abc import Mapping
from typing import Any

from wspubsub.aws.json_api import JsonApi
from wspubsub.errors import UsageError

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


def sqs_endpoint(environment: Mapping[str, str], region: str) -> str:
    """Return the endpoint of SQS, by the same rules as boto3."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return (
        environment.get("AWS_ENDPOINT_URL_SQS")
        or environment.get("AWS_ENDPOINT_URL")
        or f"https://sqs.{region}.{suffix}"
    )


class SqsClient:
    """An SQS client; safe to use from several threads.

    Args:
        region: AWS Region; from `AWS_REGION` if None.

    Raises:
        UsageError: No Region is known.
    """

    def __init__(self, *, region: str | None = None) -> None:
        region = region or os.environ.get("AWS_REGION")
        region = region or os.environ.get("AWS_DEFAULT_REGION")
        if not region:
            raise UsageError("the AWS region is unknown; set AWS_REGION")
        self._api = JsonApi(
            "sqs",
            "AmazonSQS",
            region=region,
            endpoint_url=sqs_endpoint(os.environ, region),
            throttled=_THROTTLED,
        )

    def send_message_batch(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Send up to 10 messages; see `SendMessageBatch` in the API reference."""
        return self._api.call("SendMessageBatch", request)
