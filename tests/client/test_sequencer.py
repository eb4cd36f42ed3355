"""The sequencer does what the vectors say, which the JavaScript module follows too."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wspubsub import Position
from wspubsub.client.pulse import Pulse
from wspubsub.client.sequencer import MAX_AHEAD, Sequencer
from wspubsub.client.steps import Ask, CheckSoon, Hand, Lost, Retry, Step

FOLDER = Path(__file__).parent / "vectors"


def read_vectors() -> list[Any]:
    """Return those that are about one subscription; `sizes` is about calls."""
    vectors = []
    for path in sorted([*FOLDER.glob("*.json"), *FOLDER.glob("python/*.json")]):
        content = json.loads(path.read_text())
        for vector in content if isinstance(content, list) else [content]:
            if "call" not in vector["steps"][0]:
                name = f"{path.stem}: {vector['name']}"
                vectors.append(pytest.param(vector, id=name))
    return vectors


@pytest.mark.parametrize("vector", read_vectors())
def test_a_vector_comes_out_as_it_says(vector: dict[str, Any]) -> None:
    story = Story(vector)

    for step in vector["steps"]:
        if "event" in step:
            story.happen(step)
        else:
            story.expect(step["expect"], step.get("handed", 0))

    assert story.outputs == []


class Story:
    """A subscription without an SDK, and what an application does with it.

    Args:
        vector: What happens.

    Attributes:
        outputs: What was done since the last time that something was expected.
    """

    def __init__(self, vector: dict[str, Any]) -> None:
        since = vector.get("since")
        self.outputs: list[dict[str, Any]] = []
        self._vector = vector
        self._sequencer: Sequencer[Any] = Sequencer(
            Position(**since) if since else None, capacity=vector.get("capacity")
        )
        self._pulse = Pulse(0)
        self._has_duplicate = False

    def happen(self, step: dict[str, Any]) -> None:
        for output in self._put_in(step):
            if output.get("check_soon"):
                self._has_duplicate = True
            elif "retry" not in output:
                self.outputs.append(output)
            handed = output.get("hand")
            if handed in self._vector.get("raises", ()):
                self.outputs.append({"raised": handed})
            if handed in self._vector.get("resubscribes", ()):
                self._sequencer = Sequencer(output["position"])
                break

    def expect(self, outputs: list[dict[str, Any]], handed: int) -> None:
        for each in self.outputs:
            each.pop("position", None)
        assert all("hand" in each for each in self.outputs[:handed])
        rest = self.outputs[handed:]
        assert [*map(reduce_to, rest, outputs)] == outputs
        assert len(rest) == len(outputs)
        self.outputs.clear()

    def _put_in(self, step: dict[str, Any]) -> list[dict[str, Any]]:
        sequencer, event = self._sequencer, step["event"]
        if event in ("check", "minute"):
            is_due = event == "check" or self._has_duplicate
            self._has_duplicate = False
            return [{"check": True}] if is_due else []
        if event == "unanswered":
            return [{"reconnect" if self._pulse.count_silence() else "check": True}]
        if event in ("answered", "position"):
            self._pulse.note_answer()
        if event == "unsubscribed":
            sequencer.interrupt()
        if event in ("answered", "unsubscribed"):
            return []
        return [*map(describe, self._call(step))]

    def _call(self, step: dict[str, Any]) -> list[Step[Any]]:
        sequencer = self._sequencer
        position = (
            Position(step["epoch"], step["offset"]) if step.get("epoch") else None
        )
        publications = [*step.get("publications", ())]
        if "range" in step:
            first, last = step["range"]
            publications += [[each, each] for each in range(first, last + 1)]
        is_cache = step.get("was_recovering", False) and not sequencer.position
        calls: dict[str, Callable[[], list[Step[Any]]]] = {
            "subscribed": lambda: sequencer.take_reply(
                position, publications, is_cache=is_cache
            ),
            "publication": lambda: sequencer.take_publication(
                step.get("offset", 0), step["data"]
            ),
            "publications": lambda: [
                each
                for offset, data in publications
                for each in sequencer.take_publication(offset, data)
            ],
            "history": lambda: sequencer.take_page(must_be(position), publications),
            "history_failed": lambda: sequencer.take_failure(
                step["code"], is_temporary=step.get("temporary", False)
            ),
            "position": lambda: sequencer.take_position(must_be(position)),
            "taken": lambda: sequencer.make_room(step["count"]),
            "retry": sequencer.retry,
        }
        return calls[step["event"]]()


def must_be(position: Position | None) -> Position:
    assert position is not None
    return position


def describe(step: Step[Any]) -> dict[str, Any]:
    match step:
        case Hand():
            return {"hand": step.publication, "position": step.position}
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
    sequencer.take_reply(Position("a", 0))
    steps = sequencer.take_position(Position("a", 700))
    handed = []

    for first in (1, 301, 601):
        assert steps[-1] == Ask(Position("a", first - 1), 300)
        page = [(offset, offset) for offset in range(first, min(first + 300, 701))]
        steps = sequencer.take_page(Position("a", 700), page)
        handed += [each.publication for each in steps if isinstance(each, Hand)]

    assert handed == [*range(1, 701)]
    assert sequencer.position == Position("a", 700)


def test_what_waits_is_bounded_and_the_history_has_the_rest() -> None:
    sequencer: Sequencer[int] = Sequencer()
    sequencer.take_reply(Position("a", 0))
    total = MAX_AHEAD + 10
    for offset in range(total + 1, 1, -1):
        sequencer.take_publication(offset, offset)

    steps = sequencer.take_publication(1, 1)

    handed = [each.publication for each in steps if isinstance(each, Hand)]
    assert handed == [*range(1, MAX_AHEAD + 2)]
    page = [(offset, offset) for offset in range(1, 301)]
    again = sequencer.take_page(Position("a", total + 1), page)
    assert again[-1] == Ask(Position("a", MAX_AHEAD + 1), 300)


def test_an_unknown_position_needs_no_check() -> None:
    sequencer: Sequencer[int] = Sequencer()

    assert sequencer.retry() == []
    assert sequencer.take_position(Position("a", 3)) == []
    assert sequencer.position is None


def test_an_error_that_says_so_is_temporary() -> None:
    sequencer: Sequencer[int] = Sequencer()
    sequencer.take_reply(Position("a", 0))
    sequencer.take_position(Position("a", 1))

    assert sequencer.take_failure(1000, is_temporary=True) == [Retry()]
