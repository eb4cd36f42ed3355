"""The Serverless example, packaged."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.servers.gateways import ROOT, environment

EXAMPLE = ROOT / "examples" / "chat" / "serverless"
NODE_MODULES = ROOT / ".tools" / "node" / "node_modules"
TEMPLATE = "cloudformation-template-update-stack.json"


def packaged(tool: str, folder: Path, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return the template that a tool makes of the example.

    Args:
        tool: `osls` or `serverless`.
        folder: Where it is packaged; it does not exist yet.
        parameters: What `--param` gives.
    """
    shutil.copytree(
        EXAMPLE,
        folder,
        ignore=shutil.ignore_patterns("node_modules", "build", ".serverless*"),
    )
    (folder / "node_modules").symlink_to(NODE_MODULES)
    for name in ("app.zip", "authorizer.zip"):
        (folder / name).write_bytes(b"")
    given = [f"--param={name}={value}" for name, value in parameters.items()]
    done = subprocess.run(
        [NODE_MODULES / ".bin" / tool, "package", *given],
        cwd=folder,
        env=environment(
            {"SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off"}
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    template: dict[str, Any] = json.loads(
        (folder / ".serverless" / TEMPLATE).read_text()
    )
    return template
