"""The loop that every tutorial shows: page through the table, post one by one."""

import boto3

from benchmarks.publishers import Publish


def open_publisher(table: str, endpoint: str) -> Publish:
    """Return what publishes with boto3."""
    dynamodb = boto3.client("dynamodb")
    management = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)

    def publish(topic: str, data: bytes) -> int:
        delivered = 0
        pages = dynamodb.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"T#0#{topic}"}},
        )
        for page in pages:
            for item in page["Items"]:
                try:
                    management.post_to_connection(
                        ConnectionId=item["sk"]["S"], Data=data
                    )
                except management.exceptions.GoneException:
                    key = {"pk": item["pk"], "sk": item["sk"]}
                    dynamodb.delete_item(TableName=table, Key=key)
                else:
                    delivered += 1
        return delivered

    return publish
