"""The page's trees of cause and effect, in a browser, against `wspubsub dev`."""

import json

import pytest
from websockets.sync.client import ClientConnection

from tests.support.browser import Browser
from tests.support.inspector import say, subscribe
from tests.support.inspector_page import PHONE, ROWS, InspectorPage, open_page
from tests.support.servers.gateways import DevGateway

pytestmark = [pytest.mark.integration, pytest.mark.slow]

HOSTILE = "<img src=x onerror=\"document.title='taken over'\"><script>1</script>"


def test_a_message_is_shown_with_all_that_it_causes(
    page: InspectorPage, gateway: DevGateway
) -> None:
    with gateway.client() as reader, gateway.client() as writer:
        reader.send(subscribe("news"))
        reader.recv()
        writer.send(say("news", "hello"))
        reader.recv()
        page.filter("text", "hello")
        page.page.wait_for_text("#activity-state", "1 of ")
        page.wait_for_row("message returned 200")
        page.wait_for_row("message out")

    rows = page.rows()

    kinds = page.page.run(
        f"return {ROWS}.map((row) => row.querySelector('.tag').innerText)"
    )
    assert kinds[:3] == ["message in", "invoke", "DynamoDB"]
    assert {"post", "message out"} < set(kinds)
    assert "Query topic news 1 item" in rows[2]
    assert "1 message out" in rows[0]
    assert rows[1].startswith("+")
    assert " ms" in rows[1].rsplit("handler", 1)[1]


def test_an_invocation_shows_its_exact_event_and_result(
    page: InspectorPage, gateway: DevGateway
) -> None:
    with gateway.client() as client:
        client.send(subscribe("events"))
        client.recv()
        page.select("subscribe returned 200")

        details = page.details("Result")

    blocks = page.page.run(
        "return Object.fromEntries([...document.querySelectorAll('#detail .block')]"
        ".map((each) => [each.querySelector('h4').innerText, "
        "each.querySelector('pre').textContent]))"
    )
    event = json.loads(blocks["Event"])
    assert event["body"] == subscribe("events")
    assert event["requestContext"]["eventType"] == "MESSAGE"
    assert json.loads(blocks["Result"]) == {"statusCode": 200}
    assert "Invocation ID" in details


def test_trees_are_filtered_by_what_they_are_about(
    page: InspectorPage, gateway: DevGateway
) -> None:
    with gateway.client() as one, gateway.client() as two:
        one.send(subscribe("red"))
        one.recv()
        two.send(subscribe("blue"))
        two.recv()
        page.wait_for_row("message in", "blue")
        page.filter("topic", "red")
        page.page.wait_for_text("#activity-state", "1 of ")
        assert not any("blue" in row for row in page.rows())
        page.filter("topic", "")

        page.filter("route_key", "$connect")
        page.page.wait_for_text("#activity-state", "2 of 4 trees")
        page.filter("route_key", "")

        page.filter("text", "BLUE")
        page.page.wait_for_text("#tree mark", "blue")
        page.filter("text", "")

        page.page.run(
            "const field = document.querySelector('[name=outcome]');"
            "field.value = 'problem';"
            "field.dispatchEvent(new Event('input', {bubbles: true}))"
        )
        page.page.wait_for_text("#nothing-found", "Nothing matches the filter")
        page.page.click("#clear-filter")
        page.page.wait_for_text("#activity-state", "4 trees")

        connection = page.page.run(
            "return document.querySelector('.row.root .id').textContent"
        )
        page.filter("connection", connection)
        page.page.wait_for_text("#activity-state", "2 of 4 trees")


