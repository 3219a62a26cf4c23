"""Jobs up and results down."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from flare_client import Session
from flare_client.cli.answers import answer, tell
from flare_client.cli.course import Course
from flare_client.cli.exits import CommandFailed, ExitCode, Failure
from flare_client.cli.monitor import every_option, follow
from flare_client.cli.settings import open_session, shared_options, with_session
from flare_client.cli.values import TEXT, job_argument
from flare_client.cli.watching import watched

_PERHAPS_HINT = "It may have taken the job all the same: `flare jobs list` shows it."


@click.command(epilog="Example: job_id=$(flare jobs submit ./hello-numpy)")
@click.argument("folder", type=TEXT)
@click.option(
    "--token",
    metavar="TOKEN",
    type=TEXT,
    help="Names this submission: given again, it makes no second job (from 2.8).",
)
@click.option(
    "--monitor", "watches", is_flag=True, help="Watch the job until it is over, as `flare jobs monitor` does."
)
@every_option
@shared_options
def submit(folder: str, token: str | None, watches: bool, every: float) -> None:
    """Submit a job, and print its id.

    FOLDER is looked up here, and then in the upload folder of the kit. It is packed and signed on the way, and left as
    it is.
    """
    # Sessions of releases to 2.7 look into the upload folder first: not what somebody at a terminal means.
    place = os.path.abspath(folder) if os.path.isdir(folder) else folder  # noqa: PTH100, PTH112 - see `transfer`
    with open_session(limits_commands=not watches) as session:
        try:
            with watched(session, "sending", "sent"):
                job_id = session.submit_job(place, token)
        except KeyboardInterrupt:
            raise CommandFailed(
                Failure(ExitCode.INTERRUPTED, "interrupted", "interrupted before the server gave an id", _PERHAPS_HINT)
            ) from None
        if watches:
            tell("submitted", {"job_id": job_id, "folder": place}, job_id)
            follow(session, Course(job_id), every, None)
        else:
            answer({"job_id": job_id, "folder": place}, lambda: click.echo(job_id))


@click.command(epilog="Example: flare jobs download JOB_ID --to ./results")
@job_argument
@click.option(
    "--to",
    "destination",
    metavar="DIR",
    type=TEXT,
    help="Folder to put the result into; by default that of the kit.",
)
@with_session
def download(session: Session, job_id: str, destination: str | None) -> None:
    """Fetch what a job left, and print the folder of it.

    From 2.8 on the job must be over. Where there is a result of that name already, the new one gets a suffix. A server
    of release 2.3 may answer with the address at which a large result lies.
    """
    with watched(session, "fetching", "fetched"):
        location = session.download_job_result(job_id, destination)
    result: dict[str, Any] = {"job_id": job_id, "path": location, "address": None}
    if not Path(location).exists():
        result |= {"path": None, "address": location}
    answer(result, lambda: click.echo(location))
