"""The JavaScript module does what the vectors say, in Node and in a browser."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import run_browser
from tests.support.javascript import MODULE, SCRIPTS, run_node, serve
from tests.support.servers.gateways import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.slow]

VECTORS = Path(__file__).parent / "vectors"
STORIES: list[dict[str, Any]] = [
    json.loads(path.read_text())
    for path in sorted([*VECTORS.glob("*.json"), *VECTORS.glob("javascript/*.json")])
]
Results = Mapping[str, str]


def run_in_node(_: Path) -> Results:
    module, runner = str(MODULE / "index.js"), str(SCRIPTS / "vector_runner.mjs")
    script = SCRIPTS / "run_vectors.mjs"
    results: Results = run_node(script, module, runner, text=json.dumps(STORIES))
    return results


def run_in_chromium(folder: Path) -> Results:
    with serve(ROOT) as url, run_browser(folder) as browser:
        page = browser.new_page()
        page.open(f"{url}/tests/")  # any page of this origin will do
        module = f"{url}/{MODULE.relative_to(ROOT)}/index.js"
        runner = f"{url}/{SCRIPTS.relative_to(ROOT)}/vector_runner.mjs"
        results: Results = page.run(
            f"const {{ PubSubClient }} = await import({json.dumps(module)});"
            f"const {{ runAll }} = await import({json.dumps(runner)});"
            f"return runAll({json.dumps(STORIES)}, PubSubClient);"
        )
        return results


RUNNERS = {"node": run_in_node, "chromium": run_in_chromium}


@pytest.fixture(scope="module", params=RUNNERS)
def results(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Results:
    return RUNNERS[request.param](tmp_path_factory.mktemp("profile"))


@pytest.mark.parametrize("name", [story["name"] for story in STORIES])
def test_the_module_does_what_the_vector_says(results: Results, name: str) -> None:
    assert results[name] == ""
