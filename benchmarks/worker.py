"""A process that posts with one peer, and measures itself.

python -m benchmarks.worker PEER
"""

import importlib
import sys
import time
from functools import cache

from benchmarks.processes import answer, requests


def main(peer: str) -> None:
    """Post what is asked for and answer how long it took this process."""
    open_peer = cache(importlib.import_module(f"benchmarks.peers.{peer}").open_peer)
    answer(ready=True)
    for request in requests():
        post = open_peer(request["endpoint"])
        connection_ids, data = request["connection_ids"], request["data"].encode()
        cpu, wall = time.process_time(), time.perf_counter()
        delivered = post(connection_ids, data)
        answer(
            delivered=delivered,
            cpu=time.process_time() - cpu,
            wall=time.perf_counter() - wall,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
