"""aiobotocore: botocore on asyncio and aiohttp."""

import asyncio
import atexit
from collections.abc import Iterator

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from benchmarks.peers import CONCURRENCY, Post


def open_peer(endpoint: str) -> Post:
    """Return what posts with aiobotocore in tasks of one event loop."""
    loop = asyncio.new_event_loop()
    context = get_session().create_client(
        "apigatewaymanagementapi",
        endpoint_url=endpoint,
        config=AioConfig(max_pool_connections=CONCURRENCY),
    )
    client = loop.run_until_complete(context.__aenter__())

    def close() -> None:
        loop.run_until_complete(context.__aexit__(None, None, None))
        loop.close()

    atexit.register(close)

    async def post_some(remaining: Iterator[str], data: bytes) -> int:
        delivered = 0
        for connection_id in remaining:
            try:
                await client.post_to_connection(ConnectionId=connection_id, Data=data)
            except client.exceptions.GoneException:
                continue
            delivered += 1
        return delivered

    async def post_all(connection_ids: list[str], data: bytes) -> int:
        remaining = iter(connection_ids)
        tasks = (post_some(remaining, data) for _ in range(CONCURRENCY))
        return sum(await asyncio.gather(*tasks))

    def post(connection_ids: list[str], data: bytes) -> int:
        return loop.run_until_complete(post_all(connection_ids, data))

    return post
