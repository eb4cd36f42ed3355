"""Waits as an execution environment on Lambda does: frozen.

"Understanding the Lambda execution environment lifecycle": between two invocations the
environment is frozen. A thread that a handler leaves behind goes on with the next
invocation, or never. What works on a laptop only because such a thread runs on would
not work on Lambda.

The main thread waits here without releasing Python's global interpreter lock, so that
no other thread runs Python code. That stops neither what such a thread does in C nor
other processes; the bootstrap loads this file by its path.
"""

import ctypes
import errno
import os
import select


class _PollDescriptor(ctypes.Structure):
    _fields_ = (
        ("descriptor", ctypes.c_int),
        ("events", ctypes.c_short),
        ("found", ctypes.c_short),
    )


# Whose calls keep Python's lock.
_LIBRARY = ctypes.PyDLL(None, use_errno=True) if os.name == "posix" else None


def wait_frozen(descriptor: int) -> None:
    """Wait until a descriptor can be read while all other threads stand still."""
    if _LIBRARY is None:
        return  # the caller's own reading waits, and threads run on
    wanted = _PollDescriptor(descriptor, select.POLLIN, 0)
    # A signal's handler runs between two attempts.
    while _LIBRARY.poll(ctypes.byref(wanted), ctypes.c_ulong(1), -1) < 0:
        if ctypes.get_errno() != errno.EINTR:
            return
