"""Each way to post a message to many connections, as its users write it.

A module here has `open_peer(endpoint)`, which returns a function that posts data to
connections and returns how many took it.
"""

from collections.abc import Callable

Post = Callable[[list[str], bytes], int]

CONCURRENCY = 32
"""Posts under way at once, for those that can have several."""
