"""The queue of an application, whose modules few functions need."""

from wspubsub.fanout.queue import Queue


def make_queue(url: str) -> Queue:
    """Return the queue with a URL; nothing is requested yet.

    Raises:
        UsageError: It is a FIFO queue.
    """
    return Queue(url)
