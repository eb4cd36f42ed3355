"""Publishing that ends with the log: DynamoDB Streams carries the message on."""

from wspubsub.delivery import Budget, Delivery
from wspubsub.outgoing import Fanout, InlineFanout, Outgoing
from wspubsub.reports import PublishReport


class StreamFanout:
    """A message is published once the log has it; a `StreamHandler` delivers it.

    The log is the outbox: nothing is lost if the function that publishes dies, and a
    publish costs one append whatever the number of subscribers.

    Args:
        then: How the function that the stream invokes delivers, and how messages of
            topics without a log are published: at once if None, or through a
            `QueueFanout`.
    """

    needs_log = True

    def __init__(self, then: Fanout | None = None) -> None:
        self._then: Fanout = InlineFanout() if then is None else then

    def publish(
        self, message: Outgoing, delivery: Delivery, budget: Budget
    ) -> PublishReport:
        """See `Fanout.publish`: the message is in the log, so nothing is left to do.

        A message of a topic without a log never comes to the stream.
        """
        if not message.is_logged:
            return self._then.publish(message, delivery, budget)
        return PublishReport(queued=True)

    def deliver_logged(
        self, message: Outgoing, delivery: Delivery, budget: Budget
    ) -> PublishReport:
        """See `Fanout.deliver_logged`."""
        return self._then.publish(message, delivery, budget)
