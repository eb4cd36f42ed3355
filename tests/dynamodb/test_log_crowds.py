"""What a writer knows of a topic with many, and whom it may carry."""

import pytest

from tests.support.virtual_time import NOW
from wspubsub import Position
from wspubsub.dynamodb.items import Item
from wspubsub.dynamodb.log_crowds import (
    FRESH_SECONDS,
    MAX_REMEMBERED,
    MAX_TOPICS,
    Crowd,
    Crowds,
)
from wspubsub.dynamodb.log_items import (
    Tail,
    entry_after,
    entry_item,
    genesis_after,
    genesis_item,
)
from wspubsub.dynamodb.log_offers import (
    MAX_CARRIED,
    MAX_CARRIED_BYTES,
    MAX_OFFER_BYTES,
    offer_item,
    offer_of,
)
from wspubsub.log.drafts import Draft, draft
from wspubsub.log.rules import DEFAULT_HISTORY

TAIL = Tail(Position("e", 10), NOW, int(NOW) + 10**6)


def a_message(data: bytes = b"x") -> Draft:
    return draft("news", data, None, (), None)


def an_offer(drafted: Draft, since: Position = TAIL.position, at: float = NOW) -> Item:
    return offer_item(offer_of(drafted, since, drafted.id, at))


def an_entry(tail: Tail, *drafts: Draft) -> tuple[Tail, Item]:
    entry = entry_after(tail, drafts[0], DEFAULT_HISTORY, NOW, drafts[1:])
    return entry.tail, entry_item(entry)


@pytest.fixture
def own() -> Draft:
    return a_message()


@pytest.fixture
def crowd(own: Draft) -> Crowd:
    crowd = Crowd(TAIL, NOW, "p")
    crowd.join(own, NOW)
    return crowd


def carried(
    crowd: Crowd, own: Draft, *items: Item, now: float = NOW
) -> list[Draft] | None:
    news = crowd.note(items, own, now)
    return None if news is None else news.others


def test_who_knows_what_was_written_since_an_offer_may_carry_it(
    crowd: Crowd, own: Draft
) -> None:
    other, in_log = a_message(b"other"), a_message(b"in log")
    tail, entry = an_entry(TAIL, a_message(), in_log)

    found = carried(crowd, own, entry, an_offer(in_log), an_offer(other, tail.position))

    assert found == [other]


@pytest.mark.parametrize(
    ("since", "at"),
    [
        (Position("e", 9), NOW),
        (Position("e", 11), NOW),
        (Position("other", 10), NOW),
        (TAIL.position, NOW - 13),
        (TAIL.position, NOW + 13),
    ],
)
def test_what_may_be_in_the_log_or_is_old_is_not_carried(
    crowd: Crowd, own: Draft, since: Position, at: float
) -> None:
    assert carried(crowd, own, an_offer(a_message(), since, at)) == []


def test_what_was_read_long_ago_is_forgotten_and_so_are_older_offers(
    crowd: Crowd, own: Draft
) -> None:
    tail, items = TAIL, []
    for _ in range(MAX_REMEMBERED // 100 + 1):
        tail, entry = an_entry(tail, *[a_message() for _ in range(100)])
        items.append(entry)
    old, young = a_message(), a_message()
    after_old, after_young = Position("e", 109), Position("e", 110)

    offers = [an_offer(old, after_old), an_offer(young, after_young)]
    found = carried(crowd, own, *items, *offers)

    assert found == [young]


def test_a_new_epoch_leaves_the_offers_of_the_old_one_behind(
    crowd: Crowd, own: Draft
) -> None:
    genesis = genesis_after("news", TAIL, DEFAULT_HISTORY, NOW)
    new = a_message()
    offers = [an_offer(a_message()), an_offer(new, genesis.tail.position)]

    assert carried(crowd, own, genesis_item(genesis), *offers) == [new]


def test_those_that_have_waited_longest_are_carried_first_as_far_as_they_fit(
    crowd: Crowd, own: Draft
) -> None:
    tail, entry = an_entry(TAIL, a_message())
    late, early = a_message(), [a_message() for _ in range(MAX_CARRIED)]

    offers = [an_offer(late, tail.position), *map(an_offer, early)]
    found = carried(crowd, own, entry, *offers)

    assert found is not None
    assert {each.id for each in found} == {each.id for each in early}


def test_an_entry_carries_no_more_bytes_than_it_may(crowd: Crowd, own: Draft) -> None:
    large = [a_message(b"x" * MAX_OFFER_BYTES) for _ in range(MAX_CARRIED)]

    found = carried(crowd, own, *map(an_offer, large))

    assert found is not None
    assert len(found) == MAX_CARRIED_BYTES // MAX_OFFER_BYTES


def test_the_one_that_has_waited_longest_is_first(crowd: Crowd, own: Draft) -> None:
    tail, entry = an_entry(TAIL, a_message())
    other = a_message()
    crowd.join(other, NOW)
    offers = [an_offer(own), an_offer(other, tail.position)]

    mine = crowd.note([entry, *offers], own, NOW)
    its = crowd.note(offers, other, NOW)

    assert mine is not None
    assert its is not None
    assert (mine.is_first, its.is_first) == (True, False)


def test_offers_of_one_program_have_different_places_and_free_them(
    crowd: Crowd,
) -> None:
    drafts = [a_message() for _ in range(3)]
    places = [crowd.join(each, NOW).place for each in drafts]
    assert len(set(places)) == 3

    crowd.leave(drafts[1])
    again = crowd.join(a_message(), NOW).place

    assert again == places[1]


def test_if_entries_are_missing_nothing_is_known(crowd: Crowd, own: Draft) -> None:
    tail, _ = an_entry(TAIL, a_message())
    _, entry = an_entry(tail, a_message())

    assert carried(crowd, own, entry) is None


def test_what_is_known_of_a_topic_is_read_on_while_it_is_fresh() -> None:
    crowds = Crowds()

    crowd = crowds.begin("news", TAIL, NOW)

    later = NOW + FRESH_SECONDS + 0.01
    assert crowds.find("news", NOW + FRESH_SECONDS) is crowd
    assert crowds.begin("news", TAIL, NOW) is crowd
    assert crowds.find("news", later) is None
    assert crowds.begin("news", TAIL, later) is not crowd


def test_only_the_topics_used_last_are_known() -> None:
    crowds = Crowds()

    for number in range(MAX_TOPICS + 1):
        crowds.begin(f"topic {number}", TAIL, NOW)

    assert crowds.find("topic 0", NOW) is None
    assert crowds.find("topic 1", NOW) is not None
