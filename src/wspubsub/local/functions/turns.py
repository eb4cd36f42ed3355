"""Takes what waits in turn between its owners, so that none of them starves others."""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

OwnerT = TypeVar("OwnerT", bound=Hashable)
ItemT = TypeVar("ItemT")


class Turns(Generic[OwnerT, ItemT]):
    """Items that wait, each with an owner.

    An owner's items are taken in order, and after one of them the other owners have
    their turn: whoever has a thousand waiting delays everybody else by one at a time.
    """

    def __init__(self) -> None:
        # The order of the owners is that of their turns.
        self._items: dict[OwnerT, deque[ItemT]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, owner: OwnerT, item: ItemT) -> None:
        """Let an item wait behind those of its owner."""
        self._items.setdefault(owner, deque()).append(item)
        self._count += 1

    def take(
        self, may_go: Callable[[OwnerT], bool] = lambda _owner: True
    ) -> ItemT | None:
        """Remove and return the next item that may go, or None."""
        owner = next(filter(may_go, self._items), None)
        if owner is None:
            return None
        items = self._items.pop(owner)
        item = items.popleft()
        if items:
            self._items[owner] = items  # behind all others
        self._count -= 1
        return item

    def remove(self, owner: OwnerT, item: ItemT) -> None:
        """Remove an item that waits."""
        items = self._items[owner]
        items.remove(item)
        if not items:
            del self._items[owner]
        self._count -= 1
