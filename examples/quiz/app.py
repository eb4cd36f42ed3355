"""A quiz for phones: rooms with a host, a scoreboard, and news each day.

    quiz:{room}              where the quiz stands: one message that says it all, so
                             who comes late or back needs only the newest
    answers:{room}:{number}  the answers to a question, in the order in which they came;
                             nobody can subscribe
    news                     what is on today; daily.py publishes it

Who enters a room first is its host. Two methods can be called: `answer`, once for each
question, and `go_on`, by the host alone: to the first question, and from each to the
next one.

A client brings a name, and a secret that the phone has made up and keeps: with the same
secret it is the same player.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wspubsub import Forbidden, History, KeyConflictError
from wspubsub.pubsub import (
    ANYONE,
    CommandError,
    ConnectRequest,
    PubSub,
    RpcRequest,
    SubscribeRequest,
    User,
)

QUESTIONS = json.loads(Path(__file__).with_name("questions.json").read_text())
DAY = History(limit=1, ttl_seconds=24 * 60 * 60)
ALL_ANSWERS = History(limit=1000, ttl_seconds=60 * 60)
MAX_NAME, MIN_SECRET = 30, 16
Quiz = dict[str, Any]

pubsub = PubSub.from_environment()


@pubsub.connect
def connect(request: ConnectRequest) -> User:
    name, secret = request.fields(name=str, secret=str)
    if not 0 < len(name) <= MAX_NAME or len(secret) < MIN_SECRET:
        raise CommandError(400, "a player has a short name and a long secret")
    # Everybody sees the ID, and must not become this player by it.
    user = hashlib.sha256(secret.encode()).hexdigest()[:16]
    return User(user, info={"name": name}, data={"user": user})


quiz = pubsub.topic(
    "quiz:{room}", history=DAY, mode="cache", presence=True, join_leave=True
)
answers = pubsub.topic("answers:{room}:{number}", history=ALL_ANSWERS)
news = pubsub.topic("news", history=DAY, mode="cache")
news.subscribe(ANYONE)


@quiz.subscribe
def enter(request: SubscribeRequest, room: str) -> None:
    if find_quiz(room) is None:
        opened = {"host": request.user, "number": -1, "scores": {}}
        publish_once(f"quiz:{room}", opened, key="opened")


@pubsub.rpc("answer")
def answer(request: RpcRequest) -> None:
    room, number, choice = request.fields(room=str, number=int, choice=int)
    if number != read_quiz(room)["number"] or number not in range(len(QUESTIONS)):
        raise CommandError(409, "this is not the question")
    name = request.info["name"] if isinstance(request.info, dict) else ""
    given = {"user": request.user, "name": name, "choice": choice}
    if not publish_once(f"answers:{room}:{number}", given, key=request.user):
        raise CommandError(409, "you have answered already")


@pubsub.rpc("go_on")
def go_on(request: RpcRequest) -> None:
    room, number = request.fields(room=str, number=int)
    before = read_quiz(room)
    if request.user != before["host"]:
        raise Forbidden
    if number == before["number"] + 1 <= len(QUESTIONS):  # no second tap on the button
        publish_once(f"quiz:{room}", follow(room, before), key=f"to {number}")


def follow(room: str, before: Quiz) -> Quiz:
    """Return where a quiz stands after the question that is being answered."""
    after = {**before, "number": before["number"] + 1}
    if before["number"] >= 0:
        over = QUESTIONS[before["number"]]
        after["solution"] = over["choices"][over["solution"]]
        after["scores"] = count(room, before, over["solution"])
    for name in ("text", "choices"):
        after.pop(name, None)
        if after["number"] < len(QUESTIONS):
            after[name] = QUESTIONS[after["number"]][name]
    return after


def count(room: str, before: Quiz, solution: int) -> Quiz:
    """Return the scores: a point for who was right, and another one for the first."""
    scores: Quiz = {**before["scores"]}
    points = 2
    for given in read_all(f"answers:{room}:{before['number']}"):
        known = scores.get(given["user"], {"points": 0})
        is_right = given["choice"] == solution
        won = known["points"] + points * is_right
        scores[given["user"]] = {"name": given["name"], "points": won}
        points = 1 if is_right else points
    return scores


def find_quiz(room: str) -> Quiz | None:
    page = pubsub.history(f"quiz:{room}", limit=1, reverse=True)
    found: list[Any] = [each.json() for each in page.publications]
    return found[0] if found else None


def read_quiz(room: str) -> Quiz:
    found = find_quiz(room)
    if found is None:
        raise CommandError(404, "nobody has entered this room")
    return found


def read_all(topic: str) -> Iterator[Any]:
    page = pubsub.history(topic)
    while page.publications:
        for each in page.publications:
            yield each.json()
        page = pubsub.history(topic, page.end)


def publish_once(topic: str, data: object, *, key: str) -> bool:
    try:
        pubsub.publish(topic, data, key=key)
    except KeyConflictError:  # another one was first
        return False
    return True


handler = pubsub