def test_pausing_holds_back_what_comes_and_clearing_forgets_it(
    page: InspectorPage, gateway: DevGateway
) -> None:
    page.page.click("#pause")
    with gateway.client() as client:
        client.send(subscribe("paused"))
        client.recv()
        page.page.wait_for(
            "return /paused, \\d\\d? waiting/.test("
            "document.querySelector('#activity-state').innerText)"
        )
        assert page.rows() == []

        page.page.click("#pause")
        page.wait_for_row("message in", "paused")
    gateway.wait_for(lambda each: each["kind"] == "closed")

    page.wait_for_row("closed")
    page.clear()
    page.page.wait_for_text("#activity-state", "0 trees")
    page.page.wait_for_text("#nothing-yet", "Nothing has happened yet")
    assert page.rows() == []


def test_coming_back_from_another_view_shows_the_newest(
    page: InspectorPage, gateway: DevGateway
) -> None:
    def ask(client: ClientConnection, topics: range) -> None:
        for number in topics:
            client.send(subscribe(f"topic-{number}"))
            client.recv()

    with gateway.client() as client:
        ask(client, range(10))  # more than the window has room for
        page.wait_for_row("message out", "topic-9")
        page.show("costs")
        ask(client, range(10, 15))
        page.page.wait_for_text("#costs", "PutItem")
        page.show("activity")

        page.wait_for_row("message out", "topic-14")

        page.page.run("document.querySelector('#tree').scrollTop = 0")
        page.wait_for_row("connect", "/dev")
        ask(client, range(15, 16))
        page.show("costs")
        page.show("activity")
        assert any("/dev" in each for each in page.rows())


def test_what_a_cleared_entry_goes_on_to_cause_is_not_shown(
    page: InspectorPage,
) -> None:
    later = [
        {"n": 6, "parent": 5, "kind": "invocation", "at": 1},
        {"n": 7, "parent": None, "kind": "frame", "at": 2},
        {"n": 8, "parent": 6, "kind": "sent", "at": 3},
        {"n": 9, "parent": 7, "kind": "invocation", "at": 3},
    ]

    shown = page.page.run(
        "const {Trace} = await import('/.inspector/trace.js');"
        f"const trace = new Trace(); trace.clear(5); trace.add({json.dumps(later)});"
        "return [...trace.nodes.keys()]"
    )

    assert shown == [7, 9]


def test_the_keyboard_reaches_everything(
    page: InspectorPage, gateway: DevGateway
) -> None:
    tab = page.page
    with gateway.client() as client:
        client.send(subscribe("keys"))
        client.recv()
        page.wait_for_row("message out", "keys")
    tab.press("?")
    assert "Pause or resume" in tab.wait_for_text("#help", "Keyboard")
    tab.press("Escape")
    tab.wait_for("return !document.querySelector('#help').open")

    tab.press("/")
    assert tab.run("return document.activeElement.name") == "text"
    tab.press("Escape")
    tab.run("document.querySelector('#tree').focus()")
    tab.press("Home")
    tab.wait_for_text("#detail", "connect")
    tab.press("ArrowLeft")
    tab.wait_for(
        "return document.querySelector('.row.selected').ariaExpanded === 'false'"
    )
    tab.press("ArrowRight")
    tab.press("ArrowDown")
    tab.wait_for_text("#detail h3", "$connect returned 200")
    selected = tab.run(
        "return document.querySelector('#tree').getAttribute('aria-activedescendant')"
        " === document.querySelector('.row.selected').id"
    )
    assert selected
    tab.press("Escape")
    tab.wait_for("return document.querySelector('#detail').hidden")

    tab.press("2")
    tab.wait_for("return !document.querySelector('#connections').hidden")
    tab.run("document.querySelector('#tab-connections').focus()")
    tab.press("ArrowRight")
    tab.wait_for("return !document.querySelector('#topics').hidden")
    assert tab.run("return document.activeElement.id") == "tab-topics"


def test_the_tab_key_goes_where_the_eye_does(page: InspectorPage) -> None:
    page.page.run("document.querySelector('#tab-activity').focus()")
    ids = []
    for _ in range(2):
        page.page.press("Tab")
        ids.append(page.page.run("return document.activeElement.id"))

    assert ids == ["theme", "help-button"]


