"""The rooms of the examples, as they stand: a `PubSub`."""

from examples.rooms.app import handler

__all__ = ["handler"]
