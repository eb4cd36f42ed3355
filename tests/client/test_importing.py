"""What importing the client loads, how long that takes, and what it needs."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

REPORT = """
import sys, time
before = time.process_time()
import wspubsub.client
print(round(1000 * (time.process_time() - before)), *sys.modules)
"""


def run(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


def test_a_client_loads_nothing_of_aws(capsys: pytest.CaptureFixture[str]) -> None:
    milliseconds, *modules = run(REPORT).stdout.split()

    with capsys.disabled():
        print(f"\nimport wspubsub.client: {milliseconds} ms of CPU time")  # noqa: T201 - CI shows it
    assert not {"boto3", "botocore", "wspubsub.aws", "wspubsub.pubsub"} & {*modules}
    assert "wspubsub.client.sequencer" in modules


def test_without_the_extra_it_says_what_to_install() -> None:
    failed = run("import sys; sys.modules['centrifuge'] = None\nimport wspubsub.client")

    assert "pip install 'wspubsub[client]'" in failed.stderr
