"""The command `wspubsub` while it runs, and what it leaves behind: nothing."""

import json
import signal
import subprocess
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.servers.gateways import (
    APPS,
    CHAT,
    CREDENTIALS,
    ROOT,
    DevGateway,
    command,
    connect_patiently,
    descendants,
    dev,
    environment,
    have_ended,
    run,
)
from tests.support.servers.raw import HANDSHAKE, RawClient
from wspubsub import __version__

pytestmark = pytest.mark.integration

PROBE = f"{APPS / 'probe.py'}:handler"


@pytest.mark.slow
def test_a_module_that_stops_importing_is_tried_again_with_the_next_event(
    chat: DevGateway, tmp_path: Path
) -> None:
    with dev(
        f"{APPS / 'flags.py'}:handler",
        *("--two-way", "--environments", "1", "--dynamodb", chat.dynamodb_url),
        environ={"FLAGS": str(tmp_path), **CREDENTIALS},
    ) as gateway:
        with gateway.client() as client:
            (tmp_path / "broken").touch()
            client.send("exit")
            ended = json.loads(client.recv(10))
            client.send("broken now")
            broken = json.loads(client.recv(10))
            with pytest.raises(InvalidStatus) as caught:
                gateway.client()
            (tmp_path / "broken").unlink()
            client.send("mended")

            assert client.recv(10) == f"running in {tmp_path.name}"
        assert ended["message"] == broken["message"] == "Internal server error"
        assert caught.value.response.status_code == 502
        assert gateway.wait_for_line("does not like to be imported")
        assert gateway.wait_for(
            lambda each: "without providing a reason" in each.get("error", "")
        )


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    with dev(PROBE, cwd=tmp_path) as gateway, gateway.client() as client:
        client.send(json.dumps({"action": "hang"}))
        gateway.wait_for_line("HANGING")
        processes = descendants(gateway.process.pid)

        status = gateway.stop(signal.SIGINT)

        with pytest.raises(ConnectionClosed) as caught:
            client.recv(10)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001
    (closed,) = (each for each in gateway.records if each["kind"] == "closed")
    assert (closed["by"], closed["code"]) == ("gateway", 1001)
    assert status == 0
    assert len(processes) >= 3  # DynamoDB, the worker, and what that has started
    assert have_ended(processes)


@pytest.mark.slow
def test_ctrl_c_during_the_start_ends_everything() -> None:
    with subprocess.Popen(
        command("dev", PROBE, "--port", "0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment({}),
    ) as process:
        while not (processes := descendants(process.pid)):
            assert process.poll() is None

        process.send_signal(signal.SIGINT)
        output, complaints = process.communicate(timeout=20)

    assert (process.returncode, output, complaints) == (0, "", "")
    assert have_ended(processes)


@pytest.mark.slow
def test_sigterm_ends_the_demo() -> None:
    with subprocess.Popen(
        command("demo", "--messages", "1000"),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment({}),
    ) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline().startswith("gateway at ws://")
        processes = descendants(demo.pid)

        demo.send_signal(signal.SIGTERM)

        assert demo.wait(20) == 130
    assert processes
    assert have_ended(processes)


@pytest.mark.slow
def test_children_end_by_themselves_when_the_gateway_is_killed() -> None:
    with dev(PROBE) as gateway:
        with gateway.client() as client:
            client.send(json.dumps({"action": "hang"}))
            gateway.wait_for_line("HANGING")
            processes = descendants(gateway.process.pid)

            status = gateway.stop(signal.SIGKILL)

        assert status == -signal.SIGKILL
        assert len(processes) >= 3
        assert have_ended(processes)


@pytest.mark.slow
def test_a_reader_of_the_log_that_goes_away_ends_the_gateway(chat: DevGateway) -> None:
    with subprocess.Popen(
        command("dev", PROBE, "--port", "0", "--dynamodb", chat.dynamodb_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(CREDENTIALS),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        url = process.stdout.readline().split()[1]
        process.stdout.close()
        with RawClient(int(url.rsplit(":", 1)[1].partition("/")[0])) as client:
            client.send(HANDSHAKE.format(host="localhost", query="").encode())

        assert process.wait(20) == 1
        assert process.stderr.read() == ""


@pytest.mark.slow
def test_the_demo_counts_what_arrives() -> None:
    done = run("demo", "--messages", "5", "--interval", "0.1", environ={})

    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in lines if line[:4] == "sent"] == [
        f"sent {n}" for n in range(1, 6)
    ]
    received = [line for line in lines if line.startswith("received ")]
    assert sorted(received) == [f"received {n}" for n in range(1, 6)]


def test_the_log_for_people_has_a_line_an_event(chat: DevGateway) -> None:
    arguments = ["--port", "0", "--dynamodb", chat.dynamodb_url]

    with subprocess.Popen(
        command("dev", f"{CHAT}:handler", *arguments),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(CREDENTIALS),
    ) as process:
        assert process.stdout is not None
        head = [process.stdout.readline() for _ in range(11)]
        url = head[1].split()[1]
        _knock(url)
        log = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGINT)

    assert head[0] == f"wspubsub {__version__} serves {CHAT}:handler\n"
    assert head[9].startswith("  Inspector       http://127.0.0.1:")
    assert head[10].endswith(f" -m websockets {url}\n")
    routes = "$connect, $disconnect, $default, message, subscribe, unsubscribe"
    assert head[6] == f"  Routes          {routes}\n"
    assert [line.split()[2] for line in log] == [
        "$connect",
        "opened",
        "closed",
        "$disconnect",
    ]
    assert "\x1b" not in "".join(head + log)


def _knock(url: str) -> None:
    with connect_patiently(url):
        pass
