"""Clients at full speed: each does what comes to its mind to jobs of its own, until the server is killed under it."""

from __future__ import annotations

import hashlib
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flare_client import InternalError, JobNotDone, NoConnection, Session, new_secure_session
from flare_client.protocol.releases import ReleaseProfile
from tests.mock_server.state.crashes.ledger import NONCE, Doubt, Ledger, Told
from tests.support import write_job

ADMIN = "admin@nvidia.com"
_MOST_JOBS = 12
"""Of a client; with more it deletes before it goes on."""
KINDS = {"quick": 6, "long": 2, "wait": 2}
"""How jobs fare, by the beginning of their names, and how often there is one."""
SCENARIO: dict[str, Any] = {
    "jobs": [
        {"match": {"name": "quick-*"}, "queued": 0, "running": "30ms", "result": {"files": {"model.txt": "weights"}}},
        {"match": {"name": "long-*"}, "queued": 0, "running": "1h"},
        {"match": {"name": "wait-*"}, "queued": "1h"},
    ],
    "limits": {"max_jobs": 1000},
}


class Client:
    """One client, in a thread of its own while it works.

    Args:
        number: tells it from others.
        kit: the startup kit.
        profile: the release of the server.
        ledger: what clients know; each writes of its own jobs alone.
        seed: what it decides is drawn from it.
        scratch: a folder for job folders.
    """

    def __init__(
        self, number: int, kit: Path, profile: ReleaseProfile, ledger: Ledger, seed: str, scratch: Path
    ) -> None:
        self._number = number
        self._kit = kit
        self._profile = profile
        self._ledger = ledger
        self._chance = random.Random(seed)  # noqa: S311 - a repeatable one is wanted
        self._folder = scratch / f"client-{number}"
        self._made = 0
        self.mine: list[Told] = []
        self.problem: BaseException | None = None

    def prepare(self) -> None:
        """Look which jobs are its own: calls that got no answer may have made some, or removed some."""
        self.problem = None
        jobs = self._ledger.jobs.values()
        self.mine = [told for told in jobs if told.name.split("-")[1] == str(self._number) and not told.lost]

    def work(self, answered: Callable[[str], None], killing: threading.Event) -> None:
        """Go on until the server is gone.

        Args:
            answered: is told of each answer.
            killing: set before the server is killed; whatever fails from then on is no wonder.
        """
        try:
            # Once: a server that was killed meanwhile does not come back by itself.
            with new_secure_session(ADMIN, str(self._kit), timeout=30.0, auto_login_max_tries=1) as session:
                while not killing.is_set():
                    kind = self._kind()
                    if getattr(self, f"_{kind}")(session):
                        answered(kind)
        except (NoConnection, InternalError, ConnectionError) as problem:
            # Nothing was wrong before; the event is set before the signal is sent.
            if not killing.is_set():
                self.problem = problem
        except BaseException as problem:  # noqa: BLE001 - reported by the run
            self.problem = problem

    def _kind(self) -> str:
        if len(self.mine) > _MOST_JOBS:
            return self._chance.choice(["abort", "delete"])
        kinds = {"submit": 5, "clone": 4, "abort": 3, "delete": 3, "look": 3, "look_at_all": 1, "download": 1}
        if self._profile.has_studies:
            kinds |= {"submit_again": 2, "change_study": 1, "change_site": 1}
        return self._chance.choices(list(kinds), list(kinds.values()))[0]

    def _some(self, *statuses: str) -> Told | None:
        found = [told for told in self.mine if not statuses or told.status in statuses]
        return self._chance.choice(found) if found else None

    # --- what it does; each tells whether there was anything to do --------------------------------------------

    def _submit(self, session: Session) -> bool:
        self._made += 1
        kind = self._chance.choices(list(KINDS), list(KINDS.values()))[0]
        name = f"{kind}-{self._number}-{self._made}"
        nonce = f"{self._chance.getrandbits(128):032x}"
        token = f"token-{name}" if self._profile.has_submit_tokens and self._chance.random() < 0.5 else None
        shutil.rmtree(self._folder, ignore_errors=True)
        job = write_job(self._folder, name, files={NONCE: nonce}, min_clients=1)
        doubt = Doubt("submit", name, nonce, name, token)
        self._ledger.doubts.append(doubt)
        job_id = session.submit_job(str(job), **({"submit_token": token} if token else {}))
        self._ledger.doubts.remove(doubt)
        self._add(Told(job_id, name, nonce, token))
        return True

    def _submit_again(self, session: Session) -> bool:
        """Submit a job with a token another time: it is the same one."""
        told = self._chance.choice([one for one in self.mine if one.token] or [None])
        if told is None:
            return False
        shutil.rmtree(self._folder, ignore_errors=True)
        job = write_job(self._folder, told.name, files={NONCE: told.nonce}, min_clients=1)
        job_id = session.submit_job(str(job), submit_token=told.token)
        if job_id != told.job_id:
            self._ledger.wrong(f"token {told.token} stood for job {told.job_id}, and gave {job_id}")
        return True

    def _clone(self, session: Session) -> bool:
        source = self._some()
        if source is None:
            return False
        doubt = Doubt("clone", source.job_id, source.nonce, source.name)
        self._ledger.doubts.append(doubt)
        job_id = session.clone_job(source.job_id)
        self._ledger.doubts.remove(doubt)
        self._add(Told(job_id, source.name, source.nonce))
        return True

    def _add(self, told: Told) -> None:
        self._ledger.jobs[told.job_id] = told
        self.mine.append(told)

    def _abort(self, session: Session) -> bool:
        told = self._some("SUBMITTED", "DISPATCHED", "RUNNING")
        if told is None:
            return False
        told.doubt = "abort"
        try:
            session.abort_job(told.job_id)
        except InternalError as problem:
            if self._profile.abandons_jobs_at_restart or "is not running" not in str(problem):
                raise
            # It ran when an earlier server was killed, and seems to run for ever.
            told.doubt, told.lost = None, True
            self.mine.remove(told)
            return True
        told.doubt, told.aborted = None, True
        return True

    def _delete(self, session: Session) -> bool:
        told = self._some()
        if told is None:
            return False
        told.doubt = "delete"
        try:
            session.delete_job(told.job_id)
        except JobNotDone:
            told.doubt = None
            told.status = "DISPATCHED" if told.status == "SUBMITTED" else told.status
            return True
        self.mine.remove(told)
        self._ledger.forget(told)
        return True

    def _look(self, session: Session) -> bool:
        told = self._some()
        if told is None:
            return False
        told.status = str(session.get_job_meta(told.job_id)["status"])
        return True

    def _look_at_all(self, session: Session) -> bool:
        statuses = {str(meta["job_id"]): str(meta["status"]) for meta in session.list_jobs()}
        for told in self.mine:
            if told.job_id not in statuses:
                self._ledger.wrong(f"job {told.job_id} is not in the list")
            else:
                told.status = statuses[told.job_id]
        return True

    def _download(self, session: Session) -> bool:
        told = self._some("FINISHED:COMPLETED")
        if told is None:
            return False
        compare_result(session, told, self._ledger, self._folder / "results")
        return True

    def _change_study(self, session: Session) -> bool:
        name = f"study-{self._number}"
        there = self._ledger.facts[name]
        self._ledger.doubted_facts[name] = None if there else ["site-1"]
        if there:
            session.remove_study(name)
        else:
            session.register_study(name, site_orgs=["nvidia:site-1"])
        self._ledger.facts[name] = self._ledger.doubted_facts.pop(name)
        return True

    def _change_site(self, session: Session) -> bool:
        name = f"site-{self._number + 2}"
        connected = self._ledger.facts[name]
        self._ledger.doubted_facts[name] = not connected
        (session.disable_client if connected else session.enable_client)(name)
        self._ledger.facts[name] = self._ledger.doubted_facts.pop(name)
        return True


def compare_result(session: Session, told: Told, ledger: Ledger, folder: Path) -> None:
    """Download the result of a job: it is what it was the last time."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    session.download_job_result(told.job_id, str(folder))
    digest = hashlib.sha256()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        digest.update(f"{path.relative_to(folder)}\0".encode())
        digest.update(path.read_bytes())
    if not any(path.name == "model.txt" for path in files):
        ledger.wrong(f"the result of job {told.job_id} has no model: {[path.name for path in files]}")
    ledger.counts["results compared"] += told.result is not None
    if told.result not in (None, digest.hexdigest()):
        ledger.wrong(f"the result of job {told.job_id} is not what it was")
    told.result = digest.hexdigest()


def check_facts(session: Session, numbers: range, ledger: Ledger) -> None:
    """Compare studies and sites with what was said of them."""
    info = session.get_system_info()
    connected = {site.name for site in info.client_info}
    studies = set(session.list_studies()["studies"])
    for number in numbers:
        ledger.check_fact(f"study-{number}", ["site-1"] if f"study-{number}" in studies else None)
        ledger.check_fact(f"site-{number + 2}", f"site-{number + 2}" in connected)
