"""cfn-lint, as somebody runs it on a template."""

import subprocess
import sys
from pathlib import Path


def cfn_lint(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run cfn-lint to its end.

    Args:
        arguments: Its options, and the templates.
    """
    return subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
