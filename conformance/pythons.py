"""The packages' tests on the oldest and the newest supported Python of this machine, beside the one of `make test`.

``python -m conformance.pythons`` needs the standard library only: it makes an environment for each interpreter first.
Each test runs on one of the two, by its name; on both where the environment variable FLARE_WHOLE is set.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SUPPORTED = ("3.10", "3.11", "3.12", "3.13")
PROJECT = Path(__file__).resolve().parent.parent
_TESTS = ("tests/flare_client", "tests/mock_server", "tests/conformance/adapters", "tests/conformance/reports")
"""What depends on the Python. Contracts, benchmarks and fuzzers are run once, by ``make test``."""


def _works(python: Path, version: str) -> bool:
    # A name on the path may be a shim that starts nothing.
    done = subprocess.run(  # noqa: S603
        [str(python), "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0 and done.stdout.strip() == version


def _own_version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def find(version: str) -> Path | None:
    """Find an interpreter of a version: on the path, or below ``~/.pyenv``."""
    named = shutil.which(f"python{version}")
    installed = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    candidates = ([Path(named)] if named else []) + installed
    return next((python for python in candidates if _works(python, version)), None)


def main() -> int:
    """Run these tests on the oldest and the newest that are not this very version; 0 if it passes."""
    present = {version: python for version in SUPPORTED if (python := find(version))}
    if not present:
        print(f"expected one of Python {', '.join(SUPPORTED)}, but found none", file=sys.stderr)
        return 2
    oldest, newest = min(present, key=SUPPORTED.index), max(present, key=SUPPORTED.index)
    # The version that runs this has its turn in `make test`.
    chosen = [version for version in dict.fromkeys([oldest, newest]) if version != _own_version()]
    failed = []
    for number, version in enumerate(chosen):
        environment = {**os.environ, "FLARE_SHARE": "" if os.environ.get("FLARE_WHOLE") else f"{number}/{len(chosen)}"}
        folder = PROJECT / ".venv" / f"py{version}"
        own = str(folder / "bin" / "python")
        print(f"--- Python {version} ({present[version]})", flush=True)
        steps = [
            [str(present[version]), "-m", "venv", str(folder)],
            [own, "-m", "pip", "install", "--quiet", "--editable", f"{PROJECT}[dev]"],
            [own, "-m", "pytest", "-q", "-n", "3", "--dist", "worksteal", "-m", "not whole", *_TESTS],
        ]
        if any(subprocess.run(step, check=False, cwd=PROJECT, env=environment).returncode for step in steps):  # noqa: S603
            failed.append(version)
    print(f"passed on {', '.join(v for v in chosen if v not in failed) or 'none'}; failed on {failed or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
