"""The example for AWS CDK, synthesized as `cdk synth` does."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.servers.gateways import CHAT, ROOT, environment

TOKENS = {
    "jwks_url": "https://issuer.example/jwks.json",
    "jwt_issuer": "https://issuer.example/",
    "jwt_audience": "chat",
    "allowed_origins": "https://chat.example",
}
"""The context that has tokens checked."""


def packaged(folder: Path) -> Path:
    """Copy the chat and package its code, and return the folder of the app."""
    chat, app = folder / "chat", folder / "chat" / "cdk"
    made = shutil.ignore_patterns("build*", "cdk.out", "__pycache__")
    shutil.copytree(CHAT.parent / "cdk", app, ignore=made)
    shutil.copy(CHAT, chat)
    shutil.copytree(ROOT / "src" / "wspubsub", app / "build" / "wspubsub")
    shutil.copy(CHAT, app / "build")
    # What is in it is no part of the template.
    (app / "build-authorizer").mkdir()
    return app


def synthesized(
    app: Path, name: str, context: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run the app.

    Args:
        app: Its folder.
        name: Folder in it for what the app writes.
        context: What `cdk -c` gives.
    """
    return subprocess.run(
        [sys.executable, "main.py"],
        cwd=app,
        env=environment(
            {"CDK_OUTDIR": str(app / name), "CDK_CONTEXT_JSON": json.dumps(context)}
        ),
        capture_output=True,
        text=True,
        check=False,
    )


def template(app: Path, name: str, context: Mapping[str, str]) -> Path:
    """Run the app and return the file with the template."""
    done = synthesized(app, name, context)
    assert done.returncode == 0, done.stderr
    return app / name / "chat.template.json"
