"""``flare-mock scenario``: look at scenarios, check them, play them without a client."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from flare_client.protocol.releases import LATEST, PROFILES
from mock_server.play import DEFAULT_LENGTH, play, read_work
from mock_server.quantities import read_duration
from mock_server.scenarios import Scenario, ScenarioError, library
from mock_server.scenarios.base import first_fault
from mock_server.scenarios.gantt import picture
from mock_server.scenarios.schema import schema_text
from mock_server.scenarios.system import Work


@click.group()
def scenario() -> None:
    """What happens on a mock server: ready scenarios, checks of files, plays without a client."""


@scenario.command("list")
def list_ready() -> None:
    """Print the ready scenarios and what they are for."""
    names = library.names()
    for name in names:
        click.echo(f"{name:<{max(map(len, names))}}  {library.ready(name).description}")


@scenario.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the file of a ready scenario, to begin one's own with."""
    try:
        library.ready(name)
    except ScenarioError as problem:
        _give_up(problem)
    click.echo((library.FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), nl=False)


@scenario.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    click.echo(schema_text(), nl=False)


@scenario.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Check scenario files. Each fault is a line of its own: file, line, field, what was expected and what came.

    Exit code 0 where all are in order, 1 otherwise.
    """
    problems = 0
    for file in files:
        try:
            Scenario.load(file)
        except ScenarioError as problem:
            problems += 1
            click.echo(str(problem), err=True)
        else:
            click.echo(f"{file}: in order")
    sys.exit(1 if problems else 0)


class _WorkType(click.ParamType):  # type: ignore[type-arg] # generic in the newest click alone
    name = "JOBS"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Work:
        try:
            return value if isinstance(value, Work) else read_work(str(value))
        except ValueError as problem:
            self.fail(first_fault(problem), param, ctx)


class _DurationType(click.ParamType):  # type: ignore[type-arg] # as above
    name = "DURATION"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return read_duration(value)
        except ValueError as problem:
            self.fail(str(problem), param, ctx)


@scenario.command(epilog="Example: flare-mock scenario run realistic --jobs 'train*3@10s/5s' --svg timeline.svg")
@click.argument("name")
@click.option(
    "--jobs", "work", multiple=True, type=_WorkType(), help="NAME, NAME*3, NAME@10s, NAME*3@10s/5s; repeatable."
)
@click.option("--release", default=LATEST.release, show_default=True, help=f"Release to play: {', '.join(PROFILES)}.")
@click.option("--seed", type=int, help="Draw delays and probabilities from this one; that of the scenario by default.")
@click.option(
    "--until", type=_DurationType(), default=DEFAULT_LENGTH, help="How long to play, as 2h; 7 days by default."
)
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Draw the timeline into this file, too.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON a moment.")
def run(
    name: str, work: tuple[Work, ...], release: str, seed: int | None, until: float, svg: Path | None, as_json: bool
) -> None:
    """Play a scenario (a file, or the name of a ready one) on a virtual clock and print what happens, and when.

    Without --jobs the workload of the scenario is played, or where it has none a job for each of its rules. Faults are
    about clients, and there is none here. Exit code 2 where it cannot be played.
    """
    try:
        chosen = library.find(name)
        if seed is not None:
            chosen = chosen.model_copy(update={"seed": seed})
        timeline = play(chosen, work, release=release, length=until)
        if svg is not None:
            svg.write_text(picture(timeline, f"{Path(name).stem}, release {release}"), encoding="utf-8")
    except (ScenarioError, ValueError, OSError) as problem:
        _give_up(problem)
    click.echo(timeline.jsonl() if as_json else timeline.text(), nl=False)


def _give_up(problem: Exception) -> NoReturn:
    click.echo(f"flare-mock: {problem}", err=True)
    sys.exit(2)
