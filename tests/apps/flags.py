"""A handler whose module can be imported only while no file forbids it."""

import json
import os
import signal
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


ticks: list[float] = []


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    body = event.get("body")
    if body == "exit":
        os._exit(0)
    elif body == "exit soon":
        print("EXITING", os.getpid())
        # Threads stand still between invocations; this signal ends the process.
        signal.setitimer(signal.ITIMER_REAL, 0.05)
    elif body == "tick":
        threading.Thread(target=tick, daemon=True).start()
    elif body == "ticks":
        return {"statusCode": 200, "body": json.dumps(hear_ticks())}
    elif body == "use memory":
        use_memory()
    elif body is not None and body.startswith("wait for "):
        wait_for(Path(body.removeprefix("wait for ")))
    elif body == "daemon":
        start_daemon()
    return {"statusCode": 200, "body": f"running in {FOLDER.name}"}


def tick() -> None:
    while True:
        ticks.append(time.monotonic())
        time.sleep(0.001)


def hear_ticks() -> list[float]:
    known = len(ticks)
    while known and len(ticks) == known:
        time.sleep(0.001)
    return ticks


def wait_for(path: Path) -> None:
    (FOLDER / "waiting").touch()
    while not path.exists():
        time.sleep(0.01)


def use_memory() -> None:
    kept = bytearray(150_000_000)
    while kept:
        time.sleep(0.01)


def start_daemon() -> None:
    daemon = subprocess.Popen(["/bin/sleep", "30"], start_new_session=True)
    print("DAEMON", daemon.pid)
    daemon.returncode = 0  # it is left to itself
