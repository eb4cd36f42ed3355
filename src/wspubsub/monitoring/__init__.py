"""Metrics and logs of what a function does, for CloudWatch.

In go invocations, and posts through a `Connections`; out come lines on standard output.
It is imported only where it is used. Begin with `metrics.py`.
"""

from wspubsub.monitoring.json_logs import JsonLogs
from wspubsub.monitoring.metrics import Metrics

__all__ = ["JsonLogs", "Metrics"]
