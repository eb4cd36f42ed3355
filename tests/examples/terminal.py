"""A terminal in which something goes on until somebody presses Ctrl-C."""

import os
import signal
import subprocess
import threading
from contextlib import suppress

READY_SECONDS = 60.0


class Terminal:
    """A process that goes on, and what it has printed.

    Args:
        process: Leads a session of its own; its output is a pipe of text.
        name: What messages call it.
    """

    def __init__(self, process: "subprocess.Popen[str]", name: str) -> None:
        self._process, self._name = process, name
        self._output: list[str] = []
        self._news = threading.Condition()
        self._is_over = False
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def wait_for(self, text: str) -> str:
        """Return what was printed once it has a text; it must go on then."""
        with self._news:
            self._news.wait_for(
                lambda: self._is_over or text in self._printed, READY_SECONDS
            )
            printed = self._printed
        if text not in printed or self._is_over:
            self.interrupt()
            raise AssertionError(f"{self._name} has not printed {text!r}:\n{printed}")
        return printed

    def interrupt(self) -> str:
        """Press Ctrl-C and return what is wrong with how it ends, if anything is."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        try:
            self._process.wait(READY_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        # What it has started and left behind.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._thread.join(READY_SECONDS)
        if self._process.returncode in {0, 130, -signal.SIGINT}:
            return ""
        return f"{self._name} ended with {self._process.returncode}:\n{self._printed}"

    @property
    def _printed(self) -> str:
        return "".join(self._output)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with self._news:
                    self._output.append(line)
                    self._news.notify_all()
        with self._news:
            self._is_over = True
            self._news.notify_all()
