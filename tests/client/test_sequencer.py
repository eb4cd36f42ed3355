"""The sequencer does what the vectors say, which the JavaScript module follows too."""

import json
from pathlib import Path
from typing import Any

import pytest

from wspubsub import Position
from wspubsub.client.sequencer import (
    MAX_AHEAD,
    Ask,
    CheckSoon,
    Hand,
    Lost,
    Retry,
    Sequencer,
    Step,
)

FOLDER = Path(__file__).parent / "vectors"
VECTORS = [
    pytest.param(vector, id=f"{path.stem}: {vector['name']}")
    for path in sorted([*FOLDER.glob("*.json"), *FOLDER.glob("python/*.json")])
    for vector in json.loads(path.read_text())
]


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_comes_out_as_it_says(vector: dict[str, Any]) -> None:
    since = vector.get("since")
    sequencer: Sequencer[Any] = Sequencer(
        Position(**since) if since else None, capacity=vector.get("capacity")
    )
    came: list[dict[str, Any]] = []

    for step in vector["steps"]:
        if "event" in step:
            came += map(describe, put_in(sequencer, **step))
        else:
            assert [*map(reduce_to, came, step["expect"])] == step["expect"]
            assert len(came) == len(step["expect"])
            came = []

    assert came == []


def put_in(sequencer: Sequencer[Any], event: str, **fields: Any) -> list[Step[Any]]:
    position = (
        Position(fields["epoch"], fields["offset"]) if "epoch" in fields else None
    )
    publications = fields.get("publications", ())
    is_temporary = fields.get("is_temporary", False)
    is_cache = fields.get("was_recovering", False) and not sequencer.position
    return {
        "subscribed": lambda: sequencer.subscribed(
            position, publications, is_cache=is_cache
        ),
        "publication": lambda: sequencer.publication(
            fields.get("offset", 0), fields["data"]
        ),
        "history": lambda: sequencer.history(must_be(position), publications),
        "history_failed": lambda: sequencer.history_failed(
            fields["code"], is_temporary=is_temporary
        ),
        "position": lambda: sequencer.checked(must_be(position)),
        "interrupted": lambda: interrupt(sequencer),
        "taken": lambda: sequencer.taken(fields["count"]),
        "retry": sequencer.retry,
    }[event]()


def interrupt(sequencer: Sequencer[Any]) -> list[Step[Any]]:
    sequencer.interrupted()
    return []


def must_be(position: Position | None) -> Position:
    assert position is not None
    return position


def describe(step: Step[Any]) -> dict[str, Any]:
    match step:
        case Hand():
            return {"hand": step.publication}
        case Lost():
            fields = {"after": step.after, "before": step.before}
            lost: dict[str, Any] = {
                name: position and position._asdict()
                for name, position in fields.items()
            }
            return {"lost": lost | ({"dropped": step.dropped} if step.dropped else {})}
        case Ask():
            since = {"since": step.since._asdict()} if step.since else {}
            return {"history": {**since, "limit": step.limit}}
        case Retry():
            return {"retry": True}
        case _:
            assert isinstance(step, CheckSoon)
            return {"check_soon": True}


def reduce_to(came: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Leave out a limit that a vector does not name: JavaScript has no queue."""
    if "history" in came and "limit" not in expected.get("history", {}):
        return {"history": {"since": s} if (s := came["history"].get("since")) else {}}
    return came


def test_pages_go_on_beyond_what_a_server_sends_at_once() -> None:
    sequencer: Sequencer[int] = Sequencer()
    sequencer.subscribed(Position("a", 0))
    steps = sequencer.checked(Position("a", 700))
    handed = []

    for first in (1, 301, 601):
        assert steps[-1] == Ask(Position("a", first - 1), 300)
        page = [(offset, offset) for offset in range(first, min(first + 300, 701))]
        steps = sequencer.history(Position("a", 700), page)
        handed += [each.publication for each in steps if isinstance(each, Hand)]

    assert handed == [*range(1, 701)]
    assert sequencer.position == Position("a", 700)


def test_what_waits_is_bounded_and_the_history_has_the_rest() -> None:
    sequencer: Sequencer[int] = Sequencer()
    sequencer.subscribed(Position("a", 0))
    total = MAX_AHEAD + 10
    for offset in range(total + 1, 1, -1):
        sequencer.publication(offset, offset)

    steps = sequencer.publication(1, 1)

    handed = [each.publication for each in steps if isinstance(each, Hand)]
    assert handed == [*range(1, MAX_AHEAD + 2)]
    page = [(offset, offset) for offset in range(1, 301)]
    again = sequencer.history(Position("a", total + 1), page)
    assert again[-1] == Ask(Position("a", MAX_AHEAD + 1), 300)


def test_a_topic_may_be_read_again_after_a_retry_that_is_not_due() -> None:
    sequencer: Sequencer[int] = Sequencer()

    assert sequencer.retry() == []
    assert sequencer.checked(Position("a", 3)) == []
    assert sequencer.position is None
