"""Brings a server into the state that a chapter wants, and plays the chapter's probes there.

The same class plays on the official server and on the mock: what it waits for, a client can see. Owns: the order of
things, and that each chapter leaves the server without jobs. Must not know what should come of a probe.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.lab.drives import DrivenServer
from conformance.lab.fidelity.folders import DEFINITIONS, SETTLES
from conformance.lab.fidelity.normalisation import Normaliser
from conformance.lab.fidelity.peer import NoAnswer, Peer, Seen
from conformance.lab.fidelity.probe import (
    ADMIN,
    FEWER_SITES,
    LOOKED_AT,
    NOBODY,
    SETTLED,
    Callback,
    Chapter,
    Folder,
    Job,
    JobNeed,
    Kit,
    NotMade,
    Probe,
    filled,
)
from conformance.lab.provisioning import ADMIN as ADMIN_NAME
from conformance.lab.provisioning import SITES, LabError

USERS = {
    ADMIN: ADMIN_NAME,
    "orgadmin": "orgadmin@nvidia.com",
    "lead": "lead@nvidia.com",
    "member": "member@nvidia.com",
    "other": "lead@other.com",
}
"""The users of the lab's project, by what probes call them."""

HANGS = "no answer"
"""In the place of the class of an exception: the client did not come back from the call."""

_SECONDS = 120.0
_SOON_SECONDS = 20.0
_POLL_SECONDS = 0.2
_LOGIN_TRIES = 5
_FINISHED, _RUNNING = "FINISHED", "RUNNING"


