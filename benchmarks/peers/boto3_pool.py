"""boto3 in a pool of threads: what those do for whom the loop is too slow."""

from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

from benchmarks.peers import CONCURRENCY, Post


def open_peer(endpoint: str) -> Post:
    """Return what posts with boto3 in threads, a connection kept for each of them."""
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=endpoint,
        config=Config(max_pool_connections=CONCURRENCY),
    )
    pool = ThreadPoolExecutor(CONCURRENCY)

    def post(connection_ids: list[str], data: bytes) -> int:
        def post_one(connection_id: str) -> bool:
            try:
                client.post_to_connection(ConnectionId=connection_id, Data=data)
            except client.exceptions.GoneException:
                return False
            return True

        return sum(pool.map(post_one, connection_ids))

    return post
