"""Runs functions side by side, one step of one of them at a time, in every order."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Step = Callable[[], None]
Actor = Callable[[Step], object]


class DiedError(Exception):
    """The process that an actor stands for was killed."""


class Stepwise:
    """Stands before an object; each call of a method is a step."""

    def __init__(self, behind: Any, step: Step) -> None:
        self._behind = behind
        self._step = step

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._behind, name)

        def call(*args: Any, **options: Any) -> Any:
            self._step()
            return found(*args, **options)

        return call


def dying(actor: Actor, after: int | None) -> Actor:
    """Return an actor that is killed after so many steps; never if None."""
    if after is None:
        return actor

    def act(step: Step) -> None:
        left = after

        def step_or_die() -> None:
            nonlocal left
            step()
            if left == 0:
                raise DiedError
            left -= 1

        try:
            actor(step_or_die)
        except DiedError:
            return

    return act


def orders(make_actors: Callable[[], Sequence[Actor]]) -> Iterator[list[int]]:
    """Run fresh actors in one order of their steps after another, until all were."""
    prefix: list[int] = []
    while True:
        turns = _Turns(make_actors())
        yield turns.run(prefix)
        prefix = turns.next_order()
        if not prefix:
            return


class _Turns:
    def __init__(self, actors: Sequence[Actor]) -> None:
        self._waiting = threading.Semaphore(0)
        self._may_go = [threading.Semaphore(0) for _ in actors]
        self._alive = list(range(len(actors)))
        self._errors: list[BaseException] = []
        self._choices: list[tuple[int, list[int]]] = []
        self._threads = [
            threading.Thread(target=self._act, args=(number, actor), daemon=True)
            for number, actor in enumerate(actors)
        ]

    def run(self, prefix: Sequence[int]) -> list[int]:
        for thread in self._threads:
            thread.start()
        while self._alive:
            turn = len(self._choices)
            alive = list(self._alive)
            chosen = prefix[turn] if turn < len(prefix) else alive[0]
            self._choices.append((chosen, alive))
            self._may_go[chosen].release()
            assert self._waiting.acquire(timeout=20)
        for thread in self._threads:
            thread.join(timeout=20)
        if self._errors:
            raise self._errors[0]
        return [chosen for chosen, _ in self._choices]

    def next_order(self) -> list[int]:
        while self._choices:
            chosen, alive = self._choices.pop()
            rest = [each for each in alive if each > chosen]
            if rest:
                return [each for each, _ in self._choices] + rest[:1]
        return []

    def _act(self, number: int, actor: Actor) -> None:
        self._may_go[number].acquire()
        try:
            actor(lambda: self._step(number))
        except BaseException as error:  # noqa: BLE001 - raised by `run`
            self._errors.append(error)
        finally:
            self._alive.remove(number)
            self._waiting.release()

    def _step(self, number: int) -> None:
        self._waiting.release()
        self._may_go[number].acquire()
