"""Event source mappings: Lambda's rules for streams and queues, without I/O.

In come the records of a table's stream and the messages of a queue, and how an
invocation with a batch of them has ended; out come batches, what is redelivered and
what is given up. `wspubsub.local.eventsources` applies the rules to real services,
`wspubsub.testing` in a test's own process. Begin with `shard_batches`.
"""
