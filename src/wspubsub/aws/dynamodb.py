"""The few DynamoDB operations that the store and the log use, without an AWS SDK.

Method names, keyword arguments, answers and errors are those of
`boto3.client("dynamodb")`, so either can be used where the other is. Attributes are in
DynamoDB's own JSON form, binary ones as `bytes`; binary sets are not supported.
"""

from collections.abc import Mapping
from typing import Any

from wspubsub.aws.choice import READ_SECONDS
from wspubsub.aws.json_api import JsonApi
from wspubsub.aws.signing import CredentialsSource, environment_credentials


class EngineDynamoDBClient:
    """A DynamoDB client; safe to use from several threads.

    Args:
        region: AWS region; from `AWS_REGION` if None.
        endpoint_url: Where DynamoDB is; the environment's, or the region's, if None.
        credentials: Where the credentials for each request come from.
        certificates: See `JsonApi`.
        read_seconds: Longest time for an answer.

    Raises:
        UsageError: No region is known.
    """

    def __init__(
        self,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        credentials: CredentialsSource = environment_credentials,
        certificates: Mapping[str, str] | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._api = JsonApi(
            "dynamodb",
            "DynamoDB_20120810",
            region=region,
            endpoint_url=endpoint_url,
            credentials=credentials,
            certificates=certificates,
            read_seconds=read_seconds,
        )

    def put_item(self, **request: Any) -> dict[str, Any]:
        """Put an item; see `PutItem` in the API reference of DynamoDB."""
        return self._api.call("PutItem", request)

    def get_item(self, **request: Any) -> dict[str, Any]:
        """Get an item; see `GetItem` in the API reference of DynamoDB."""
        return self._api.call("GetItem", request)

    def delete_item(self, **request: Any) -> dict[str, Any]:
        """Delete an item; see `DeleteItem` in the API reference of DynamoDB."""
        return self._api.call("DeleteItem", request)

    def update_item(self, **request: Any) -> dict[str, Any]:
        """Change an item's attributes; see `UpdateItem` in the API reference."""
        return self._api.call("UpdateItem", request)

    def query(self, **request: Any) -> dict[str, Any]:
        """Read a page of items; see `Query` in the API reference of DynamoDB."""
        return self._api.call("Query", request)

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        """Put and delete up to 25 items; see `BatchWriteItem` in the API reference."""
        return self._api.call("BatchWriteItem", request)

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        """Write all items or none; see `TransactWriteItems` in the API reference."""
        return self._api.call("TransactWriteItems", request)
