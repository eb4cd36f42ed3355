"""Event source mappings: streams and queues invoke the same functions as the gateway.

In come the records of a table's stream and the messages of a queue, out go invocations,
retries and what is given up, by AWS's rules. Begin with `sources`.
"""
