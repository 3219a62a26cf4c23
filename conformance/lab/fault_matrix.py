"""What users of a client see where something goes wrong: every case, measured on the mock server.

``python -m conformance.lab.fault_matrix`` runs the official clients and writes ``docs/faults.md``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from conformance.adapters.base import Adapter, ClientError, ClientFailure, ClientSession
from conformance.adapters.stdio import StdioAdapter
from conformance.jobs import JobKind, write_job
from conformance.lab.fault_cases import CASES, DELETE, DOWNLOAD, LIST, LOGIN, MONITOR, SUBMIT, FaultCase
from conformance.lab.fault_page import PAGE, SIGHTINGS, load, page, words
from conformance.parties import make_adapter
from conformance.peers import PeerUnavailable
from mock_server import MockServer

ADMIN = "admin@nvidia.com"
LOGIN_SECONDS = 3.0
COMMAND_SECONDS = 1.0
HANG_SECONDS = 12.0
_SCENARIO = {
    "jobs": [
        {"match": {"name": "long*"}, "queued": 0, "running": "1d"},
        {"queued": 0, "running": 0, "result": {"files": {"model.txt": "weights"}, "size": "100KiB"}},
    ]
}


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a client did.

    Attributes:
        outcome: the class that it raised; ``returned`` where it did not, ``hung`` where it never came back.
        text: the message, or what was returned.
        seconds: how long that took.
        after: what a further command on the same session did, with the fault gone; empty where there is none.
        sent: how often the command came.
        jobs: how many jobs more there are.
        left: how much is new in the download folder.
        fired: how often the fault struck.
    """

    outcome: str
    text: str
    seconds: float
    after: str = ""
    sent: int = 0
    jobs: int = 0
    left: int = 0
    fired: int = 0

    def record(self) -> dict[str, Any]:
        """What is kept of it: the text has ports, ids and paths of the moment in it."""
        kept = dataclasses.asdict(self)
        del kept["text"], kept["fired"]
        return {**kept, "seconds": round(self.seconds, 1)}


def _attempt(call: Any) -> tuple[str, str, Any]:
    try:
        value = call()
    except ClientError as problem:
        return problem.types[0], problem.text, None
    except ClientFailure as problem:
        return "hung", str(problem).split(";")[0], None
    return "returned", repr(value), value


class Matrix:
    """Runs cases with one client on a mock server of its release.

    Args:
        client: as ``--client`` takes it.
        release: the release line.
    """

    def __init__(self, client: str, release: str) -> None:
        self.adapter: Adapter = make_adapter(client, None)
        if isinstance(self.adapter, StdioAdapter):
            self.adapter.call_seconds = HANG_SECONDS
        self.server = MockServer(release, scenario=_SCENARIO)
        self._scratch = Path(tempfile.mkdtemp(prefix="flare-faults-"))
        self._number = 0

    def __enter__(self) -> Matrix:
        self.server.start()
        self.kit = self.server.kit(ADMIN)
        return self

    def __exit__(self, *_: object) -> None:
        self.adapter.close()
        self.server.stop()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def cases(self) -> Iterator[FaultCase]:
        """The cases that the release can have."""
        return (case for case in CASES if not case.releases or self.server.release in case.releases)

    def job(self, kind: JobKind) -> str:
        """A new job folder."""
        self._number += 1
        return str(write_job(self._scratch / str(self._number), f"{kind.value}-{self._number}", kind))

    def run(self, case: FaultCase) -> Seen:
        """Have the client meet a fault."""
        server = self.server
        server.faults.clear()
        before_login = case.call == LOGIN or case.how.get("at") == "connect" or case.kind == "lose_acknowledgements"
        if before_login:
            fault = server.faults.inject(case.kind, **case.how)
        started = time.monotonic()
        login = _attempt(lambda: self.adapter.open(ADMIN, self.kit, timeout=LOGIN_SECONDS))
        seconds = time.monotonic() - started
        session: ClientSession | None = login[2]
        try:
            if case.call == LOGIN or session is None:
                text = "a session" if session is not None else login[1]
                server.faults.clear()
                after = _attempt(lambda: session.call(LIST))[0] if session is not None else ""
                return Seen(login[0], text, seconds, after, fired=fault.fired if before_login else 0)
            return self._command(case, session, fault if before_login else None)
        finally:
            server.faults.clear()
            if session is not None:
                with contextlib.suppress(ClientError, ClientFailure):
                    session.close()

    def _command(self, case: FaultCase, session: ClientSession, fault: Any) -> Seen:
        server = self.server
        if server.profile.cell is not None:
            session.call("set_timeout", COMMAND_SECONDS)
        arguments: tuple[Any, ...] = ()
        if case.call == SUBMIT:
            arguments = (self.job(JobKind.QUICK),)
        elif case.call == MONITOR:
            arguments = (session.call(SUBMIT, self.job(JobKind.LONG)), 1.0, 0.05)
        elif case.call in (DELETE, DOWNLOAD):
            arguments = (session.call(SUBMIT, self.job(JobKind.QUICK)),)
        downloads = self.kit / "transfer"
        files = set(downloads.glob("*"))
        jobs = len(server.job_metas())
        name = case.how.get("command", case.call)
        sent = server.received(name)
        if fault is None:
            fault = server.faults.inject(case.kind, **case.how)
        started = time.monotonic()
        outcome, text, _ = _attempt(lambda: session.call(case.call, *arguments))
        seconds = time.monotonic() - started
        fired = fault.fired
        server.faults.clear()
        sent = server.received(name) - sent
        after = _attempt(lambda: session.call(LIST, limit=1))[0]
        left = len(set(downloads.glob("*")) - files)
        return Seen(outcome, text, seconds, after, sent, len(server.job_metas()) - jobs, left, fired)


def measure(version: str) -> dict[str, dict[str, Any]]:
    """Run every case with the official client of a version.

    Raises:
        PeerUnavailable: it cannot be had here.
    """
    with Matrix(f"official:{version}", version.rpartition(".")[0]) as matrix:
        seen = {}
        for case in matrix.cases():
            seen[case.name] = matrix.run(case).record()
            click.echo(f"{version} {case.name}: {words(seen[case.name])}")
        return seen


@click.command(epilog="Example: python -m conformance.lab.fault_matrix 2.6.3")
@click.argument("versions", nargs=-1)
def main(versions: tuple[str, ...]) -> None:
    """Measure what the official clients of VERSIONS do under every fault, and write docs/faults.md.

    Without a version the page alone is written again.
    """
    sightings = load()
    for version in versions:
        try:
            sightings[version] = measure(version)
        except PeerUnavailable as problem:
            raise click.ClickException(str(problem)) from problem
    ordered = dict(sorted(sightings.items()))
    SIGHTINGS.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(ordered), encoding="utf-8")


if __name__ == "__main__":
    main()
