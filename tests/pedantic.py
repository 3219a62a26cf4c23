"""What a user does on a good day, and what comes of it: the same on a pedantic server as on any other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from conformance.adapters.base import Adapter, ClientError, ClientSession
from mock_server import MockServer
from tests.support import write_job

ADMIN = "admin@nvidia.com"
SCENARIO = {
    "jobs": [
        {"match": {"name": "quick"}, "queued": 0, "running": 0.05, "result": {"files": {"app_server/a.txt": "0.93"}}},
        {"queued": 0, "running": "1d"},
    ],
}
_UNKNOWN = re.compile(r"x_[a-z]+")
_OF_THE_MOMENT = ("submit_time", "submit_time_iso", "start_time", "duration", "last_connect_time", "last_schedule_time")
_DEPLOYED_OR_NOT = ("schedule_count", "schedule_history", "job_deploy_detail", "status")
"""Which of it a look sees is a matter of time."""


def walk(adapter: Adapter, server: MockServer, folder: Path) -> dict[str, Any]:
    """Do the work of a day, and return what the client told, without what differs from day to day.

    Args:
        adapter: the client.
        server: runs already, with ``SCENARIO``.
        folder: for the jobs; the test's own.
    """
    seen: dict[str, Any] = {}
    session = adapter.open(ADMIN, server.kit(ADMIN, directory=folder / "kits"))
    try:
        quick = session.call("submit_job", str(write_job(folder / "jobs", "quick")))
        session.monitor(quick, timeout=60.0, poll_interval=0.05)
        long = session.call("submit_job", str(write_job(folder / "jobs", "long")))
        names = {quick: "<quick>", long: "<long>"}
        clone = session.call("clone_job", quick)
        names[clone] = "<clone>"
        seen["ended"] = session.monitor(clone, timeout=60.0, poll_interval=0.05).name
        seen["list"] = session.call("list_jobs")
        seen["newest"] = session.call("list_jobs", limit=1, reverse=True)
        seen["detailed"] = session.call("list_jobs", detailed=True)
        seen["meta"] = session.call("get_job_meta", quick)
        seen["one look is like another"] = seen["detailed"][0] == seen["meta"]
        seen["sites"] = sorted(site["name"] for site in session.call("get_system_info")["client_info"])
        seen["delete of a running one"] = _error(session, "delete_job", long)
        seen["abort"] = session.call("abort_job", long)
        seen["meta of an aborted one"] = session.call("get_job_meta", long)["status"]
        result = Path(session.call("download_job_result", quick))
        seen["result"] = (result / "workspace" / "app_server" / "a.txt").read_text()
        seen["delete"] = session.call("delete_job", clone)
        seen["deleted"] = _error(session, "get_job_meta", clone)
        seen["unknown"] = _error(session, "abort_job", "11111111-2222-4333-8444-555555555555")
    finally:
        session.close()
    seen["left"] = len(server.job_metas())
    return {name: _plain(value, names) for name, value in seen.items()}


def unknown_members(seen: dict[str, Any]) -> set[str]:
    """The names of members of a job that no release has."""
    return {name for name in seen if _UNKNOWN.fullmatch(name)}


def _error(session: ClientSession, method: str, *args: Any) -> tuple[str, str]:
    try:
        value = session.call(method, *args)
    except ClientError as problem:
        return problem.types[0], problem.text
    raise AssertionError(f"expected {method} to fail, but got {value!r}")


def _plain(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if name not in (*_OF_THE_MOMENT, *_DEPLOYED_OR_NOT)}
        return {name: _plain(one, names) for name, one in kept.items() if not _UNKNOWN.fullmatch(name)}
    if isinstance(value, (list, tuple)):
        return [_plain(one, names) for one in value]
    if isinstance(value, str):
        for job_id, name in names.items():
            value = value.replace(job_id, name)
    return value
