"""The library as it is packaged for Lambda: docs/how-to/package-for-lambda.md."""

import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.support.servers.gateways import CHAT, ROOT, dev

PAGE = ROOT / "docs" / "how-to" / "package-for-lambda.md"
NOT_ON_LAMBDA = ("testing", "gateway", "local", "handlers", "deployment", "cli")
MB = 1_000_000

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


def test_it_weighs_what_the_documentation_says(build: Path, tmp_path: Path) -> None:
    (said,) = re.findall(
        r"^\| `wspubsub` \| ([\d.]+) MB \| ([\d.]+) MB \|$",
        PAGE.read_text(),
        re.MULTILINE,
    )
    files = [path for path in build.rglob("*") if path.is_file()]

    with zipfile.ZipFile(tmp_path / "it.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path)
    zipped = (tmp_path / "it.zip").stat().st_size
    unpacked = sum(path.stat().st_size for path in files)

    assert said == (f"{zipped / MB:.1f}", f"{unpacked / MB:.1f}")


def test_it_has_no_compiled_parts(build: Path) -> None:
    suffixes = {path.suffix for path in build.rglob("*") if path.is_file()}
    (tags,) = build.glob("*.dist-info/WHEEL")

    assert not suffixes & {".so", ".pyd", ".dylib", ".pyc"}
    assert "Tag: py3-none-any\n" in tags.read_text()


def test_the_chat_runs_from_it_under_lambdas_own_runtime_client(
    build: Path, tmp_path: Path
) -> None:
    task = tmp_path / "task"
    shutil.copytree(build, task)
    for name in NOT_ON_LAMBDA:
        shutil.rmtree(task / "wspubsub" / name)
    shutil.copy(CHAT, task / "app.py")
    (task / "entry.py").write_text(
        "import wspubsub\n"
        "from app import handler\n"
        "print('the library is', wspubsub.__file__)\n"
    )

    with dev(f"{task / 'entry.py'}:handler", "--runtime", "awslambdaric") as gateway:
        with gateway.client() as reader, gateway.client() as writer:
            reader.send('{"type": "subscribe", "topic": "t"}')
            subscribed = json.loads(reader.recv(20))
            writer.send('{"type": "message", "topic": "t", "message": 1}')
            received = json.loads(reader.recv(20))
        where = gateway.wait_for_line("the library is")

    assert subscribed == {"type": "subscribed", "topic": "t"}
    assert received["message"] == 1
    assert where == f"the library is {task / 'wspubsub' / '__init__.py'}"
