"""The Lambda handlers for the records of a table's stream and of a queue.

In come batches of records as an event source mapping delivers them, out go the messages
to their subscribers, and the names of the records to deliver again. `StreamHandler`
carries messages from the topic log and greets new connections, `QueueHandler` splits
large topics and posts their parts, and `EventSources` makes one function of them and
the router. Begin with `stream_handler`.
"""

from wspubsub.eventsources.event_sources import EventSources
from wspubsub.eventsources.queue_handler import QueueHandler, UndeliveredError
from wspubsub.eventsources.ready import FirstMessage
from wspubsub.eventsources.stream_handler import IncompleteError, StreamHandler

__all__ = [
    "EventSources",
    "FirstMessage",
    "IncompleteError",
    "QueueHandler",
    "StreamHandler",
    "UndeliveredError",
]