def test_what_a_client_sends_is_text_and_nothing_else(
    page: InspectorPage, gateway: DevGateway
) -> None:
    with gateway.client() as client:
        client.send(subscribe(HOSTILE))
        client.recv()
        client.send(HOSTILE)
        client.recv()
        page.filter("text", "<img")
        page.wait_for_row("message in", HOSTILE)
        page.select("message in", "{", "<img")
        page.details(HOSTILE[:9])
        page.select("message in", HOSTILE)
        page.details(HOSTILE)

    made = page.page.run(
        "return document.querySelectorAll('#activity img, #activity script').length"
    )
    assert made == 0
    assert "inspector" in page.page.run("return document.title")


# The gateway's next answer is that messages have come, with five entries each.
FLOOD = """
const fetched = fetch;
window.fetch = (url, options) => {
  if (!String(url).endsWith('/follow')) return fetched(url, options);
  window.fetch = fetched;
  const entries = [];
  for (let at = %d; entries.length < %d;) {
    const n = at + entries.length;
    const about = {at: n / 1000, connection: 'c'};
    entries.push(
      {...about, n, parent: null, kind: 'frame', text: `{"number": ${n}}`, size: 15},
      {...about, n: n + 1, parent: n, kind: 'invocation', id: `i${n}`, event: {}},
      {...about, n: n + 2, parent: n + 1, kind: 'post', method: 'POST', status: 200},
      {...about, n: n + 3, parent: n + 2, kind: 'sent', text: `sent ${n}`, size: 9},
      {...about, n: n + 4, parent: n + 1, kind: 'result', value: {statusCode: 200}},
    );
  }
  return Promise.resolve(Response.json({entries, dropped: 0}));
};
"""


def test_only_what_is_seen_of_ten_thousand_entries_is_in_the_page(
    page: InspectorPage, gateway: DevGateway
) -> None:
    first = 1_000_000
    page.page.run(FLOOD % (first, 10_000))
    with gateway.client():
        page.wait_for_row("message out", f"sent {first + 9_995}")

    drawn, shown = page.page.run(
        "return [document.querySelectorAll('.row').length, "
        "document.querySelector('.space').offsetHeight / 28]"
    )
    assert drawn < 60
    assert shown > 8_000
    page.page.run("document.querySelector('#tree').scrollTop = 0")
    page.wait_for_row("connect", "/dev")
    page.page.run("document.querySelector('#tree').scrollTop = 1e9")
    page.wait_for_row("message out", f"sent {first + 9_995}")


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_its_colors_are_those_of_the_system_until_one_chooses(
    browser: Browser, gateway: DevGateway, *, is_dark: bool
) -> None:
    tab = open_page(browser, gateway).page
    tab.resize(1280, 800, is_dark=is_dark)
    color = "return getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(255, 255, 255)", "rgb(15, 18, 23)"

    assert tab.run(color) == (dark if is_dark else light)
    tab.press("t")
    assert tab.run(color) == light
    tab.press("t")
    assert tab.run(color) == dark


def test_it_fits_a_phone(browser: Browser, gateway: DevGateway) -> None:
    page = open_page(browser, gateway, PHONE)
    with gateway.client() as client:
        client.send(subscribe("a-topic-with-a-long-name" * 5))
        client.recv()
        page.wait_for_row("message in", "a-topic-with-a-long-name")
    page.page.run("document.querySelector('#tree').scrollTop = 1e9")
    page.select("message in", "a-topic")
    page.details("What happened")
    names = ["activity", "connections", "topics", "items", "shake", "costs"]
    for name in names:
        page.show(name)
        page.page.wait_for(f"return document.querySelector('#{name} :not(:empty)')")
        width, height = page.page.run(
            "const {scrollWidth, scrollHeight} = document.documentElement;"
            "return [scrollWidth, scrollHeight]"
        )
        inner = page.page.run(
            f"const it = document.querySelector('#{name}');"
            "return it.scrollWidth - it.clientWidth"
        )
        assert (width, height, inner) == (*PHONE, 0), name
