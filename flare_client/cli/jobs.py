"""``flare jobs``: what can be asked of jobs, and done to them."""

from __future__ import annotations

import click

from flare_client import Session
from flare_client.cli.answers import answer, print_pairs, print_table
from flare_client.cli.confirmation import confirm, yes_option
from flare_client.cli.lazy import LazyGroup
from flare_client.cli.settings import open_session, shared_options, with_session
from flare_client.cli.values import TEXT, job_argument
from flare_client.cli.words import duration_text, iso_text, value_text
from flare_client.protocol.jobs import JobMetaKey

_LISTED = {
    "id": "job_id",
    "name": "job_name",
    "study": "study",
    "status": "status",
    "submitted": "submit_time",
    "duration": "duration",
}
"""The columns of the list, and the keys of a summary that they show."""


@click.group(
    cls=LazyGroup,
    lazy={
        "submit": "flare_client.cli.transfers:submit",
        "download": "flare_client.cli.transfers:download",
        "monitor": "flare_client.cli.monitor:monitor",
        "wait": "flare_client.cli.monitor:wait",
        "logs": "flare_client.cli.logs:logs",
        "stats": "flare_client.cli.logs:stats",
        "errors": "flare_client.cli.logs:errors",
    },
    epilog="Example: flare jobs submit ./hello-numpy --monitor",
)
def jobs() -> None:
    """Submit jobs, watch them, fetch what they left."""


@jobs.command("list", epilog="Example: flare jobs list --name train --limit 10 --newest-first")
@click.option("--id", "id_prefix", metavar="PREFIX", help="Only jobs whose id begins so.")
@click.option("--name", "name_prefix", metavar="PREFIX", help="Only jobs whose name begins so.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many of the newest.")
@click.option("--newest-first", is_flag=True, help="Otherwise the newest is the last.")
@click.option(
    "--token", metavar="TOKEN", type=TEXT, help="Only the job that was submitted with it (releases from 2.8)."
)
@click.option("--detailed", is_flag=True, help="With --json the whole meta of each job.")
@with_session
def list_jobs(
    session: Session,
    id_prefix: str | None,
    name_prefix: str | None,
    limit: int | None,
    newest_first: bool,
    token: str | None,
    detailed: bool,
) -> None:
    """List jobs by the time of their submission."""
    found = session.list_jobs(
        detailed=detailed,
        limit=limit,
        id_prefix=id_prefix,
        name_prefix=name_prefix,
        reverse=newest_first,
        submit_token=token,
    )

    def show() -> None:
        rows = [{**job, "job_name": job.get("job_name", job.get(JobMetaKey.NAME.value))} for job in found]
        # A session sees the jobs of its own study: where it is the same all along, it need not be said.
        studies = {row.get("study") for row in rows}
        columns = [name for name in _LISTED if name != "study" or len(studies) > 1]
        texts = {"submitted": iso_text, "duration": duration_text}
        cells = [[texts.get(name, value_text)(row.get(_LISTED[name])) for name in columns] for row in rows]
        print_table(columns, cells) if rows else click.echo("no jobs", err=True)

    answer({"jobs": found}, show)


@jobs.command(epilog="Example: flare jobs meta JOB_ID --json")
@job_argument
@with_session
def meta(session: Session, job_id: str) -> None:
    """Show all that the server knows of a job."""
    found = session.get_job_meta(job_id)
    answer({"job_id": job_id, "meta": found}, lambda: print_pairs((key, value_text(found[key])) for key in found))


@jobs.command(epilog="Example: new_id=$(flare jobs clone JOB_ID)")
@job_argument
@with_session
def clone(session: Session, job_id: str) -> None:
    """Submit a job again, and print the id of the new one."""
    new_id = session.clone_job(job_id)
    answer({"job_id": new_id, "cloned_from": job_id}, lambda: click.echo(new_id))


@jobs.command(epilog="Example: flare jobs abort JOB_ID --yes")
@job_argument
@yes_option
@shared_options
def abort(job_id: str, yes: bool) -> None:
    """Stop a job that runs, or keep one that waits from running."""
    confirm(f"Abort job {job_id}", yes=yes)
    with open_session() as session:
        info = session.abort_job(job_id)
    answer({"job_id": job_id, "info": info}, lambda: click.echo(info or f"abort of {job_id} is under way"))


@jobs.command(epilog="Example: flare jobs delete JOB_ID --yes")
@job_argument
@yes_option
@shared_options
def delete(job_id: str, yes: bool) -> None:
    """Delete a job that does not run, with all that it left at the server."""
    confirm(f"Delete job {job_id} and its result", yes=yes)
    with open_session() as session:
        record = session.delete_job(job_id) or {}
    answer({**record, "job_id": job_id}, lambda: click.echo(f"deleted {job_id}"))
