"""boto3, one post after the other: what every tutorial shows."""

import boto3

from benchmarks.peers import Post


def open_peer(endpoint: str) -> Post:
    """Return what posts with boto3 one by one."""
    client = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)

    def post(connection_ids: list[str], data: bytes) -> int:
        delivered = 0
        for connection_id in connection_ids:
            try:
                client.post_to_connection(ConnectionId=connection_id, Data=data)
            except client.exceptions.GoneException:
                continue
            delivered += 1
        return delivered

    return post
