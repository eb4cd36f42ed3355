"""`--reload`: new code for the next event, no event lost."""

import json
import os
from pathlib import Path

import pytest

from tests.support.servers.gateways import (
    DevGateway,
    Record,
    descendants,
    dev,
    have_ended,
)
from wspubsub.local.functions.reload import Sources

APP = """
import time
from pathlib import Path

def handler(event, context):
    body = event.get("body") or ""
    while body.startswith("wait for ") and not Path(body[9:]).exists():
        time.sleep(0.01)
    return {{"statusCode": 200, "body": {answer!r}}}
"""


ENDLESS = """
from pathlib import Path

Path({pipe!r}).read_text()  # until whoever writes to it is done
"""


def _is_change(record: Record) -> bool:
    return "app.py has changed" in record.get("text", "")


def _save(path: Path, text: str) -> None:
    # At once, as editors do: a file that is half written is a change of its own.
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


@pytest.mark.slow
@pytest.mark.integration
def test_changed_sources_are_served_without_losing_what_runs(
    chat: DevGateway, tmp_path: Path
) -> None:
    app, flag = tmp_path / "app.py", tmp_path / "flag"
    _save(app, APP.format(answer="old"))
    arguments = ["--two-way", "--reload", "--dynamodb", chat.dynamodb_url]

    with (
        dev("app:handler", *arguments, cwd=tmp_path) as gateway,
        gateway.client() as client,
    ):
        client.send(f"wait for {flag}")
        _save(app, APP.format(answer="new"))
        gateway.wait_for(_is_change)
        client.send("now")
        assert client.recv(10) == "new"
        flag.touch()
        assert client.recv(10) == "old"

        _save(app, "this is no Python")
        # The warning alone may be about the start for the change before, which finds
        # the broken file already.
        gateway.wait_for(_is_change, count=2)
        client.send("now")
        broken = json.loads(client.recv(10))
        gateway.wait_for(lambda each: each["kind"] == "warning")
        _save(app, APP.format(answer="mended"))
        gateway.wait_for(_is_change, count=3)
        client.send("now")
        assert client.recv(10) == "mended"

    assert broken["message"] == "Internal server error"


@pytest.mark.integration
@pytest.mark.slow
def test_the_newest_of_many_changes_is_served_and_old_processes_end(
    chat: DevGateway, tmp_path: Path
) -> None:
    app = tmp_path / "app.py"
    _save(app, APP.format(answer="old"))
    arguments = ["--two-way", "--reload", "--dynamodb", chat.dynamodb_url]
    outdated: set[int] = set()

    with (
        dev("app:handler", *arguments, cwd=tmp_path) as gateway,
        gateway.client() as client,
    ):
        for number in range(1, 6):
            outdated |= descendants(gateway.process.pid)
            _save(app, APP.format(answer=f"change {number}"))
            gateway.wait_for(_is_change, count=number)
        client.send("now")

        assert client.recv(10) == "change 5"
        assert outdated
        assert have_ended(outdated)
        assert not gateway.lines("Traceback")


@pytest.mark.integration
@pytest.mark.slow
def test_a_change_is_seen_while_the_one_before_is_still_being_imported(
    chat: DevGateway, tmp_path: Path
) -> None:
    app, pipe = tmp_path / "app.py", tmp_path / "pipe"
    os.mkfifo(pipe)
    _save(app, APP.format(answer="old"))
    arguments = ["--two-way", "--reload", "--dynamodb", chat.dynamodb_url]

    with (
        dev("app:handler", *arguments, cwd=tmp_path) as gateway,
        gateway.client() as client,
    ):
        _save(app, ENDLESS.format(pipe=str(pipe)))
        with pipe.open("w"):  # as soon as somebody reads it
            _save(app, APP.format(answer="new"))
            gateway.wait_for(_is_change, count=2)
            client.send("now")

            assert client.recv() == "new"
            assert not [each for each in gateway.records if each["kind"] == "warning"]


def test_a_change_is_any_file_that_comes_goes_or_is_written(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    inner = tmp_path / "package" / "inner.py"
    sources = Sources([tmp_path])
    assert sources.find_change() is None

    inner.write_text("1")
    assert sources.find_change() == inner
    os.utime(inner, ns=(1, 1))
    assert sources.find_change() == inner
    assert sources.find_change() is None
    inner.unlink()
    assert sources.find_change() == inner


def test_files_that_are_not_the_projects_do_not_count(tmp_path: Path) -> None:
    sources = Sources([tmp_path])
    for name in (".git", "node_modules", "__pycache__", "env"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyvenv.cfg").touch()
        (tmp_path / name / "module.py").touch()
    (tmp_path / "notes.txt").touch()

    assert sources.find_change() is None
