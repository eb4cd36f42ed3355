"""What pages know of who is here, if somebody comes or goes while they ask."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.example_apps import EXAMPLES
from tests.support.javascript import run_node
from tests.support.servers.gateways import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SUBSCRIPTION = """
const handlers = {};
const room = {
  state: "subscribed",
  on(name, handle) { handlers[name] = handle; },
  presence() { return new Promise((resolve) => { room.answer = resolve; }); },
  history: async () => null,
};
const show = () => {};
"""
STORY = """
const info = (client) => ({ client, user: `user-${client}` });
handlers.subscribed();
handlers.join({ info: info("late") });
handlers.leave({ info: info("gone") });
room.answer({ clients: { gone: info("gone"), here: info("here") } });
await new Promise((resolve) => setTimeout(resolve));
console.log(JSON.stringify(shown().sort()));
"""
ROOM = """
const it = new Room({ subscribe: () => room }, "a", () => {});
const shown = () => [...it.people.keys()];
"""


def read_documented() -> str:
    page = (ROOT / "docs" / "how-to" / "show-who-is-there.md").read_text()
    script = page.partition("```js\n")[2].partition("```")[0]
    return script + "const shown = () => [...people.keys()];"


def read_example() -> str:
    return (EXAMPLES / "rooms" / "room.js").read_text() + ROOM


@pytest.mark.parametrize("read", [read_documented, read_example])
def test_who_comes_or_goes_while_a_page_asks_is_known(
    read: Callable[[], str], tmp_path: Path
) -> None:
    script = tmp_path / "page.mjs"
    script.write_text(SUBSCRIPTION + read() + STORY)

    assert run_node(script) == ["here", "late"]
