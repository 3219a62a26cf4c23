"""A client that does nothing, as a program on stdio; run by path."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(_ROOT), str(_ROOT / "conformance" / "adapters")]

program: Any = importlib.import_module("program")
idle: Any = importlib.import_module("tests.benchmarks.programs.idle_client")

if __name__ == "__main__":
    program.main(idle.idle_client, releases=["2.9"], features=[])
