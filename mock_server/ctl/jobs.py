"""Commands about jobs."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mock_server.ctl import printing
from mock_server.ctl.options import Group, Session, asks
from mock_server.ctl.server import quoted


@click.group(cls=Group)
def jobs() -> None:
    """The jobs."""


@jobs.command("list", epilog="Example: flare-mock ctl jobs list --status 'FINISHED:*' --limit 20")
@click.option("--status", help="A glob, as RUNNING or 'FINISHED:*'.")
@click.option("--name", help="A glob.")
@click.option("--submitter", help="A glob.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@asks
def list_jobs(session: Session, status: str | None, name: str | None, submitter: str | None, limit: int) -> None:
    """List jobs, newest first."""
    found = session.server.get("jobs", status=status, name=name, submitter=submitter, limit=limit)
    session.show(found, printing.jobs)


@jobs.command("show", epilog="Example: flare-mock ctl jobs show 4f0b7e2a-0000-4000-8000-000000000001")
@click.argument("job_id")
@asks
def show_job(session: Session, job_id: str) -> None:
    """Look at a job and its timeline; with --json also at its meta, its logs and its result."""
    session.show(session.server.get(f"jobs/{quoted(job_id)}"), printing.job)


@jobs.command("wait", epilog="Example: flare-mock ctl jobs wait JOB_ID --status RUNNING --timeout 10m")
@click.argument("job_id")
@click.option("--status", default="FINISHED", show_default=True, help="As RUNNING; FINISHED is any end.")
@click.option("--timeout", default="1h", show_default=True, help="On the server's clock; a virtual one is moved.")
@asks
def wait_for_job(session: Session, job_id: str, status: str, timeout: str) -> None:
    """Let time pass until a job has a status."""
    body = {"status": status, "timeout": timeout}
    session.show(session.server.ask("POST", f"jobs/{quoted(job_id)}/wait", body, seconds=None), printing.job)


@jobs.command("abort", epilog="Example: flare-mock ctl jobs abort JOB_ID")
@click.argument("job_id")
@asks
def abort_job(session: Session, job_id: str) -> None:
    """Abort a job, as another admin would."""
    session.show(session.server.ask("POST", f"jobs/{quoted(job_id)}/abort"), printing.job)


@jobs.command("delete", epilog="Example: flare-mock ctl jobs delete JOB_ID")
@click.argument("job_id")
@asks
def delete_job(session: Session, job_id: str) -> None:
    """Delete a job and what it left, as another admin would."""
    session.server.ask("DELETE", f"jobs/{quoted(job_id)}")
    session.show({"deleted": job_id}, lambda answer: f"deleted {answer['deleted']}")


@jobs.command(
    "result", epilog="Example: flare-mock ctl jobs result JOB_ID --file models/best.txt=./best.txt --size 10MiB"
)
@click.argument("job_id")
@click.option("--file", "files", multiple=True, metavar="PATH=FILE", help="A file of the workspace; repeatable.")
@click.option("--text", "texts", multiple=True, metavar="PATH=TEXT", help="The same with its content; repeatable.")
@click.option("--size", help="Bytes of one more file, result.bin, as 10MiB.")
@click.option("--sized", multiple=True, metavar="PATH=SIZE", help="A file of so many bytes at a path; repeatable.")
@asks
def add_result(
    session: Session, job_id: str, files: Sequence[str], texts: Sequence[str], size: str | None, sized: Sequence[str]
) -> None:
    """Put files into the result of a job; the next download has them, if the job ran and is over.

    A file may hold anything; all of them together, and what is sent with them, must be within 8 MiB.
    """
    body: dict[str, Any] = {"files": dict(_pair(text, "PATH=TEXT") for text in texts), "binaries": {}}
    for text in files:
        path, source = _pair(text, "PATH=FILE")
        content = Path(source).read_bytes()
        # Base64 needs a third more: only what is no text is sent so.
        try:
            body["files"][path] = content.decode("utf-8")
        except UnicodeDecodeError:
            body["binaries"][path] = base64.b64encode(content).decode("ascii")
    body |= {"sizes": dict(_pair(text, "PATH=SIZE") for text in sized)}
    body |= {"size": size} if size is not None else {}
    session.show(session.server.ask("POST", f"jobs/{quoted(job_id)}/result", body), printing.job)


def _pair(text: str, form: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.BadParameter(f"expected {form}, but got {text!r}")
    return name, value


COMMANDS = (jobs,)
