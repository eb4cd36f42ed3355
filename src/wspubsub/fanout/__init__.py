"""How a publish continues beyond the call that publishes.

`StreamFanout` leaves a message to the table's stream, `QueueFanout` hands the
subscribers of a large topic to an SQS queue in parts. In comes an `Outgoing` message
with its `Delivery`, out goes a `PublishReport`. Begin with `queue_fanout`; the Lambda
functions at the other end are in `wspubsub.eventsources`.
"""

from wspubsub.fanout.queue import Queue, QueueError
from wspubsub.fanout.queue_fanout import QueueFanout
from wspubsub.fanout.stream_fanout import StreamFanout
from wspubsub.fanout.work import WorkError

__all__ = ["Queue", "QueueError", "QueueFanout", "StreamFanout", "WorkError"]
