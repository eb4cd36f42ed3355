"""A chat as AWS's own tutorials write it, with boto3 and nothing else."""

import json
import os
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key

table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    request = event["requestContext"]
    me = {"pk": "everybody", "sk": request["connectionId"]}
    if request["routeKey"] == "$connect":
        table.put_item(Item=me)
    elif request["routeKey"] == "$disconnect":
        table.delete_item(Key=me)
    else:
        send_to_all(management_api(event), event["body"])
    return {"statusCode": 200}


def management_api(event: dict[str, Any]) -> Any:
    if json.loads(event["body"]).get("endpoint") == "from the environment":
        return boto3.client("apigatewaymanagementapi")
    request = event["requestContext"]
    endpoint = f"https://{request['domainName']}/{request['stage']}"
    return boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)


def send_to_all(api: Any, text: str) -> None:
    found = table.query(KeyConditionExpression=Key("pk").eq("everybody"))
    for item in found["Items"]:
        try:
            api.post_to_connection(ConnectionId=item["sk"], Data=text.encode())
        except api.exceptions.GoneException:
            table.delete_item(Key=item)


def authorize(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    token = event["queryStringParameters"]["token"]
    if token == "nobody":
        raise Exception("Unauthorized")  # noqa: TRY002 - Lambda wants this very one
    if token == "malformed":
        return {"statusCode": 401}
    effect = "Allow" if token == "friend" else "Deny"
    return {
        "principalId": token,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": effect,
                    "Resource": event["methodArn"],
                }
            ],
        },
        "context": {"level": 3, "is_admin": True},
    }
