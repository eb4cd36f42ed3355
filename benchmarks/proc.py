"""What `/proc` says of processes: their memory, and the time of their trees."""

import os
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from benchmarks.errors import MissingError

_PROC = Path("/proc")
# Of the fields behind a process's name (proc_pid_stat(5)): its parent, its own times,
# and those of its children that have ended.
_PARENT, _TIMES = 1, slice(11, 15)


def require_proc() -> None:
    """Check that there is one.

    Raises:
        MissingError: There is none.
    """
    if not (_PROC / "self/status").exists():
        raise MissingError("processes are measured by /proc; it runs on Linux")


def megabytes(pid: int) -> float:
    """Return the resident memory of a process."""
    status = (_PROC / str(pid) / "status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and of all that it has started."""
    times: dict[int, int] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for folder in _PROC.glob("[0-9]*"):
        with suppress(OSError):  # it may end while it is looked at
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            times[int(folder.name)] = sum(map(int, fields[_TIMES]))
            children[int(fields[_PARENT])].append(int(folder.name))
    tree = [pid]
    for each in tree:
        tree += children[each]
    return sum(times.get(each, 0) for each in tree) / os.sysconf("SC_CLK_TCK")
