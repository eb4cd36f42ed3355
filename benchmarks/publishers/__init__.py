"""Each way to publish to the subscribers that are stored in DynamoDB.

A module here has `open_publisher(table, endpoint)`, which returns a function that
publishes data to a topic and returns how many subscribers it was delivered to.
"""

from collections.abc import Callable

Publish = Callable[[str, bytes], int]
