"""Clients of a user's own, typed in detail, given wherever the library takes one.

It is never run: `test_typed_clients.py` has type checkers look at it.
"""

from types_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
from types_boto3_dynamodb import DynamoDBClient
from types_boto3_sqs import SQSClient

from wspubsub.aws import ManagementApi, ManagementClient
from wspubsub.dynamodb import (
    DynamoDBClient as AnyDynamoDBClient,
    DynamoDBSubscriptionStore,
    DynamoDBTopicLog,
    create_table,
)
from wspubsub.fanout import QueueFanout


def give(
    dynamodb: DynamoDBClient, management: ApiGatewayManagementApiClient, sqs: SQSClient
) -> tuple[AnyDynamoDBClient, ManagementClient]:
    """Give each to all that takes one."""
    create_table("table", client=dynamodb)
    DynamoDBSubscriptionStore("table", client=dynamodb)
    DynamoDBTopicLog("table", client=dynamodb)
    ManagementApi("https://ws.example.com", client=management)
    QueueFanout("https://sqs.eu-west-1.amazonaws.com/1/q", client=sqs)
    return dynamodb, management


class Wrong:
    """It has none of the methods, so type checkers must not take it."""


DynamoDBSubscriptionStore("table", client=Wrong())  # type: ignore[arg-type] # they are to refuse it
