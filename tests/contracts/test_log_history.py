"""What every `TopicLog` says to who browses its messages, and which topics it keeps."""

import pytest

from tests.contracts.logs import LogKind
from tests.contracts.test_log import fill, lost, whole
from tests.support.virtual_time import Clock
from wspubsub import History, LoggedMessage, Position, Replay, TopicError, TopicLog
from wspubsub.errors import UsageError


def page(
    messages: list[LoggedMessage], newest: Position, *, has_more: bool = False
) -> Replay:
    return Replay(
        messages=tuple(messages),
        recovered=True,
        position=messages[-1].position,
        has_more=has_more,
        newest=newest,
    )


def test_history_is_read_from_the_oldest(log: TopicLog, news: str) -> None:
    messages = fill(log, news, 5)
    newest = messages[-1].position

    assert log.read_history(news) == page(messages, newest)
    assert log.read_history(news, limit=5) == page(messages, newest)
    assert log.read_history(news, limit=2) == page(messages[:2], newest, has_more=True)


def test_history_is_read_after_a_position(log: TopicLog, news: str) -> None:
    messages = fill(log, news, 5)
    newest = messages[-1].position

    replay = log.read_history(news, messages[1].position, 2)

    assert replay == page(messages[2:4], newest, has_more=True)
    assert log.read_history(news, messages[1].position) == page(messages[2:], newest)
    assert log.read_history(news, newest) == whole([], newest)


def test_history_is_read_from_the_newest(log: TopicLog, news: str) -> None:
    messages = fill(log, news, 5)
    newest = messages[-1].position
    newest_first = messages[::-1]

    assert log.read_history(news, reverse=True) == page(newest_first, newest)
    assert log.read_history(news, limit=5, reverse=True) == page(newest_first, newest)
    assert log.read_history(news, limit=2, reverse=True) == page(
        newest_first[:2], newest, has_more=True
    )


def test_history_is_read_before_a_position(log: TopicLog, news: str) -> None:
    messages = fill(log, news, 5)
    newest = messages[-1].position

    replay = log.read_history(news, messages[3].position, 2, reverse=True)

    assert replay == page([messages[2], messages[1]], newest, has_more=True)
    assert log.read_history(news, replay.position, reverse=True) == page(
        [messages[0]], newest
    )
    first = messages[0].position
    for since in (first, first._replace(offset=0), first._replace(offset=-5)):
        assert log.read_history(news, since, reverse=True) == whole([], newest)


def test_history_of_many_messages_is_read_page_by_page(
    log: TopicLog, news: str
) -> None:
    messages = fill(log, news, 230)

    found: list[LoggedMessage] = []
    replay = log.read_history(news, limit=100)
    while replay.messages:
        found += replay.messages
        replay = log.read_history(news, replay.position, 100)

    assert found == messages
    backwards = log.read_history(news, reverse=True).messages
    assert backwards == tuple(reversed(messages))


def test_only_messages_that_are_served_are_history(
    kind: LogKind, clock: Clock, news: str
) -> None:
    log = kind.make(history=History(limit=3, ttl_seconds=60))
    old = fill(log, news, 2)
    clock.advance(30)
    new = fill(log, news, 2)

    assert log.read_history(news).messages == (old[1], *new)
    clock.advance(30)

    newest = new[-1].position
    assert log.read_history(news) == page(new, newest)
    assert log.read_history(news, reverse=True) == page(new[::-1], newest)
    assert log.read_history(news, old[1].position) == page(new, newest)
    assert log.read_history(news, old[0].position) == lost(newest)
    assert log.read_history(news, old[1].position, reverse=True) == whole([], newest)
    clock.advance(30)
    assert log.read_history(news) == whole([], newest)
    assert log.read_history(news, reverse=True) == whole([], newest)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_position_that_never_was_has_no_history(
    log: TopicLog, news: str, *, reverse: bool
) -> None:
    assert log.read_history(news, reverse=reverse) == Replay(
        messages=(), recovered=True, position=None
    )
    assert log.read_history(news, Position("x", 1), reverse=reverse) == lost(None)
    newest = fill(log, news, 3)[-1].position

    for since in (Position("x", 2), newest._replace(offset=4)):
        assert log.read_history(news, since, reverse=reverse) == lost(newest)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True])
def test_an_illegal_limit_of_a_history_is_refused(
    log: TopicLog, limit: int, news: str
) -> None:
    with pytest.raises(UsageError, match="limit"):
        log.read_history(news, limit=limit)
    with pytest.raises(UsageError, match="limit"):
        log.recover(news, Position("x", 1), limit=limit)
    with pytest.raises(UsageError, match="Position"):
        log.read_history(news, ("x", 1))  # type: ignore[arg-type] # that is the mistake


def test_each_topic_has_the_history_of_the_first_pattern_that_it_fits(
    kind: LogKind, news: str
) -> None:
    log = kind.make(
        history={
            "*typing*": None,
            f"{news} [ab]": History(limit=1),
            f"{news} *": History(limit=2),
        }
    )
    for name in "abc":
        fill(log, f"{news} {name}", 3)

    kept = [len(log.read(f"{news} {name}").messages) for name in "abc"]

    assert kept == [1, 1, 2]
    assert log.keeps(f"{news} a")
    assert not log.keeps(f"{news} typing")
    assert not log.keeps(news)


def test_the_history_may_be_a_function_of_the_topic(kind: LogKind, news: str) -> None:
    log = kind.make(
        history=lambda topic: History(limit=2) if topic.startswith(news) else None
    )
    fill(log, news, 3)

    assert len(log.read(news).messages) == 2
    assert log.keeps(news)
    assert not log.keeps("another")


def test_a_topic_without_a_history_has_no_log(kind: LogKind, news: str) -> None:
    log = kind.make(history={"room:*": History()})
    message = kind.make().append(news, b"x").message

    with pytest.raises(UsageError, match="has no log"):
        log.append(news, b"x")
    with pytest.raises(UsageError, match="has no log"):
        log.ensure_position(news)
    with pytest.raises(UsageError, match="has no log"):
        log.position(news)
    with pytest.raises(UsageError, match="has no log"):
        log.read(news)
    with pytest.raises(UsageError, match="has no log"):
        log.recover(news, message.position)
    with pytest.raises(UsageError, match="has no log"):
        log.read_history(news)
    with pytest.raises(UsageError, match="has no log"):
        log.mark_sent(message, "k")


@pytest.mark.parametrize("history", [None, 5, "x", {"*": 60}, ["*"]])
def test_a_history_that_is_none_is_refused(kind: LogKind, history: object) -> None:
    with pytest.raises(UsageError, match="history"):
        kind.make(history=history)


def test_whether_a_topic_is_kept_is_asked_of_a_legal_name(log: TopicLog) -> None:
    with pytest.raises(TopicError):
        log.keeps("")
