"""How a lab ends that is told to: with whatever it started."""

from __future__ import annotations

import signal
import sys

_TOLD_TO = 128 + signal.SIGTERM
"""The exit code of programs that a signal ended, as shells have it."""


def end_in_order_on_sigterm() -> None:
    """Have SIGTERM end this process as Ctrl-C does: official servers that it started are stopped first.

    To be called in the main thread.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TOLD_TO))
