"""The READMEs of the examples, followed as they stand until an account is needed."""

from pathlib import Path

import pytest

from tests.examples.reader import Reader
from tests.examples.readme import ACCOUNT, blocks
from tests.support.chat_script import converse
from tests.support.servers.gateways import ROOT

EXAMPLES = ROOT / "examples"
READMES = sorted(
    path.relative_to(EXAMPLES).as_posix()
    for path in EXAMPLES.glob("*/**/README.md")
    if not {"node_modules", "build"} & set(path.parts)
)
LOCAL_ONLY = {"chat/README.md"}
"""The folders below the chat's deploy it."""

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.mark.parametrize("name", READMES)
def test_what_needs_no_account_works_as_it_stands(
    name: str,
    clone: Path,
    set_up: Path,
    reader_environ: dict[str, str],
    tmp_path: Path,
) -> None:
    found = blocks((clone / "examples" / name).read_text())
    reader = Reader(clone, tmp_path / "notes", reader_environ, set_up / "env")

    try:
        outputs = [reader.follow(block) for block in found]
    finally:
        reader.stop()

    assert found[0].commands.splitlines()[0].startswith("cd examples/")
    assert len(outputs) > 1


@pytest.mark.parametrize("name", sorted(set(READMES) - LOCAL_ONLY))
def test_a_readme_says_all_that_somebody_who_deploys_asks(name: str) -> None:
    text = (EXAMPLES / name).read_text()

    before, account, after = text.partition(ACCOUNT)

    assert "```sh" in before
    assert account
    assert after.lstrip().startswith("## Deploy")
    for title in ("Try it", "Logs", "Remove it", "What it costs"):
        assert f"\n## {title}\n" in after, f"{name} has no section {title}"
    assert "an hour" in after
    assert "a million" in after


def test_clients_have_the_whole_conversation_under_serverless_offline(
    clone: Path, set_up: Path, reader_environ: dict[str, str], tmp_path: Path
) -> None:
    text = (clone / "examples" / "chat" / "serverless" / "README.md").read_text()
    *before, clients = blocks(text)
    reader = Reader(clone, tmp_path / "notes", reader_environ, set_up / "env")

    try:
        for block in before:
            reader.follow(block)
        converse(clients.commands.split()[-1], is_durable=False)
    finally:
        reader.stop()
