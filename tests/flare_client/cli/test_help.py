"""Every command helps itself: an example, a sentence, a place in the documentation and in the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from flare_client.cli import main
from flare_client.cli.exits import ExitCode, kinds
from flare_client.cli.schema import schema_text
from flare_client.cli.settings import Settings
from tests.flare_client.cli.command import VALIDATOR, run

PAGE = (Path(__file__).parents[3] / "docs" / "flare-command.md").read_text(encoding="utf-8")
SILENT = {"schema", "kit doctor"}
"""What answers in a form of its own."""


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group, obj=Settings())
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands())
LEAVES = {name: command for name, command in ALL.items() if not isinstance(command, click.Group)}


@pytest.mark.parametrize("name", ALL)
def test_help_says_what_it_is_for_and_gives_an_example(name: str) -> None:
    done = run(*name.split(), "--help")
    assert done.code == 0
    assert f"Usage: flare {name}" in done.out
    example = done.out[done.out.index("Example: ") :]
    assert f"flare {name}" in " ".join(example.split()) or name in ("kit", "jobs", "system", "studies")
    assert "flare " in example
    assert ALL[name].get_short_help_str()


@pytest.mark.parametrize("name", [name for name in LEAVES if name not in SILENT])
def test_every_command_takes_the_shared_options_and_no_name_twice(name: str) -> None:
    parameters = LEAVES[name].params
    names = [parameter.name for parameter in parameters]
    assert len(set(names)) == len(names)
    assert {"kit", "user", "study", "timeout", "connect_timeout", "as_json", "debug"} <= set(names)


def test_the_schema_knows_every_command_and_is_one() -> None:
    schema = json.loads(schema_text())
    VALIDATOR.check_schema(schema)
    assert set(schema["$defs"]["ok"]["properties"]["command"]["enum"]) == set(LEAVES) - SILENT
    assert set(schema["$defs"]["error"]["properties"]["error"]["properties"]["exit_code"]["enum"]) == {
        code for code in ExitCode if code is not ExitCode.FINE
    }
    assert run("schema").out == schema_text()


@pytest.mark.parametrize(
    "document",
    [
        {"version": 1, "command": "jobs clone", "status": "ok", "result": {"job_id": "a"}},
        {"version": 1, "command": "jobs fly", "status": "ok", "result": {}},
        {"version": 2, "command": "jobs list", "status": "ok", "result": {"jobs": []}},
        {"version": 1, "command": "jobs list", "status": "error", "error": {"kind": "x", "message": "y"}},
        {"version": 1, "command": "jobs monitor", "status": "event", "event": "log", "job_id": "a"},
        {"version": 1, "command": "jobs list", "status": "ok", "result": {"jobs": []}, "more": 1},
    ],
)
def test_the_schema_refuses_what_is_no_answer(document: dict[str, object]) -> None:
    assert not VALIDATOR.is_valid(document)


def test_the_page_has_every_command_exit_code_and_kind() -> None:
    missing = [name for name in LEAVES if f"`flare {name}" not in PAGE]
    assert missing == []
    assert [code.value for code in ExitCode if f"| {code.value} |" not in PAGE] == []
    own = {"usage", "no_kit", "not_confirmed", "interrupted", "terminated", "job_failed", "no_log", "fault"}
    assert [kind for kind in sorted(kinds() | own) if f"`{kind}`" not in PAGE] == []


def test_the_version_is_that_of_the_package() -> None:
    done = run("--version")
    assert done.code == 0
    assert done.out.startswith("flare, version ")
