"""What the page offers for rules of faults is what the gateway takes."""

import re
from pathlib import Path

import wspubsub.local.inspector
from wspubsub.faults.reading import MATCHED
from wspubsub.faults.rules import ACTIONS, Service

PAGE = Path(wspubsub.local.inspector.__file__).with_name("page")


def test_the_page_offers_what_each_service_can_be_made_to_do_and_matched_by() -> None:
    source = (PAGE / "shake.js").read_text()
    services = source.partition("const SERVICES = {")[2].partition("\n};")[0]
    lists = re.findall(r"(\w+): \[\s*\"[^\"]+\",\s*(\[.*?\]),\s*(\[.*?\])", services)

    offered = {
        name: ({*re.findall(r"\w+", actions)}, {*re.findall(r"\w+", matched)})
        for name, actions, matched in lists
    }

    assert offered == {
        each.value: ({action.value for action in ACTIONS[each]}, {*MATCHED[each]})
        for each in Service
    }
