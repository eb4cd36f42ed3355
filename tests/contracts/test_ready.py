"""The contract of `ReadyStore`: who was greeted is remembered."""

from tests.support.virtual_time import Clock
from wspubsub import Connection
from wspubsub.subscriptions.port import ReadyStore


def test_a_connection_is_new_once(store: ReadyStore) -> None:
    assert store.mark_ready("a=")
    assert not store.mark_ready("a=")
    assert store.mark_ready("b=")


def test_what_failed_can_be_done_again(store: ReadyStore) -> None:
    store.mark_ready("a=")

    store.unmark_ready("a=")
    store.unmark_ready("a=")

    assert store.mark_ready("a=")


def test_the_mark_ends_with_the_connection(store: ReadyStore) -> None:
    store.connect(Connection(id="a=", connected_at=1.0))
    store.subscribe("a=", "news")
    store.mark_ready("a=")

    assert store.connection("a=") is not None
    assert store.topics("a=") == {"news"}
    assert store.disconnect("a=") == {"news"}
    assert store.mark_ready("a=")


def test_the_mark_does_not_outlive_every_connection(
    store: ReadyStore, clock: Clock
) -> None:
    store.mark_ready("a=")

    clock.advance(8000)
    store.subscribe("b=", "news")

    assert store.mark_ready("a=")


def test_an_expired_mark_counts_as_absent(store: ReadyStore, clock: Clock) -> None:
    store.mark_ready("a=")
    clock.advance(2 * 3600 + 600 - 1)
    assert not store.mark_ready("a=")

    clock.advance(1)

    assert store.mark_ready("a=")
