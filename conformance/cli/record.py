"""``record``: a real server's answers, as a scenario and a transcript that the mock satisfies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from conformance.cli.options import errors_end_the_run, release_line
from conformance.recordings import checking, document, recorder
from conformance.targets import ADMIN

_KIT = "kit:"
_IN_PART = 1


@click.group(
    invoke_without_command=True,
    epilog="Examples: flare-conformance record --server kit:path/to/admin@nvidia.com --jobs -o recording · "
    "flare-conformance record check recording",
)
@click.option("--server", help="kit:DIR, the startup kit for a server that runs.")
@click.option("--user", default=ADMIN, show_default=True, help="The user of the kit.")
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="The folder to write.")
@click.option("--jobs", is_flag=True, help="Submit small jobs, too, and delete them: otherwise nothing is changed.")
@click.option(
    "--newest", type=click.IntRange(1, 1000), default=20, show_default=True, help="Look at so many jobs, the newest."
)
@click.option("--with-hosts", is_flag=True, help="Leave names of hosts in.")
@click.option(
    "--patience",
    type=click.FloatRange(1.0, 3600.0),
    default=120.0,
    show_default=True,
    help="Seconds that a job of the recording's own may take to run, or to end.",
)
@errors_end_the_run
def record(**options: Any) -> None:
    """Record a server: what it answers, and a scenario under which the mock answers the same.

    Without --jobs nothing on the server is changed. Exit code 0: whole, 1: in part, and what is missing is named,
    2: nothing could be recorded.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    server, output = options["server"], options["output"]
    if server is None or not server.startswith(_KIT) or server == _KIT:
        raise ValueError(f"expected --server kit:DIR, but got {server!r}")
    if output is None:
        raise ValueError("expected -o FOLDER, where the recording goes, but it is not there")
    document.check_folder(output)
    console = Console(stderr=True)
    with console.status("recording") as status:
        done = recorder.record(
            recorder.Wish(
                kit=Path(server.removeprefix(_KIT)),
                user=options["user"],
                command=_words(options),
                own_jobs=options["jobs"],
                newest=options["newest"],
                keep_hosts=options["with_hosts"],
                patience=options["patience"],
            ),
            lambda call: status.update(call.replace("[", r"\[")),
        )
    document.write(output, done.recording, done.scenario)
    click.echo(f"{output}: {len(done.recording.transcript)} calls to a server of release {done.recording.made.server}")
    for gap in done.recording.gaps:
        click.echo(f"not in the scenario: {', '.join(gap.fields)} of {gap.job}: {gap.reason}")
    for one in done.recording.missing:
        click.echo(f"missing: {one.call}: {one.reason}")
    for job_id in done.left:
        click.echo(f"still on the server, please delete it: job {job_id}")
    sys.exit(0 if done.recording.complete and not done.left else _IN_PART)


def _words(options: dict[str, Any]) -> str:
    """The command line, without the path of the kit."""
    words = ["flare-conformance", "record", "--server", f"{_KIT}…", "--user", options["user"]]
    words += ["--jobs"] if options["jobs"] else []
    words += ["--with-hosts"] if options["with_hosts"] else []
    return " ".join([*words, "--newest", str(options["newest"])])


@record.command(name="check", epilog="Example: flare-conformance record check recording")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--release", help="Only if the recording is of this release.")
@errors_end_the_run
def check(folder: Path, release: str | None) -> None:
    """Play a recording on the mock, with its scenario. Exit code 0: same answers, 1: not, 2: could not run."""
    checked = checking.check(folder, release_line(release))
    for difference in checked.differences:
        click.echo(str(difference))
    made = checked.recording.made
    count = len(checked.recording.transcript)
    click.echo(
        f"{count} calls to a server of release {made.server}, recorded {made.date}: "
        + (f"{len(checked.differences)} differences" if checked.differences else "the mock answers the same")
        + ("" if checked.recording.complete else f"; {len(checked.recording.missing)} calls are missing in it")
    )
    sys.exit(1 if checked.differences else 0)
