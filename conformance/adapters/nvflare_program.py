"""The official nvflare client as a program on stdio; run by path with the Python of its own environment."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

program: Any = importlib.import_module("program")
flare_api: Any = importlib.import_module("nvflare.fuel.flare_api.flare_api")


def open_session(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    """Open a session with the official functions."""
    if secure:
        return flare_api.new_secure_session(username, kit, timeout=timeout, **further)
    return flare_api.new_insecure_session(kit, timeout=timeout, **further)


if __name__ == "__main__":
    program.main(open_session, flare_api.basic_cb_with_print)
