"""One script of calls for every pair of client and server: the main path, and what goes wrong.

Owns: the steps and their order. Waits only for what a client can see. Each step's name is unique: it is the key under
which two runs are compared.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.adapters.base import Adapter, ClientError, ClientSession
from conformance.jobs import write_training
from conformance.lab.drives import DrivenServer
from conformance.lab.jobs import BROKEN, BROKEN_METAS, QUICK, SLOW, WAITING, write_named
from conformance.lab.observations import Observation, Recorder
from conformance.lab.provisioning import ADMIN, LabError

_JOB_SECONDS = 180.0
_ABANDON_SECONDS = 15.0
_RECONNECT_SECONDS = 40.0
_POLL_SECONDS = 0.2
_LOGIN_SECONDS = 30.0
_REFUSED_SECONDS = 2.0
_BY_ID = ("get_job_meta", "abort_job", "delete_job", "clone_job", "download_job_result")
_FORMLESS_ID = "no-such-id"

Progress = Callable[[str], None]


def run_script(client: Adapter, server: DrivenServer, scratch: Path, progress: Progress) -> list[Observation]:
    """Run every step and return what each did.

    Args:
        client: the client that makes the calls.
        server: a server that nobody has used yet.
        scratch: an empty folder for job definitions.
        progress: told the name of each part.

    Raises:
        LabError: a job did not get anywhere in time.
    """
    run = _Run(client, server, scratch)
    for part in (
        run.look_around,
        run.refuse_arguments,
        run.refuse_definitions,
        run.keep_waiting_job,
        run.list_jobs,
        run.finish_job,
        run.abort_running_job,
        run.keep_to_roles,
        run.refuse_login,
        run.restart,
    ):
        progress(part.__name__.replace("_", " "))
        part()
    return run.recorder.observations


class _Run:
    def __init__(self, client: Adapter, server: DrivenServer, scratch: Path) -> None:
        self.recorder = Recorder()
        self._client = client
        self._server = server
        self._scratch = scratch
        self._admin = client.open(ADMIN, server.kit(), timeout=_LOGIN_SECONDS)

    def look_around(self) -> None:
        self._see("jobs of an empty store", "list_jobs")
        self._see("system info", "get_system_info")

    def refuse_arguments(self) -> None:
        for job_id in (str(uuid.UUID(int=7, version=4)), str(uuid.UUID(int=0)), _FORMLESS_ID, "", None, 5):
            for method in _BY_ID:
                self._see(f"{method} of {job_id!r}", method, job_id)
        for arguments in ({"limit": "2"}, {"limit": True}, {"name_prefix": 5}, {"id_prefix": 5}, {"reverse": 1}):
            self._see(f"list_jobs with {arguments}", "list_jobs", **arguments)
        for path in ("", None, 5, str(self._scratch / "nowhere")):
            self._see(f"submit_job of {Path(str(path)).name!r}", "submit_job", path)

    def refuse_definitions(self) -> None:
        for number, (fault, meta) in enumerate(BROKEN_METAS):
            self._submit(f"submit with {fault}", write_training(self._scratch / f"broken-{number}", BROKEN, **meta))
        for side in ("server", "client"):
            folder = write_training(self._scratch / f"no-{side}", BROKEN)
            (folder / "app" / "config" / f"config_fed_{side}.json").unlink()
            self._submit(f"submit without config of the {side}", folder)
        folder = write_training(self._scratch / "no-config", BROKEN)
        for path in sorted((folder / "app" / "config").iterdir()):
            path.unlink()
        self._submit("submit with an empty config folder", folder)
        folder = write_training(self._scratch / "no-meta", BROKEN)
        (folder / "meta.json").unlink()
        self._submit("submit without meta", folder)
        (folder / "meta.json").write_text("{no")
        self._submit("submit with a meta that is no JSON", folder)
        self._see("jobs after refusals", "list_jobs")

    def keep_waiting_job(self) -> None:
        job_id = self._submit("submit a job for nine sites", write_named(self._scratch, WAITING))
        self._wait(job_id, lambda meta: bool(meta.get("schedule_count")))
        self._see("meta of a waiting job", "get_job_meta", job_id)
        self._see("meta by an id in upper case", "get_job_meta", job_id.upper())
        self._see("meta by a part of the id", "get_job_meta", job_id[:8])
        clone = self._see("clone of a waiting job", "clone_job", job_id)
        self._wait(clone, lambda meta: bool(meta.get("schedule_count")))
        self._see("meta of a clone", "get_job_meta", clone)
        self._see("abort of a waiting job", "abort_job", job_id)
        self._see("abort of an aborted job", "abort_job", job_id)
        self._see("meta of a job aborted before it ran", "get_job_meta", job_id)
        self._download("files of a job that never ran", job_id)
        self._see("download by an id in upper case", "download_job_result", job_id.upper())
        self._see("delete of an aborted job", "delete_job", job_id)
        self._see("delete of a deleted job", "delete_job", job_id)
        self._see("delete of a waiting job", "delete_job", clone)
        self._see("jobs after deletion", "list_jobs")

    def list_jobs(self) -> None:
        names = ("Alpha-1", "beta-1", "alpha-2", "beta-2")
        ids = [self._submit(f"submit {name}", write_training(self._scratch, name, min_clients=9)) for name in names]
        for arguments in (
            {},
            {"reverse": True},
            {"limit": 2},
            {"limit": 2, "reverse": True},
            {"limit": 0},
            {"limit": -1},
            {"limit": -1, "reverse": True},
            {"name_prefix": "ALPHA"},
            {"name_prefix": "lpha"},
            {"name_prefix": "gamma"},
            {"name_prefix": "beta", "limit": 1},
        ):
            self._see(f"list_jobs {arguments}", "list_jobs", **arguments)
        self._see("list_jobs by the beginning of an id", "list_jobs", id_prefix=ids[1][:13].upper())
        for job_id in ids:
            self._wait(job_id, lambda meta: bool(meta.get("schedule_count")))
        self._see("list_jobs in detail", "list_jobs", detailed=True)
        for number, job_id in enumerate(ids):
            self._see(f"delete listed job {number}", "delete_job", job_id)

    def finish_job(self) -> None:
        job_id = self._submit("submit a quick job", write_named(self._scratch, QUICK))
        self._monitor("monitoring that times out", job_id, 0.05, 0.1)
        self._monitor("monitoring to the end", job_id, _JOB_SECONDS, _POLL_SECONDS)
        self._see("meta of a finished job", "get_job_meta", job_id)
        self._download("files of a finished job", job_id)
        self._download("files of a second download", job_id)
        self._see("abort of a finished job", "abort_job", job_id)
        clone = self._see("clone of a finished job", "clone_job", job_id)
        self._see("abort of the clone", "abort_job", clone)
        for number, one in enumerate((job_id, clone)):
            self._see(f"delete of finished job {number}", "delete_job", one)

    def abort_running_job(self) -> None:
        job_id = self._start_slow_job("submit a slow job")
        self._see("delete of a running job", "delete_job", job_id)
        self._see("meta of a running job", "get_job_meta", job_id)
        self._see("abort of a running job", "abort_job", job_id)
        self._wait(job_id, lambda meta: str(meta["status"]).startswith("FINISHED"))
        self._see("meta of a job aborted while it ran", "get_job_meta", job_id)
        self._see("delete of a job aborted while it ran", "delete_job", job_id)
        # The server lists a job until its processes have ended.
        self._until(lambda: self._admin.call("get_system_info")["job_info"] == [], "an idle server")

    def keep_to_roles(self) -> None:
        job_id = self._submit("submit for the roles", write_named(self._scratch, WAITING))
        lead = self._open("lead@nvidia.com")
        own = self._submit("submit as lead", write_named(self._scratch / "lead", WAITING), lead)
        for one in (job_id, own):
            self._wait(one, lambda meta: bool(meta.get("schedule_count")))
        for user in ("orgadmin@nvidia.com", "lead@nvidia.com", "lead@other.com", "member@nvidia.com"):
            session = lead if user == "lead@nvidia.com" else self._open(user)
            who = f"as {user}"
            self._see(f"system info {who}", "get_system_info", session=session)
            for one, whose in ((job_id, "the admin's job"), (own, "the lead's job")):
                self._see(f"get_job_meta of {whose} {who}", "get_job_meta", one, session=session)
                for method in ("clone_job", "abort_job"):
                    done = self._see(f"{method} of {whose} {who}", method, one, session=session)
                    if method == "clone_job" and done is not None:
                        self._admin.call("delete_job", done)
            self._see(
                f"delete of an unknown job {who}", "delete_job", str(uuid.UUID(int=9, version=4)), session=session
            )
            folder = write_named(self._scratch / user, WAITING)
            submitted = self._submit(f"submit {who}", folder, session)
            if submitted is not None:
                self._admin.call("delete_job", submitted)
        member = self._open("member@nvidia.com")
        for method in ("delete_job", "download_job_result"):
            self._see(f"{method} as member", method, job_id, session=member)
        for one in (job_id, own):
            self._admin.call("delete_job", one)

    def refuse_login(self) -> None:
        kit = self._server.kit()
        self.recorder.observe(
            "login by another name",
            lambda: self._client.open("a@b.c", kit, timeout=_REFUSED_SECONDS) and "a session",
        )

    def restart(self) -> None:
        job_id = self._start_slow_job("submit a job before the restart")
        self._server.restart()
        self.recorder.observe("jobs after the restart", self._jobs_once_connected)
        self._admin = self._open(ADMIN)
        self._give_time_to_abandon(job_id)
        self._see("meta of an abandoned job", "get_job_meta", job_id)
        self._see("delete of an abandoned job", "delete_job", job_id)
        self._see("abort of an abandoned job", "abort_job", job_id)

    # --- parts of steps ---------------------------------------------------------------------------------------------

    def _see(self, step: str, method: str, *args: Any, session: ClientSession | None = None, **kwargs: Any) -> Any:
        return self.recorder.observe(step, lambda: (session or self._admin).call(method, *args, **kwargs))

    def _monitor(self, step: str, job_id: str, timeout: float, poll_interval: float) -> None:
        """Monitor with a callback that goes on for ever and notes what it is given."""
        given: set[tuple[bool, str, str]] = set()

        def callback(same_session: bool, called_id: str, _meta: Any, *args: Any, **kwargs: Any) -> bool:
            given.add((same_session, called_id, f"{args} {kwargs}"))
            return True

        def monitor() -> dict[str, Any]:
            arguments = {"timeout": timeout, "poll_interval": poll_interval, "extra": 7}
            code = self._admin.monitor(job_id, cb=callback, **arguments)
            return {"returned": code, "callback": [list(one) for one in sorted(given)]}

        self.recorder.observe(step, monitor)

    def _submit(self, step: str, folder: Path, session: ClientSession | None = None) -> Any:
        return self._see(step, "submit_job", str(folder), session=session)

    def _open(self, user: str) -> ClientSession:
        return self._client.open(user, self._server.kit(user), timeout=_LOGIN_SECONDS)

    def _start_slow_job(self, step: str) -> str:
        job_id = str(self._submit(step, write_named(self._scratch, SLOW)))
        self._wait(job_id, lambda meta: meta["status"] == "RUNNING")
        return job_id

    def _download(self, step: str, job_id: str) -> None:
        def files() -> dict[str, Any]:
            root = Path(self._admin.call("download_job_result", job_id))
            found = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
            # What a job writes into its workspace is the job's business, and signatures change with each signer.
            shown = [path for path in found if not path.startswith("workspace/") and "/.__nvfl_" not in path]
            return {"name": root.name, "files": shown, "workspace": (root / "workspace").is_dir()}

        self.recorder.observe(step, files)

    def _wait(self, job_id: str, condition: Callable[[dict[str, Any]], bool]) -> None:
        self._until(lambda: condition(self._admin.call("get_job_meta", job_id)), f"progress of job {job_id}")

    def _jobs_once_connected(self) -> Any:
        """Ask until the client has its connection back: official ones of releases from 2.7 on take some seconds."""
        deadline = time.monotonic() + _RECONNECT_SECONDS
        while True:
            try:
                return self._admin.call("list_jobs")
            except ClientError as problem:
                if not problem.is_a("ConnectionError") or time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_SECONDS)

    def _give_time_to_abandon(self, job_id: str) -> None:
        """Wait for the end of a job whose server was restarted; from 2.8 on it never comes."""
        with contextlib.suppress(LabError):
            self._until(
                lambda: str(self._admin.call("get_job_meta", job_id)["status"]).startswith("FINISHED"),
                "the end of an abandoned job",
                _ABANDON_SECONDS,
            )

    @staticmethod
    def _until(condition: Callable[[], bool], expected: str, seconds: float = _JOB_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise LabError(f"expected {expected} within {seconds:g} s")
            time.sleep(_POLL_SECONDS)
