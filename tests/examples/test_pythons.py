"""The library's tests on the Pythons of Lambda that this machine does not have.

CPython compiled to WebAssembly is the interpreter that Lambda runs, without sockets,
threads and processes: all that the library does by itself can run there.
"""

import subprocess
from pathlib import Path

import pytest

from tests.support.servers.gateways import ROOT

TOOLS = ROOT / ".tools"
# The releases of Pyodide that have a Python, as scripts/check-examples installs them.
PYODIDES = {"3.12": "0.27", "3.13": "0.29", "3.14": "314"}
TESTS = [
    "core/test_backoff.py",
    "core/test_errors.py",
    "core/test_events.py",
    "mappings/test_records.py",
    "mappings/test_rules.py",
    "eventsources/test_event_sources.py",
    "gateway/test_accepting.py",
    "gateway/test_authorizers.py",
    "gateway/test_config.py",
    "gateway/test_conformance.py",
    "gateway/test_events.py",
    "gateway/test_management.py",
    "gateway/test_model.py",
    "gateway/test_results.py",
    "gateway/test_rules.py",
    "gateway/test_rules_ends.py",
    "core/test_messages.py",
    "core/test_publisher.py",
    "core/test_records.py",
    "core/test_responses.py",
    "core/test_router.py",
    "core/test_router_errors.py",
    "core/test_selection.py",
    "testing/test_clients.py",
    "testing/test_events.py",
    "testing/test_gateway.py",
    "testing/test_gateway_time.py",
    "testing/test_recording.py",
    "core/test_topics.py",
]
IMPOSSIBLE = {
    # A stack too short for JSON that is nested as deeply as these have it.
    "test_what_has_no_text_form_is_refused",
    "test_what_is_not_json_is_the_client_s_mistake",
    "test_a_message_without_the_path_names_no_route",
    # One event loop, which is JavaScript's.
    "test_an_async_handler_is_awaited",
    # No time zones.
    "test_times_are_utc_and_english_wherever_the_machine_is",
    # Hypothesis has lost its last release without compiled parts before this worked.
    "test_it_gives_text_for_any_message",
}

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def on(python: str, *arguments: str) -> tuple[int, str]:
    """Run pytest on a Python and return its exit status and what it printed."""
    pyodide = TOOLS / f"pyodide-{PYODIDES[python]}" / "node_modules" / "pyodide"
    script = str(Path(__file__).with_name("wasm_pytest.mjs"))
    done = subprocess.run(
        [
            *("node", "--stack-size=4000", script),
            *map(str, (pyodide, TOOLS / "any-python", ROOT)),
            *arguments,
            # No files for captured output there, and no plug-ins of this environment.
            *("-q", "-s", "-c", "/dev/null", "--rootdir", "/repository"),
            *("-p", "no:cacheprovider", "--noconftest", "--import-mode=importlib"),
            *("-W", "error", "-o", "pythonpath=.", "-o", "markers=integration"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("python", PYODIDES)
def test_the_tests_pass_on_every_python_of_lambda(python: str) -> None:
    selection = " and ".join(f"not {name}" for name in sorted(IMPOSSIBLE))
    files = [f"tests/{name}" for name in (*TESTS, "examples/every_module.py")]

    status, output = on(python, "-k", selection, *files)

    assert f"Python {python}." in output
    assert status == 0, output[-5000:]
