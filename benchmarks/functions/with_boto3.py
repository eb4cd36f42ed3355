"""The function of the tutorials: boto3 and an `if` for each route."""

import json
import os
import time
from typing import Any

import boto3

TABLE = os.environ["WSPUBSUB_TABLE"]
TTL_SECONDS = 2 * 60 * 60

dynamodb = boto3.client("dynamodb")
management = boto3.client(
    "apigatewaymanagementapi", endpoint_url=os.environ["WSPUBSUB_ENDPOINT"]
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - as Lambda calls it
    """Record the connection, or send a message back."""
    connection_id = event["requestContext"]["connectionId"]
    if event["requestContext"]["eventType"] == "CONNECT":
        record(connection_id)
    elif event["requestContext"]["eventType"] == "MESSAGE":
        data = json.dumps({"echo": event["body"]}).encode()
        management.post_to_connection(ConnectionId=connection_id, Data=data)
    return {"statusCode": 200}


def record(connection_id: str) -> None:
    """Put the item of a connection."""
    now = time.time()
    dynamodb.put_item(
        TableName=TABLE,
        Item={
            "pk": {"S": f"C#{connection_id}"},
            "sk": {"S": "#"},
            "connected_at": {"N": repr(now)},
            "expires_at": {"N": str(int(now) + TTL_SECONDS)},
        },
    )
