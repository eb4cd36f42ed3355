"""`wspubsub dev` as process 1 of a container that has no init."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.servers.gateways import (
    CREDENTIALS,
    PATIENCE_SECONDS,
    DevGateway,
    command,
    descendants,
    environment,
    have_ended,
)

pytestmark = [pytest.mark.integration, pytest.mark.slow]

NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
APP = """
import subprocess, time

def handler(event, context):
    if event.get("body") == "leave an orphan":
        subprocess.run(["/bin/sh", "-c", "sleep 300 & sleep 300 &"])
    if event.get("body") == "hang":
        print("HANGING", flush=True)
        time.sleep(300)
    return {"statusCode": 200, "body": "done"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            [*NAMESPACE, "true"], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("making a PID namespace is not permitted")
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def first_process(unshare: int) -> int:
    """Return the process that is number 1 in the namespace, as others see it."""
    children = Path(f"/proc/{unshare}/task/{unshare}/children")
    return int(children.read_text())


def test_sigterm_ends_it_while_a_handler_is_busy_and_another_has_left_orphans(
    chat: DevGateway, folder: Path
) -> None:
    arguments = ["--two-way", "--port", "0", "--json-logs"]
    with subprocess.Popen(
        [
            *NAMESPACE,
            *command("dev", "app.py:handler", *arguments),
            *("--dynamodb", chat.dynamodb_url),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment(CREDENTIALS),
    ) as process:
        gateway = DevGateway(process)
        with gateway.client() as client:
            client.send("leave an orphan")
            assert client.recv(10) == "done"
            client.send("hang")
            gateway.wait_for_line("HANGING")
            processes = descendants(process.pid)
            first = first_process(process.pid)

            os.kill(first, signal.SIGTERM)

            assert process.wait(PATIENCE_SECONDS) == 0
        assert len(processes) >= 4
        assert have_ended(processes)
        closed = gateway.wait_for(lambda each: each["kind"] == "closed")
        assert (closed["code"], closed["by"]) == (1001, "gateway")
