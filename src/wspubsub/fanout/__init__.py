"""Distributed fan-out: DynamoDB Streams and SQS carry what one function cannot.

The publisher hands a message over durably, and Lambda functions that are invoked by
the table's stream or by a queue post it.
"""

from wspubsub.eventsources.event_sources import EventSources
from wspubsub.fanout.queue import QueueError
from wspubsub.fanout.queue_fanout import QueueFanout
from wspubsub.eventsources.queue_handler import QueueHandler, UndeliveredError
from wspubsub.eventsources.ready import FirstMessage
from wspubsub.fanout.stream_fanout import StreamFanout
from wspubsub.eventsources.stream_handler import IncompleteError, StreamHandler
from wspubsub.fanout.work import WorkError

__all__ = [
    "EventSources",
    "FirstMessage",
    "IncompleteError",
    "QueueError",
    "QueueFanout",
    "QueueHandler",
    "StreamFanout",
    "StreamHandler",
    "UndeliveredError",
    "WorkError",
]
