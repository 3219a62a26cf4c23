"""Official programs as users start them: the environment of a release, a home of their own, words in, text out."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conformance.peers import environment

SECONDS = 120.0
"""How long a program may take; the slowest one here needs about 30 s, most of it asleep."""


@dataclasses.dataclass(frozen=True)
class Done:
    """A program that is over.

    Attributes:
        code: its exit code; negative for a signal.
        out: what it wrote.
        err: what it wrote beside.
    """

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that it wrote."""
        return self.out + self.err

    @property
    def envelope(self) -> dict[str, Any]:
        """The one JSON object that ``--format json`` promises."""
        lines = [line for line in self.out.splitlines() if line.strip()]
        assert len(lines) == 1, f"expected one line of JSON, but got: {self}"
        found: dict[str, Any] = json.loads(lines[0])
        return found

    @property
    def data(self) -> Any:
        """What a command returned that went well."""
        envelope = self.envelope
        assert (self.code, envelope["status"], envelope["exit_code"]) == (0, "ok", 0), self
        return envelope["data"]

    @property
    def refusal(self) -> tuple[int, str]:
        """Exit code and error code of a command that did not."""
        envelope = self.envelope
        assert envelope["status"] == "error", self
        assert envelope["exit_code"] == self.code, self
        return self.code, envelope["error_code"]


class Official:
    """The programs of one release.

    Args:
        version: a published version.
        folder: becomes the user's home; official programs keep settings there.
    """

    def __init__(self, version: str, folder: Path) -> None:
        self.version = version
        self.folder = folder
        self.python = environment(version).python
        folder.mkdir(parents=True, exist_ok=True)

    def environ(self, **more: str) -> dict[str, str]:
        """The variables of a program: ``python3`` and ``nvflare`` are the release's."""
        path = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NVFLARE")}
        return {**kept, "HOME": str(self.folder), "PATH": path, "PYTHONPATH": "", "TERM": "dumb", **more}

    def run(self, *words: str, cwd: Path | None = None, stdin: str = "", **more: str) -> Done:
        """Run a program to its end.

        Args:
            *words: the program and its arguments.
            cwd: where it runs; at home by default.
            stdin: what it is told.
            **more: further variables.
        """
        done = subprocess.run(
            words,
            cwd=cwd or self.folder,
            env=self.environ(**more),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def script(self, text: str, *words: str, cwd: Path | None = None, **more: str) -> Done:
        """Run lines of Python as a program of their own."""
        return self.run(str(self.python), "-c", text, *words, cwd=cwd, **more)


FORKS = """
import json, os, sys

import nvflare.cli


def wanted():
    for line in sys.stdin:
        start = json.loads(line)
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            return start
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps(status), flush=True)
    return None


start = wanted()
if start is not None:
    os.chdir(start["cwd"])
    os.environ.update(start["environ"])
    for number, name in ((0, os.devnull), (1, start["out"]), (2, start["err"])):
        file = os.open(name, os.O_RDWR | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, closefd=False)
    sys.argv = ["nvflare", *start["words"]]
    sys.exit(nvflare.cli.main())
"""
"""Starts of ``nvflare``: each is a fork of one process that has loaded the program, which takes most of the time of a
start. What follows is the program's own, to the end of the process."""


class Nvflare:
    """The command ``nvflare`` of one release, loaded once, started often.

    Args:
        official: the release.
        kit: the startup kit that it finds in ``NVFLARE_STARTUP_KIT_DIR``.
    """

    def __init__(self, official: Official, kit: Path) -> None:
        self.official = official
        self.kit = kit
        self._process = subprocess.Popen(
            [str(official.python), "-c", FORKS],
            cwd=official.folder,
            env=official.environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str, cwd: Path | None = None, kit: Path | None = None, **more: str) -> Done:
        """Run the command to its end; without a terminal.

        Args:
            *words: its arguments.
            cwd: where it runs; at home by default.
            kit: another startup kit.
            **more: further variables.
        """
        out, err = self.official.folder / "stdout", self.official.folder / "stderr"
        out.unlink(missing_ok=True)
        err.unlink(missing_ok=True)
        start = {
            "words": words,
            "cwd": str(cwd or self.official.folder),
            "environ": {"NVFLARE_STARTUP_KIT_DIR": str(kit or self.kit), **more},
            "out": str(out),
            "err": str(err),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(start) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "expected the exit code of a start, but the process that starts is over"
        return Done(json.loads(line), out.read_text(), err.read_text())

    def json(self, *words: str, **options: Any) -> Done:
        """Run the command with ``--format json``."""
        return self(*words, "--format", "json", **options)

    def close(self) -> None:
        """End the process that starts."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(SECONDS)
        self._process.stdout.close()


@contextlib.contextmanager
def nvflare_of(version: str, folder: Path, kit: Path) -> Iterator[Nvflare]:
    """The command of a release, as long as it is wanted."""
    command = Nvflare(Official(version, folder), kit)
    try:
        yield command
    finally:
        command.close()
