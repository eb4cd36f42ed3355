"""A handler whose module can be imported only while no file forbids it."""

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("FLAGS", "."))

if (FOLDER / "broken").exists():
    raise RuntimeError("this module does not like to be imported")
if (FOLDER / "slow-once").exists():
    (FOLDER / "slow-once").unlink()
    time.sleep(60)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    body = event.get("body")
    if body == "exit":
        os._exit(0)
    elif body == "exit soon":
        print("EXITING", os.getpid())
        threading.Timer(0.05, os._exit, (0,)).start()
    elif body == "daemon":
        start_daemon()
    return {"statusCode": 200, "body": f"running in {FOLDER.name}"}


def start_daemon() -> None:
    daemon = subprocess.Popen(["/bin/sleep", "30"], start_new_session=True)
    print("DAEMON", daemon.pid)
    daemon.returncode = 0  # it is left to itself
