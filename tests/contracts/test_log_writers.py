"""What every `TopicLog` does when many write at once."""

import threading

from tests.contracts.logs import LogKind
from wspubsub import LoggedMessage, Position

WRITERS, MESSAGES_EACH = 16, 2


def test_many_writers_leave_no_gap_and_no_double_at_any_moment(
    kind: LogKind, news: str
) -> None:
    log = kind.make()
    start = log.append(news, b"first").message.position
    read: list[LoggedMessage] = []

    def write(name: int) -> None:
        for number in range(MESSAGES_EACH):
            log.append(news, b"%d %d" % (name, number))

    def follow() -> None:
        position: Position | None = start
        while len(read) < WRITERS * MESSAGES_EACH:
            replay = log.read(news, position, limit=7)
            assert replay.recovered
            read.extend(replay.messages)
            position = replay.position

    threads = [threading.Thread(target=follow, daemon=True)]
    threads += [
        threading.Thread(target=write, args=(name,), daemon=True)
        for name in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=40)

    assert [thread for thread in threads if thread.is_alive()] == []
    count = WRITERS * MESSAGES_EACH
    assert [each.position.offset for each in read] == list(range(2, count + 2))
    assert len({each.id for each in read}) == count
    assert {each.data for each in read} == {
        b"%d %d" % (name, number)
        for name in range(WRITERS)
        for number in range(MESSAGES_EACH)
    }


def test_one_key_from_many_writers_is_appended_once(kind: LogKind, news: str) -> None:
    kind.require_transactions()
    log = kind.make()
    positions: list[Position] = []
    are_new: list[bool] = []

    def write() -> None:
        appended = log.append(news, b"x", key="k")
        positions.append(appended.message.position)
        are_new.append(appended.is_new)

    threads = [threading.Thread(target=write, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=40)

    assert sorted(are_new) == [False] * 7 + [True]
    assert set(positions) == {log.position(news)}
    assert len(log.read(news).messages) == 1
