"""The one SQS operation that the queue fan-out uses, without an AWS SDK.

Method name, keyword arguments, answers and errors are those of `boto3.client("sqs")`.
"""

from collections.abc import Mapping
from typing import Any

from wspubsub.aws.json_api import JsonApi
from wspubsub.aws.signing import CredentialsSource, environment_credentials

# Errors then have the names that they had when SQS spoke XML, as boto3 knows them.
_QUERY_MODE = (("x-amzn-query-mode", "true"),)


class SqsClient:
    """An SQS client; safe to use from several threads.

    Args:
        region: AWS Region; from `AWS_REGION` if None.
        endpoint_url: Where SQS is; the environment's, or the Region's, if None.
        credentials: Where the credentials for each request come from.
        certificates: See `JsonApi`.

    Raises:
        UsageError: No Region is known.
    """

    def __init__(
        self,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        credentials: CredentialsSource = environment_credentials,
        certificates: Mapping[str, str] | None = None,
    ) -> None:
        self._api = JsonApi(
            "sqs",
            "AmazonSQS",
            headers=_QUERY_MODE,
            region=region,
            endpoint_url=endpoint_url,
            credentials=credentials,
            certificates=certificates,
        )

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """Send up to 10 messages; see `SendMessageBatch` in the API reference."""
        return self._api.call("SendMessageBatch", request)
