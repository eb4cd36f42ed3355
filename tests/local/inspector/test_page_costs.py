"""What streams and queues cost, in the page."""

import pytest

from tests.support.browser import Browser
from tests.support.inspector_page import InspectorPage, open_page
from tests.support.servers.gateways import APPS, dev

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def rows(page: InspectorPage) -> dict[str, list[str]]:
    """Return what the tables of the view say, by the first two cells of each row."""
    found = page.page.run(
        "return [...document.querySelectorAll('#costs tbody tr')].map((row) => "
        "[...row.cells].map((cell) => cell.innerText))"
    )
    return {f"{first} {second}": rest for first, second, *rest in found}


def test_streams_and_queues_are_billed(browser: Browser) -> None:
    handler = f"{APPS / 'records.py'}:handler"
    with dev(handler, "--streams", "--queue", "--environments", "1") as gateway:
        page = open_page(browser, gateway)
        with gateway.client() as client:
            client.send("told to the queue")
            gateway.wait_for_line("told to the queue")
        page.show("costs")
        page.page.wait_for_text("#costs", "DeleteMessageBatch")
        page.page.wait_for_text("#costs", "GetRecords")
        page.page.wait_for_text("#costs", "aws:sqs")

        found = rows(page)

    sent, received, deleted = (
        found[f"wspubsub {operation}"]
        for operation in ("SendMessage", "ReceiveMessage", "DeleteMessageBatch")
    )
    assert sent[:3] == ["the application", "1", "1"]
    assert {received[0], deleted[0]} == {"Lambda"}
    assert deleted[1] == deleted[2]
    assert found["stream GetRecords"][0] == "Lambda"
    assert found["stream GetRecords"][2:] == ["0", "free"]
    names = [name.rpartition(" ")[0] for name in found]
    assert {"aws:sqs", "SQS requests"} <= {*names}
    assert "$0.40" in {each[0] for each in found.values()}
