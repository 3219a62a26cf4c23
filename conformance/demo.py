"""``make demo``: the main path, for real, in the order in which a user goes it."""

from __future__ import annotations

import datetime
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from conformance import catalogue, reports, runner
from conformance.adapters.inprocess import FLARE_CLIENT, InProcessAdapter
from conformance.jobs import JobKind, write_job
from conformance.results import RunRecord
from conformance.targets import MockTarget
from flare_client import JobNotDone, Session, new_secure_session
from mock_server import MockServer

SCENARIO = {
    "jobs": [
        {"match": {"name": "big"}, "queued": "50ms", "running": "100ms", "result": {"size": "2MiB"}},
        {"queued": "200ms", "running": "600ms", "result": {"files": {"models/best.txt": "0.97"}}},
    ],
    "limits": {"max_download_size": "1MiB", "download_url": "http://files.example.com/jobs/"},
}

USER = "admin@nvidia.com"

VERDICTS = ("MON-FINISH-*", "MON-TIMEOUT-0[1-4]", "MON-CB-*", "LIST-*", "ABORT-*", "DELETE-*")


def _tree(folder: Path) -> str:
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return ", ".join(name for name in names if ".__nvfl" not in name)


def _follow(console: Console, session: Session, job_id: str) -> None:
    seen: list[str] = []

    def on_poll(_session: Session, _job_id: str, meta: dict[str, str]) -> bool:
        if not seen or seen[-1] != meta["status"]:
            seen.append(meta["status"])
            console.print(f"    {meta['status']}")
        return True

    code = session.monitor_job(job_id, timeout=30, poll_interval=0.05, cb=on_poll)
    console.print(f"  monitor_job returned {code.name}")


def _main_path(console: Console, release: str) -> None:
    started = time.perf_counter()
    with MockServer(release, scenario=SCENARIO) as server, tempfile.TemporaryDirectory() as folder:
        kit = server.kit(USER)
        with new_secure_session(USER, str(kit)) as session:
            spent = time.perf_counter() - started
            console.rule(f"release {release}", align="left")
            console.print(
                f"  a server with certificates on port {server.admin_port}, a startup kit at {kit},\n"
                f"  and a login over mutual TLS: {spent * 1000:.0f} ms",
                soft_wrap=True,
            )
            job_id = session.submit_job(str(write_job(Path(folder), "train", JobKind.QUICK)))
            console.print(f"  submitted job {job_id}")
            _follow(console, session, job_id)
            location = Path(session.download_job_result(job_id))
            console.print(f"  downloaded to {location}:\n    {_tree(location)}", soft_wrap=True)
            big = session.submit_job(str(write_job(Path(folder), "big", JobKind.QUICK)))
            session.monitor_job(big, timeout=30, poll_interval=0.05)
            console.print(
                f"  a result of 2 MiB, with a limit of 1 MiB: {session.download_job_result(big)}", soft_wrap=True
            )
            running = session.clone_job(job_id)
            session.monitor_job(running, timeout=0.3, poll_interval=0.05)
            try:
                session.delete_job(running)
            except JobNotDone as problem:
                console.print(f"  delete_job of its clone, which runs: JobNotDone: {problem}", soft_wrap=True)
            session.abort_job(running)
            listed = [(job["job_name"], job["status"]) for job in session.list_jobs()]
            console.print(f"  list_jobs: {listed}", soft_wrap=True)


def _verdicts(console: Console) -> bool:
    console.rule("first verdicts", align="left")
    target = MockTarget("2.6")
    adapter = InProcessAdapter(FLARE_CLIENT)
    try:
        chosen = catalogue.select("2.6", VERDICTS)
        started, clock = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), time.monotonic()
        results = runner.run(chosen, adapter, target, report=lambda result: reports.print_line(console, result))
    finally:
        adapter.close()
        target.close()
    seconds = time.monotonic() - clock
    record = RunRecord(adapter.name, target.name, target.release, 0, (), started, seconds, tuple(results))
    reports.print_summary(console, record)
    return record.conforms


def main() -> int:
    """Run the demo; 0 if everything went as it should."""
    console = Console(highlight=False)
    for release in ("2.3", "2.6", "2.9"):
        _main_path(console, release)
    return 0 if _verdicts(console) else 1


if __name__ == "__main__":
    sys.exit(main())
