"""Powertools' event handler and boto3.

Powertools routes no WebSocket events, so they are dressed as what its resolver for
REST APIs knows, with the route key as the path.
"""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from benchmarks.functions.with_boto3 import management, record


def connect() -> dict[str, Any]:
    """Record the connection."""
    record(app.current_event["requestContext"]["connectionId"])
    return {}


def message() -> dict[str, Any]:
    """Send the message back."""
    connection_id = app.current_event["requestContext"]["connectionId"]
    management.post_to_connection(ConnectionId=connection_id, Data=b"{}")
    return {}


app: Any = APIGatewayRestResolver()
app.post("/connect")(connect)
app.post("/default")(message)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Route an event."""
    path = "/" + event["requestContext"]["routeKey"].removeprefix("$")
    dressed = {**event, "httpMethod": "POST", "path": path}
    return dict(app.resolve(dressed, context))
