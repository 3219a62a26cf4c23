"""One script of calls whose traffic all wire contracts of a run are checked on, each for itself.

The script uses every call that has a message of its own, on a server that nobody else uses. It runs once a run; a
client that cannot make one of the calls is judged by the others.
"""

from __future__ import annotations

import dataclasses
import os
import weakref
from collections.abc import Callable
from typing import Any

from conformance.adapters.base import ClientError, ClientFailure, ClientSession
from conformance.contract import SOCKET_RELEASES
from conformance.jobs import JobKind
from conformance.targets import ADMIN
from conformance.trial import Trial
from mock_server.transcript import Entry

SCENARIO: dict[str, Any] = {
    "jobs": [
        {"match": {"name": "quick*"}, "queued": "10ms", "running": "50ms", "result": {"size": "6MiB"}},
        {"match": {"name": "*"}, "queued": "1d"},
    ]
}
"""A result of more than one piece of a download, and of more than the bytes that are to be acknowledged."""
UPLOAD_SIZE = 2_300_000
"""Bytes that make a job of more than two pieces of an upload, each of more than one piece of a stream."""
COMMAND_TIMEOUT = 7.5

SCRIPT = (
    "session = new_secure_session(user, kit)",
    "session.list_jobs()",
    "session.list_jobs(detailed=True, limit=5, id_prefix='a', name_prefix='quick', reverse=True)",
    f"job_id = session.submit_job(a folder of {UPLOAD_SIZE:,} bytes)",
    "session.submit_job(a small folder)",
    "session.monitor_job(job_id, timeout, 0.05)",
    "session.get_job_meta(job_id)",
    "session.download_job_result(job_id)",
    "clone = session.clone_job(job_id)",
    "session.abort_job(clone)",
    "session.delete_job(clone)",
    "session.get_system_info()",
    f"session.set_timeout({COMMAND_TIMEOUT}), session.list_jobs(limit=1), session.unset_timeout(), from 2.7 on",
    "session.close()",
    "a second session: list_jobs(), close()",
)
"""The script, for people."""


@dataclasses.dataclass(frozen=True)
class Recording:
    """What came of the script.

    Attributes:
        entries: the transcript of the server.
        problems: the calls that the client could not make, each with its reason.
    """

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]


_recordings: weakref.WeakKeyDictionary[Trial, Recording | ClientError | ClientFailure] = weakref.WeakKeyDictionary()


def recording(trial: Trial) -> Recording:
    """The traffic of the script with the client and the server of a run; the script is played once.

    Raises:
        ClientError: the client cannot log in.
        ClientFailure: it crashed or hung.
    """
    if trial not in _recordings:
        try:
            _recordings[trial] = _play(trial)
        except (ClientError, ClientFailure) as problem:
            _recordings[trial] = problem
    found = _recordings[trial]
    if isinstance(found, Recording):
        return found
    raise found


def _play(trial: Trial) -> Recording:
    problems: list[str] = []
    with trial.own_server(SCENARIO) as server:
        session = trial.adapter.open(ADMIN, server.kit(), timeout=15.0)
        _Script(trial, session, problems).play()
        second = trial.adapter.open(ADMIN, server.kit(), timeout=15.0)
        _attempt(problems, "list_jobs in a second session", lambda: second.call("list_jobs"))
        _attempt(problems, "close", second.close)
    return Recording(tuple(server.transcript.entries()), tuple(problems))


def _attempt(problems: list[str], name: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ClientError as problem:
        problems.append(f"{name} raised {problem}")
        return None


class _Script:
    """The calls of one session, from after its login to its end."""

    def __init__(self, trial: Trial, session: ClientSession, problems: list[str]) -> None:
        self._trial = trial
        self._session = session
        self._problems = problems
        self._is_socket = trial.release in SOCKET_RELEASES

    def play(self) -> None:
        """Make the calls."""
        large = self._large_job()
        self._call("list_jobs")
        self._call("list_jobs", detailed=True, limit=5, id_prefix="a", name_prefix="quick", reverse=True)
        job_id = self._call("submit_job", str(large))
        self._call("submit_job", str(self._trial.folder(JobKind.WAITING)))
        if isinstance(job_id, str):
            self._use(job_id)
        self._call("get_system_info")
        if not self._is_socket:
            self._call("set_timeout", COMMAND_TIMEOUT)
            self._call("list_jobs", limit=1)
            self._call("unset_timeout")
        self._call("close")

    def _use(self, job_id: str) -> None:
        _attempt(
            self._problems,
            "monitor_job",
            lambda: self._session.monitor(job_id, timeout=self._trial.target.patience, poll_interval=0.05),
        )
        self._call("get_job_meta", job_id)
        self._call("download_job_result", job_id)
        clone = self._call("clone_job", job_id)
        if isinstance(clone, str):
            self._call("abort_job", clone)
            self._call("delete_job", clone)

    def _large_job(self) -> Any:
        folder = self._trial.folder(JobKind.QUICK)
        # Random, so that no archive makes it smaller.
        (folder / "app" / "custom").mkdir()
        (folder / "app" / "custom" / "weights.bin").write_bytes(os.urandom(UPLOAD_SIZE))
        return folder

    def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return _attempt(self._problems, method, lambda: self._session.call(method, *args, **kwargs))
