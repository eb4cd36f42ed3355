"""One topic, as the commands and the inspector read it."""

import pytest

from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import Clock
from wspubsub.dynamodb import DynamoDBTopicLog
from wspubsub.dynamodb.access import TableAccess
from wspubsub.operations.topics import follow


class Stopped(Exception):
    pass


def test_a_log_is_followed_as_it_grows() -> None:
    table = SmallTable()
    log = DynamoDBTopicLog("t", client=table, now=Clock())
    log.append("news", b"first")
    more = [b"second", b"third"]
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) > 9:
            raise Stopped
        # A read sees a write once there is another.
        log.append(*(("news", more.pop(0)) if more else ("other", b"")))

    entries = follow(TableAccess(table, "t"), "news", 0, every_seconds=0.5, sleep=sleep)
    found = [next(entries) for _ in range(3)]

    assert [(each["offset"], each["data"]) for each in found] == [
        (1, "first"),
        (2, "second"),
        (3, "third"),
    ]
    with pytest.raises(Stopped):
        next(entries)
    assert set(looks) == {0.5}
