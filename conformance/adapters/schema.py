"""The published schema of the adapter protocol's messages; ``messages`` reads and writes what it describes."""

from __future__ import annotations

from pathlib import Path


def schema_text() -> str:
    """The JSON Schema (draft 2020-12) of every message."""
    return (Path(__file__).parent / "protocol.schema.json").read_text(encoding="utf-8")
