"""A process that publishes, and measures itself.

python -m benchmarks.publish_worker PUBLISHER TABLE ENDPOINT
"""

import importlib
import resource
import sys
import time
from pathlib import Path

from benchmarks.processes import answer, requests


def main(publisher: str, table: str, endpoint: str) -> None:
    """Publish what is asked for and answer what it took this process."""
    module = importlib.import_module(f"benchmarks.publishers.{publisher}")
    publish = module.open_publisher(table, endpoint)
    answer(ready=True)
    for request in requests():
        topic, data = request["topic"], request["data"].encode()
        cpu, wall = time.process_time(), time.perf_counter()
        delivered = publish(topic, data)
        answer(
            delivered=delivered,
            cpu=time.process_time() - cpu,
            wall=time.perf_counter() - wall,
            peak_kib=peak_kib(),
        )


def peak_kib() -> int:
    """Return how much memory this process has had at most, in KiB."""
    # On Linux `ru_maxrss` begins with the peak of the process that started this one.
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = next(line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