class Stage:
    """A server, and the official client that plays on it.

    Args:
        peer: the client.
        server: the server; nobody else uses it.
        scratch: an empty folder for job definitions.
        seconds: how long to wait for a state of the server.
        commands: how many commands the server has had so far, where it tells.

    Attributes:
        asked: the keys of the probes that sent a command.
    """

    def __init__(
        self,
        peer: Peer,
        server: DrivenServer,
        scratch: Path,
        seconds: float = _SECONDS,
        commands: Callable[[], int] = int,
    ) -> None:
        self.asked: set[str] = set()
        self._commands = commands
        self._peer = peer
        self._server = server
        self._scratch = scratch
        self._seconds = seconds
        self._ids: dict[str, str] = {}
        self._open: set[str] = set()

    def play(self, chapter: Chapter, probes: Sequence[Probe]) -> Iterator[tuple[str, Seen]]:
        """Play a chapter.

        Args:
            chapter: the chapter.
            probes: those of its probes that the release has.

        Yields:
            The key of each probe and what came of it, normalised; those that are about a job that was not made are
            left out.

        Raises:
            LabError: the server does not get into the state that is wanted.
        """
        self._ids = {}
        if chapter.alone:
            self.start_again()
        elif chapter.fresh:
            self._leave()
        self._enter((ADMIN, *chapter.users))
        for need in chapter.jobs:
            self.prepare(need)
        for one in probes:
            before = self._commands()
            with contextlib.suppress(NotMade):
                seen = self._made(one)
                if self._commands() > before:
                    self.asked.add(chapter.key(one))
                yield chapter.key(one), seen
        if not chapter.alone:
            self.clean()

    def start_again(self) -> None:
        """Start the server again, without jobs and with every site; sessions are opened anew."""
        self._anew()  # a session whose server is gone may take a minute to close
        self._server.reset()

    def begin(self, users: Iterable[str]) -> None:
        """Remove every job, forget their names, and open the sessions of some users."""
        self._ids = {}
        self._enter(users)
        self.clean()

    def make(self, one: Probe) -> Seen:
        """Make a probe, wait for what it says, and return what came of it, normalised."""
        args, kwargs = filled(one.args, self._real), filled(dict(one.kwargs), self._real)
        sites = self._sites() if one.until == FEWER_SITES else 0
        seen = self._peer.call(one.user, one.method, *args, **kwargs)
        job_id = seen.value if one.makes else args[0] if args else None
        if one.makes and isinstance(job_id, str):
            self._ids[one.makes] = job_id
        if one.until and not seen.raised:
            with contextlib.suppress(LabError):  # the probes that follow show what it is instead
                if one.until == FEWER_SITES:
                    self._until(lambda: self._sites() < sites, "a site to be gone", _SOON_SECONDS)
                elif isinstance(job_id, str):
                    self._wait(job_id, one.until, _SOON_SECONDS)
        return self.normaliser().seen(seen, one.method)

    def normaliser(self) -> Normaliser:
        """The rules, with the jobs that there are so far."""
        return Normaliser({job_id: name for name, job_id in self._ids.items()})

    def enter(self, user: str) -> None:
        """Open the session of a user, if it is not open.

        Raises:
            LabError: the login fails.
        """
        if user in self._open:
            return
        seen = Seen()
        for _ in range(_LOGIN_TRIES):
            seen = self._peer.open(user, USERS[user], self._server.kit(USERS[user]))
            if not seen.raised:
                self._open.add(user)
                return
        raise LabError(f"expected a session of {user}, but {seen}")

    def prepare(self, need: JobNeed) -> None:
        """Submit a job and bring it into the state that is wanted."""
        self.enter(need.user)
        seen = self._peer.call(need.user, "submit_job", str(self._folder(need.folder)))
        if not isinstance(seen.value, str):
            raise LabError(f"expected the job {need.name}, but {seen}")
        self._ids[need.name] = seen.value
        self._wait(seen.value, need.until)
        if need.aborted:
            self._peer.call(ADMIN, "abort_job", seen.value)
            self._wait(seen.value, _FINISHED)
        if need.deleted:
            self._until(lambda: not self._peer.call(ADMIN, "delete_job", seen.value).raised, f"an end of {need.name}")

    def clean(self) -> None:
        """Remove every job, and wait until none runs.

        Raises:
            LabError: a job stays.
        """
        self._again()
        self._until(self._is_clean, "a server without jobs")

    def _made(self, one: Probe) -> Seen:
        """What came of a probe; a client that does not come back is ended, and another takes its place."""
        if one.user != NOBODY:
            self.enter(one.user)
        try:
            return self.make(one)
        except NoAnswer:
            self._anew()
            return Seen(raised=(HANGS,))

    def _anew(self) -> None:
        """End the client, and start another one."""
        self._peer.stop()
        self._peer.start()
        self._open.clear()

    def _enter(self, users: Iterable[str]) -> None:
        for user in users:
            self.enter(user)

    # --- parts ------------------------------------------------------------------------------------------------------

    def _is_clean(self) -> bool:
        jobs = self._peer.call(ADMIN, "list_jobs").value
        for job in jobs if isinstance(jobs, list) else ():
            job_id, status = job["job_id"], str(job["status"])
            if status == "DISPATCHED":
                continue  # the server of 2.3 starts no job ever again if one goes now
            if status.startswith(_FINISHED) or status == "SUBMITTED":
                self._peer.call(ADMIN, "delete_job", job_id)
            else:
                self._peer.call(ADMIN, "abort_job", job_id)
        return jobs == [] and self._running() == []

    def _sites(self) -> int:
        """How many sites are connected."""
        info = self._peer.call(ADMIN, "get_system_info").value
        return len(info["attributes"]["client_info"]) if isinstance(info, dict) else 0

    def _running(self) -> list[str]:
        """The ids of the jobs that have processes at the server."""
        info = self._peer.call(ADMIN, "get_system_info").value
        if not isinstance(info, dict):
            return ["unknown"]
        return [job["attributes"]["job_id"] for job in info["attributes"]["job_info"]]

    def _again(self) -> None:
        """Make sure of the admin's session: a chapter may have closed or lost it."""
        if ADMIN in self._open and self._peer.call(ADMIN, "list_jobs").raised:
            self._leave()
        self.enter(ADMIN)

    def _leave(self) -> None:
        for user in sorted(self._open):
            self._peer.close(user)
        self._open.clear()

    def _folder(self, name: str) -> Path:
        folder = self._scratch / name
        return folder if folder.exists() else DEFINITIONS[name].write(self._scratch)

    def _real(self, word: Any) -> Any:
        if isinstance(word, Job):
            return word.real(self._ids)
        if isinstance(word, Folder):
            return str(self._folder(word.name))
        if isinstance(word, Kit):
            return str(self._server.kit(USERS[word.user]))
        if isinstance(word, Callback):
            return {"$callback": word.answer}
        raise TypeError(f"expected a word that stands for something, but got {word!r}")

    def _wait(self, job_id: str, status: str, seconds: float | None = None) -> None:
        self._until(lambda: self._is(job_id, status), f"a job that is {status}", seconds)

    def _is(self, job_id: str, status: str) -> bool:
        meta = self._peer.call(ADMIN, "get_job_meta", job_id).value
        if not isinstance(meta, Mapping):
            return False
        wanted = SETTLES.get(str(meta["name"]), LOOKED_AT) if status == SETTLED else status
        if wanted == LOOKED_AT:
            return bool(meta.get("schedule_count"))
        if not str(meta["status"]).startswith(wanted):
            return False
        return self._is_up(job_id) if wanted == _RUNNING else self._is_gone(job_id)

    def _is_up(self, job_id: str) -> bool:
        """Whether a job's processes answer: the status says so earlier."""
        if job_id not in self._running():
            return False
        stats = self._peer.call(ADMIN, "show_stats", job_id, "all")
        if "AttributeError" in stats.raised:  # there is no such method in 2.3
            return True
        return isinstance(stats.value, dict) and len(stats.value) > len(SITES) and all(stats.value.values())

    def _is_gone(self, job_id: str) -> bool:
        """Whether a job's processes have ended: the status says so earlier."""
        if job_id in self._running():
            return False
        sites = self._peer.call(ADMIN, "get_client_job_status")
        return bool(sites.raised) or all(site.get("job_id") != job_id for site in sites.value)

    def _until(self, condition: Callable[[], bool], expected: str, seconds: float | None = None) -> None:
        limit = self._seconds if seconds is None else seconds
        deadline = time.monotonic() + limit
        while not condition():
            if time.monotonic() > deadline:
                raise LabError(f"expected {expected} within {limit:g} s")
            time.sleep(_POLL_SECONDS)
