"""The official nvflare client as a program on stdio; run by path with the Python of its own environment."""

from __future__ import annotations

import importlib
import inspect
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


def release() -> str:
    """The release line that is installed here; an official client speaks that one alone."""
    return ".".join(version().split(".")[:2])


def version() -> str:
    """The version that is installed here."""
    return str(importlib.import_module("importlib.metadata").version("nvflare"))


def features() -> set[str]:
    """What this release has, told from its signatures and methods."""
    session = flare_api.Session
    opening = inspect.signature(flare_api.new_secure_session).parameters
    found = {"threads", "insecure", "monitor_callback", "downloads"}
    found |= {name for name in ("debug", "study") if name in opening}
    if "submit_token" in inspect.signature(session.submit_job).parameters:
        found.add("submit_token")
    methods = (("set_timeout", "set_timeout"), ("get_cell_conn_info", "cell_info"))
    return found | {feature for method, feature in methods if hasattr(session, method)}


if __name__ == "__main__":
    program.main(
        open_session,
        flare_api.basic_cb_with_print,
        releases=[release()],
        features=features(),
        name="nvflare",
        version=version(),
    )
