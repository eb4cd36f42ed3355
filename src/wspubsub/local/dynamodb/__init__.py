"""The table on a laptop: DynamoDB, its streams and SQS, embedded or at another URL.

Begin with `embedded`, which starts a `process` of its own for them.
"""
