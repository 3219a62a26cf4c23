"""A lab that is told to end takes with it what it started."""

from __future__ import annotations

import signal
import subprocess
import sys

_PROGRAM = """
import threading
from conformance.lab.ending import end_in_order_on_sigterm
end_in_order_on_sigterm()
try:
    print("begun", flush=True)
    threading.Event().wait(60)
finally:
    print("stopped what it started", flush=True)
"""


def test_sigterm_ends_it_in_order() -> None:
    with subprocess.Popen([sys.executable, "-c", _PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "stopped what it started\n"
    assert process.returncode == 128 + signal.SIGTERM
