"""The floor: the engine's own loop with requests that nobody signed."""

import os
import time
from urllib.parse import quote

from benchmarks.peers import Post
from wspubsub.engine.channel import Endpoint
from wspubsub.engine.exchange import Verdict
from wspubsub.engine.multiplexer import Multiplexer
from wspubsub.engine.pool import ChannelPool
from wspubsub.engine.response import HttpResponse
from wspubsub.engine.tls import trust_of
from wspubsub.engine.urls import split_url

_SECONDS = 600.0
_OK = 200


def open_peer(endpoint: str) -> Post:
    """Return what posts with the loop that `ManagementApi` has, but does not sign."""
    url = split_url(endpoint)
    address = Endpoint(url.host, url.port, trust_of(url, os.environ))
    engine = Multiplexer(ChannelPool(address))
    before_id = f"POST {url.path}/@connections/".encode()

    def post(connection_ids: list[str], data: bytes) -> int:
        after_id = (
            f" HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-length: {len(data)}\r\n\r\n"
        ).encode() + data

        def build(connection_id: str) -> bytes:
            return before_id + quote(connection_id, safe="").encode() + after_id

        results = engine.run(
            connection_ids,
            build=build,
            judge=_judge,
            deadline=time.monotonic() + _SECONDS,
        )
        return sum(
            each.response is not None and each.response.status == _OK
            for each in results
        )

    return post


def _judge(_: HttpResponse) -> Verdict:
    return Verdict.FINAL
