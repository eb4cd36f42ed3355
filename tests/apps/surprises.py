"""A plain Lambda handler, and an authorizer, that do what they are asked for."""

import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

Event = dict[str, Any]


def handler(event: Event, _context: Any) -> Any:
    print("EVENT", json.dumps(event))
    kind = event["requestContext"]["eventType"]
    if kind == "CONNECT":
        return connect(event)
    if kind == "DISCONNECT":
        return {"statusCode": 200}
    return obey(json.loads(event["body"]))


def connect(event: Event) -> Any:
    query = event.get("queryStringParameters", {})
    if "post" in query:
        print("POSTED", post(event["requestContext"]["connectionId"]))
    return {"statusCode": int(query.get("status", 200)), "body": "because"}


def post(connection_id: str) -> int:
    endpoint = os.environ["WSPUBSUB_ENDPOINT"]
    request = urllib.request.Request(  # noqa: S310 - the gateway's own URL
        f"{endpoint}/@connections/{quote(connection_id, safe='')}",
        data=b"too early",
        headers={"Authorization": "AWS4-HMAC-SHA256 Credential=test"},
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def obey(order: Event) -> Any:
    if "wait" in order:
        while not Path(order["wait"]).exists():
            time.sleep(0.01)
    if "touch" in order:
        Path(order["touch"]).touch()
    if "raise" in order:
        raise ValueError(order["raise"])
    return order.get("return", {"statusCode": 200})


def authorize(event: Event, _context: Any) -> Any:
    if event["queryStringParameters"].get("as") == "status":
        return {"statusCode": 401}
    return {
        "principalId": "somebody",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": event["methodArn"],
                }
            ],
        },
        "context": {"level": 3, "ratio": 1.5, "is_admin": True, "name": "x"},
    }
