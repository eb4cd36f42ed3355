"""Who is still subscribed: checked before posting to connections by name."""

from collections.abc import Collection, Iterable

from wspubsub.sidebyside import run_each
from wspubsub.subscriptions.port import SubscriptionStore


def read_topics(
    store: SubscriptionStore, connection_ids: Iterable[str]
) -> dict[str, frozenset[str]]:
    """Return the topics of each connection, as they are now.

    Time has passed since these connections were read as subscribers, and who has
    unsubscribed meanwhile must not get the message. It costs 1 read unit for each
    connection with up to 4 KB of subscriptions.

    Raises:
        StoreError: They could not be read.
    """
    ids = sorted(set(connection_ids))
    return dict(zip(ids, run_each(store.topics, ids), strict=True))


def select_subscribed(
    store: SubscriptionStore, topic: str, connection_ids: Collection[str]
) -> frozenset[str]:
    """Return those of the connections that are subscribed to a topic.

    Raises:
        StoreError: They could not be read.
    """
    topics = read_topics(store, connection_ids)
    return frozenset(id_ for id_ in connection_ids if topic in topics[id_])
