"""``serve``: a contract held still, for a client that is run by hand."""

from __future__ import annotations

import json
import signal
import sys
import threading

import click

from conformance import catalogue, reports
from conformance.attach import Scene, held
from conformance.cli.options import errors_end_the_run, release_line


@click.command(epilog="Example: flare-conformance serve MON-TIMEOUT-05 --release 2.9")
@click.argument("contract_id")
@click.option("--release", help="The release of the server; the newest that the contract holds for by default.")
@click.option("--scheme", help="How frames travel, from release 2.7 on: http (the default), tcp or grpc.")
@click.option("--step", type=click.IntRange(min=1), help="The call to stop before; the one that decides by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON once everything is there.")
@errors_end_the_run
def serve(contract_id: str, release: str | None, scheme: str | None, step: int | None, as_json: bool) -> None:
    """Set up the server, the jobs and the kit of a contract, say what to call, and wait until Ctrl-C.

    Exit code 0 after that, 2 where it cannot be set up.
    """
    contract = catalogue.find(contract_id)
    line = release_line(release) or contract.releases[-1]
    if line not in contract.releases:
        raise ValueError(f"{contract.id} holds for the releases {', '.join(contract.releases)}, not for {line}")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with held(contract, line, scheme, step) as scene:
        click.echo(json.dumps(_document(scene)) if as_json else _text(scene))
        sys.stdout.flush()
        while not stop.wait(0.2):
            pass


def _document(scene: Scene) -> dict[str, object]:
    return {
        "contract": scene.contract.id,
        "release": scene.release,
        "user": scene.user,
        "kit": str(scene.kit),
        "done": list(scene.done),
        "step": scene.step,
        "call": scene.call,
        "steps": len(scene.steps),
        "expected": scene.contract.statement,
    }


def _text(scene: Scene) -> str:
    lines = [f"{scene.contract.id}: {scene.contract.title} (release {scene.release})", "", scene.contract.statement]
    lines += [f"  {line}" for line in reports.source_lines(scene.contract)]
    lines += ["", f"kit:  {scene.kit}", f"user: {scene.user}", ""]
    if scene.done:
        lines.append("done already, by flare_client in sessions of its own:")
        lines += [f"  {number:>3}  {call}" for number, call in enumerate(scene.done, 1)]
    lines += ["now it is your client's turn:", f"  {scene.step:>3}  {scene.call}"]
    rest = scene.steps[scene.step :]
    if rest:
        lines.append("the check goes on like this, with other ids:")
        lines += [f"  {number:>3}  {call}" for number, call in enumerate(rest, scene.step + 1)]
    lines += ["", "Ctrl-C ends it."]
    return "\n".join(lines)
