"""Clients that are wrong in how they end, or that make the machine busy; each a factory for ``--client``."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import flare_client


def _open(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    if secure:
        return flare_client.new_secure_session(username, kit, timeout=timeout, **further)
    return flare_client.new_insecure_session(kit, timeout=timeout, **further)


class _Around:
    def __init__(self, session: Any) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


class _Hangs(_Around):
    def list_jobs(self, *_: Any, **__: Any) -> Any:
        if "HANGS_NOTE" in os.environ:
            Path(os.environ["HANGS_NOTE"]).write_text(str(os.getpid()))
        threading.Event().wait()


class _Ends(_Around):
    def list_jobs(self, *_: Any, **__: Any) -> Any:
        sys.exit(5)

    def get_system_info(self) -> Any:
        print("last words", file=sys.stderr, flush=True)
        os._exit(3)

    def clone_job(self, *_: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    def get_job_meta(self, *_: Any) -> Any:
        raise KeyboardInterrupt


def hangs(*args: Any, **kwargs: Any) -> Any:
    """Never returns from list_jobs."""
    return _Hangs(_open(*args, **kwargs))


def ends(*args: Any, **kwargs: Any) -> Any:
    """Ends its process, in four ways."""
    return _Ends(_open(*args, **kwargs))


class _LateUntil(_Around):
    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._session.list_jobs(*args, **kwargs)
        finally:
            if not Path(os.environ["LATE_UNTIL_THERE"]).exists():
                time.sleep(2.5)


def late_until(*args: Any, **kwargs: Any) -> Any:
    """Returns from list_jobs two and a half seconds late until a file is there."""
    return _LateUntil(_open(*args, **kwargs))
