"""Runs the command ``flare`` in this process, and holds every document that it prints against the published schema."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from jsonschema import Draft202012Validator

from flare_client.cli import main
from flare_client.cli.schema import schema_text

ADMIN = "admin@nvidia.com"
QUICK = ["--every", "0.01"]
SCENARIO: dict[str, Any] = {
    "jobs": [
        {"match": {"name": "bad*"}, "queued": 0, "running": "50ms", "outcome": "EXECUTION_EXCEPTION"},
        {"match": {"name": "long*"}, "queued": 0, "running": "1d"},
        {"match": {"name": "big*"}, "queued": 0, "running": 0, "result": {"size": "3MiB"}},
        {"queued": 0, "running": "50ms"},
    ],
    "limits": {"max_jobs": 1000},
}
"""The name of a job says how it fares."""

VALIDATOR = Draft202012Validator(json.loads(schema_text()), format_checker=Draft202012Validator.FORMAT_CHECKER)


@dataclasses.dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The documents that it printed, each of which keeps the schema."""
        return checked(self.out)

    @property
    def result(self) -> Any:
        """The answer."""
        assert self.code == 0, self
        return self.documents[-1]["result"]

    @property
    def error(self) -> Any:
        """Why there is none."""
        error = self.documents[-1]["error"]
        assert error["exit_code"] == self.code
        return error


def checked(out: str) -> list[dict[str, Any]]:
    """Read documents, one a line, and check each."""
    found: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert found, "expected a document, but nothing was printed"
    for document in found:
        VALIDATOR.validate(document)
    assert [one["status"] for one in found[:-1]] == ["event"] * (len(found) - 1)
    assert found[-1]["status"] in ("ok", "error")
    return found


class Flare:
    """The command with a kit."""

    def __init__(self, kit: Path) -> None:
        self.kit = kit

    def __call__(self, *words: str) -> Done:
        """Run a command; nobody sits at its standard input."""
        return run("--kit", str(self.kit), *words)

    def ask(self, *words: str) -> Done:
        """Run a command that answers in JSON."""
        done = run("--kit", str(self.kit), "--json", *words)
        assert done.err == ""
        assert done.documents
        return done


def run(*words: str, env: dict[str, str | None] | None = None) -> Done:
    """Run a command in an environment that names no kit."""
    nothing: dict[str, str | None] = {"FLARE_KIT": None, "NVFLARE_STARTUP_KIT_DIR": None}
    done = CliRunner(env=nothing).invoke(main, list(words), prog_name="flare", env=env or {})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Done(done.exit_code, done.stdout, done.stderr)
