"""From a queue's messages to batches and back. Begin with `poller`."""
