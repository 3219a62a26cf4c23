"""``python -m tests.fuzz.guided TARGET [libFuzzer options]``: one target under atheris, until something is found.

A process of its own for each target: libFuzzer never returns. ``tests.fuzz.run`` starts it.
"""

from __future__ import annotations

import contextlib
import sys

import atheris

with atheris.instrument_imports(include=["flare_client.protocol", "flare_client.archives"]):
    from tests.fuzz.target import traced, try_one
    from tests.fuzz.targets import TARGETS

CPU_SECONDS = 8.0
"""What one input may take here, where every branch is counted."""


def main() -> None:
    """Run the target that the first argument names; the others are libFuzzer's."""
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda data: try_one(target, data, CPU_SECONDS))
    with traced() if target.measures else contextlib.nullcontext():
        atheris.Fuzz()


if __name__ == "__main__":
    main()
