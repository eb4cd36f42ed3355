"""From a table's stream to batches: shards, order, retries. Begin with `poller`."""
