"""`scripts/check-language` finds what a reader would stumble over."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "check-language"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("This is no event.", "is not a"),
        ("It is none of ours.", "is not one"),
        ("After so many seconds", "this many"),
        ("It begins anew.", "again"),
        ("What one says, all hear.", "what a client says"),
        ("It tells what is wrong.", "reports"),
        ("A message that is not done with", "processed"),
        ("The time-out is over.", "timeout"),
        ("The behaviour of the gateway", "behavior"),
        ("It was recieved.", "received"),
    ],
)
def test_a_phrase_or_a_spelling_is_found(
    text: str, complaint: str, tmp_path: Path
) -> None:
    run = check(text, tmp_path)

    assert run.returncode == 1
    assert complaint in run.stdout


@pytest.mark.parametrize(
    "text",
    [
        "There is no connection, and it is no longer needed.",
        "It lasts so long as the process does.",
        "The timeout is 10 seconds.",
    ],
)
def test_plain_english_passes(text: str, tmp_path: Path) -> None:
    run = check(text, tmp_path)

    assert (run.returncode, run.stdout) == (0, "")


def check(text: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    page = folder / "page.md"
    page.write_text(text)
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(page)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
