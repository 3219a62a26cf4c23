"""Small files that hold secrets or must never be seen half-written. Knows nothing of what is in them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

PRIVATE = 0o600
"""The mode of a file with a key: the owner reads and writes."""
SHARED = 0o644
EXECUTABLE = 0o755
PRIVATE_FOLDER = 0o700


def write_atomically(path: Path, content: bytes, mode: int, *, beside: Path | None = None) -> None:
    """Write a file so that it has either its old content or all of the new one, whenever somebody looks.

    Args:
        path: the file; its folder exists.
        content: all of it.
        mode: its permissions, in force before the first byte is in.
        beside: the folder that the part is in until it is whole, on the same disk; by default that of the file.

    Raises:
        OSError: it cannot be written; nothing is left behind then.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=beside or path.parent)  # created with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner enters, where it is missing, and return it."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(PRIVATE_FOLDER)
    return path


def fresh_folder(path: Path) -> Path:
    """Make an empty folder, whatever was there, and return it."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
