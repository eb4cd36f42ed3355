"""The quiz: who is its host, who has which points, and what somebody finds who comes
late or back."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.example_apps import EXAMPLES, account, assert_fits, imported
from tests.support.servers.gateways import CREDENTIALS, run
from wspubsub.testing import CommandRefusedError, InProcessGateway, PubSubTestClient

FOLDER = EXAMPLES / "quiz"
TEMPLATE = FOLDER / "template.yaml"
QUESTIONS = json.loads((FOLDER / "questions.json").read_text())


class Player:
    """A phone: it keeps its secret, and shows the newest message of its room."""

    def __init__(self, gateway: InProcessGateway, name: str) -> None:
        self.gateway = gateway
        self.name = name
        self.shown: Any = None
        self.come()

    def come(self) -> None:
        """Connect, or connect again, and enter the room."""
        self.client = PubSubTestClient(self.gateway.connect())
        me = {"name": self.name, "secret": f"the secret of {self.name}, a long one"}
        self.user = self.client.connect(data=me)["data"]["user"]
        self.client.subscribe("quiz:den")
        self.client.subscribe("news")
        self.look()

    def call(self, method: str, **data: Any) -> int:
        """Call a method, and return the code of the error; 0 if there is none."""
        return self.code("rpc", method=method, data={"room": "den", **data})

    def code(self, command: str, **fields: Any) -> int:
        """Send a command, and return the code of the error; 0 if there is none."""
        try:
            self.client.ask(command, **fields)
        except CommandRefusedError as refused:
            return refused.code
        finally:
            self.look()
        return 0

    def look(self) -> None:
        """Show the newest message."""
        for message in self.client.messages("quiz:den"):
            self.shown = message

    @property
    def points(self) -> dict[str, int]:
        self.look()
        scores = self.shown["scores"].values()
        return {each["name"]: each["points"] for each in scores}


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcessGateway]:
    with account(monkeypatch):
        app = imported("quiz/app.py")
        monkeypatch.setitem(sys.modules, "app", app)
        yield InProcessGateway(app.handler)


@pytest.fixture
def players(gateway: InProcessGateway) -> list[Player]:
    return [Player(gateway, name) for name in ("Ann", "Bob", "Cleo")]


def right(number: int) -> int:
    return int(QUESTIONS[number]["solution"])


def test_who_enters_first_is_the_host_and_nobody_else_goes_on(
    players: list[Player],
) -> None:
    ann, bob, _ = players

    assert [each.shown["host"] for each in players] == [ann.user] * 3
    assert bob.call("go_on", number=0) == 103
    assert ann.call("go_on", number=0) == 0
    for each in players:
        each.look()
        assert each.shown["number"] == 0
        assert each.shown["text"] == QUESTIONS[0]["text"]
        assert "solution" not in each.shown


def test_the_first_right_answer_wins_a_point_more(players: list[Player]) -> None:
    ann, bob, cleo = players
    ann.call("go_on", number=0)
    assert ann.call("answer", number=0, choice=right(0) + 1) == 0
    assert bob.call("answer", number=0, choice=right(0)) == 0
    assert cleo.call("answer", number=0, choice=right(0)) == 0

    ann.call("go_on", number=1)
    bob.call("answer", number=1, choice=right(1))
    ann.call("go_on", number=2)

    assert cleo.points == {"Ann": 0, "Bob": 4, "Cleo": 1}
    assert cleo.shown["solution"] == QUESTIONS[1]["choices"][right(1)]


def test_an_answer_counts_once_and_only_for_the_question_that_is_asked(
    players: list[Player],
) -> None:
    ann, bob, _ = players
    assert bob.call("answer", number=-1, choice=0) == 409
    ann.call("go_on", number=0)

    assert bob.call("answer", number=0, choice=right(0)) == 0
    assert bob.call("answer", number=0, choice=right(0)) == 0  # sent twice
    assert bob.call("answer", number=0, choice=right(0) + 1) == 409
    assert bob.call("answer", number=1, choice=0) == 409
    ann.call("go_on", number=1)
    assert bob.call("answer", number=0, choice=right(0)) == 409

    assert bob.points == {"Bob": 2}


def test_a_second_tap_does_not_skip_a_question(players: list[Player]) -> None:
    ann = players[0]

    for number in (0, 0, 1, 0, 1, 3):
        assert ann.call("go_on", number=number) == 0

    assert ann.shown["number"] == 1


def test_after_the_last_question_the_scores_stand(players: list[Player]) -> None:
    ann, bob, _ = players
    for number in range(len(QUESTIONS)):
        ann.call("go_on", number=number)
        bob.call("answer", number=number, choice=right(number))
    for _ in range(2):
        ann.call("go_on", number=len(QUESTIONS))
    ann.call("go_on", number=len(QUESTIONS) + 1)

    assert bob.points == {"Bob": 2 * len(QUESTIONS)}
    assert "text" not in bob.shown
    assert bob.call("answer", number=len(QUESTIONS), choice=0) == 409


def test_who_comes_late_sees_where_the_quiz_stands(
    gateway: InProcessGateway, players: list[Player]
) -> None:
    players[0].call("go_on", number=0)
    players[1].call("answer", number=0, choice=right(0))
    players[0].call("go_on", number=1)

    late = Player(gateway, "Dan")

    assert late.shown["text"] == QUESTIONS[1]["text"]
    assert late.points == {"Bob": 2}
    assert late.call("answer", number=1, choice=right(1)) == 0


def test_a_phone_that_lost_its_network_is_the_same_player(
    players: list[Player],
) -> None:
    ann, bob, _ = players
    ann.call("go_on", number=0)
    bob.call("answer", number=0, choice=right(0))
    bob.client.client.kill()
    ann.call("go_on", number=1)

    bob.come()
    assert bob.shown["number"] == 1
    bob.call("answer", number=1, choice=right(1))
    ann.client.client.kill()
    ann.come()
    assert ann.call("go_on", number=2) == 0

    assert bob.points == {"Bob": 4}


@pytest.mark.parametrize(
    "me",
    [
        None,
        {},
        {"name": "Eve"},
        {"name": "", "secret": "x" * 16},
        {"name": "x" * 31, "secret": "x" * 16},
        {"name": "Eve", "secret": "short"},
    ],
)
def test_a_player_has_a_name_and_a_secret(
    gateway: InProcessGateway, me: object
) -> None:
    client = PubSubTestClient(gateway.connect())

    with pytest.raises(CommandRefusedError) as refused:
        client.connect(data=me)

    assert refused.value.code in {107, 400}


def test_a_room_that_nobody_has_entered_has_no_quiz(players: list[Player]) -> None:
    code = players[0].call("go_on", room="nobody", number=0)

    assert code == 404


def test_nobody_reads_the_answers_or_publishes(players: list[Player]) -> None:
    bob = players[1]

    assert bob.code("subscribe", channel="answers:den:0") == 103
    assert bob.code("history", channel="answers:den:0") == 103
    for topic in ("quiz:den", "news"):
        assert bob.code("publish", channel=topic, data={"host": bob.user}) == 103


def test_at_the_same_time_one_is_the_host_and_each_answer_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for seed in range(6):
        with account(monkeypatch):
            gateway = InProcessGateway(imported("quiz/app.py").handler)
            clients = [PubSubTestClient(gateway.connect()) for _ in range(3)]
            for number, client in enumerate(clients):
                client.connect(data={"name": f"{number}", "secret": f"{number}" * 16})
            command = {"id": 2, "subscribe": {"channel": "quiz:den"}}
            with gateway.side_by_side(seed=seed):
                for client in clients:
                    client.client.send(command)

            texts = [text for each in clients for text in each.client.receive_all()]
            hosts = {
                text.split('"host":"')[1][:16] for text in texts if '"host"' in text
            }
            assert len(hosts) == 1, seed


def test_the_news_of_the_day_come_once(
    gateway: InProcessGateway, players: list[Player]
) -> None:
    daily = imported("quiz/daily.py")

    for time in ("2026-11-26T06:00:00Z", "2026-11-26T06:00:09Z"):
        with gateway.serving():
            daily.handler({"time": time}, None)

    today = [{"day": "2026-11-26", "room": "daily-2026-11-26"}]
    assert players[0].client.messages("news") == today
    assert Player(gateway, "Dan").client.messages("news") == today


@pytest.mark.integration
def test_the_template_fits_the_code_and_cfn_lint_has_nothing_to_say() -> None:
    assert_fits(TEMPLATE)


@pytest.mark.integration
def test_the_template_is_what_the_command_prints() -> None:
    printed = run(
        *("template", "app.py:handler"),
        *("--publisher", "daily.py:handler", "--schedule", "cron(0 6 * * ? *)"),
        cwd=FOLDER,
        environ=CREDENTIALS,
    )

    assert printed.returncode == 0, printed.stderr
    assert TEMPLATE.read_text() == printed.stdout
