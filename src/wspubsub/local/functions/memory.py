"""How much memory a process has used at most, where the system has that figure."""

import re
from pathlib import Path

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def peak_megabytes(pid: int) -> float:
    """Return the most memory that a process has occupied so far, in MB.

    That is its resident set without those of its children. It is 0 where there is no
    `/proc`, and after the process has ended.
    """
    try:
        found = _PEAK.search(Path("/proc", str(pid), "status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0
