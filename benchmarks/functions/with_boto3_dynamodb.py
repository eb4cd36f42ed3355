"""A function for `$connect` alone: boto3 with nothing but a DynamoDB client."""

import os
import time
from typing import Any

import boto3

TABLE = os.environ["WSPUBSUB_TABLE"]
TTL_SECONDS = 2 * 60 * 60

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - as Lambda calls it
    """Record the connection."""
    now = time.time()
    dynamodb.put_item(
        TableName=TABLE,
        Item={
            "pk": {"S": f"C#{event['requestContext']['connectionId']}"},
            "sk": {"S": "#"},
            "connected_at": {"N": repr(now)},
            "expires_at": {"N": str(int(now) + TTL_SECONDS)},
        },
    )
    return {"statusCode": 200}
