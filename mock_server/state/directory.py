"""A state directory: whose it is, what is in it, and the journal of the server that serves from it.

    state.sqlite3   jobs, submissions, studies, sites, ports: what is told in words
    run/jobs/       a folder a job: its definition, and what was made of its result
    pki/            certificates and keys
    holder          the process that serves, or was the last to

The database decides. A definition is in its folder before the database says that there is such a job, and stays until
the database says that there is none; a folder of which it says nothing is of a job that nobody was told of, and is
removed at the next start.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from flare_client.protocol.envelope import Json
from mock_server.files import SHARED, private_folder, write_atomically
from mock_server.jobs.journal import FACTS, Kept
from mock_server.jobs.store import DEFINITION_FILE, Job, Submitter
from mock_server.jobs.submissions import Record, Scope
from mock_server.scenarios.jobs import Plan
from mock_server.state.database import Database, Locked, StateError
from mock_server.state.records import job_text, plan_text, read_job, read_plan

DATABASE_FILE = "state.sqlite3"
_HOLDER_FILE = "holder"
_OWNER, _PORTS, _TIME = "owner", "ports", "time"


@dataclasses.dataclass(frozen=True)
class Owner:
    """What a server must be to go on with a state.

    Attributes:
        release: the release that it plays.
        project: the name of its certificate authority.
        secure: whether it has one.
    """

    release: str
    project: str
    secure: bool

    def __str__(self) -> str:
        return f"{'a secure' if self.secure else 'an insecure'} server of release {self.release}, {self.project!r}"


class State:
    """The state of one server, open; a ``Journal``. To be used from one thread at a time.

    Args:
        root: the directory; it is made where it is missing.
        owner: what the server is.

    Attributes:
        root: the directory.

    Raises:
        StateError: another server uses it, it is that of another one, or it is damaged; nothing is changed then.
        OSError: it cannot be made.
    """

    def __init__(self, root: Path, owner: Owner) -> None:
        self.root = root
        path = root / DATABASE_FILE
        if root.exists() and not (path.exists() and path.stat().st_size):
            _check_empty(root)
        private_folder(root)
        try:
            self._database = Database(path)
        except Locked as problem:
            raise Locked(f"{problem}{_holder(root)}") from None
        try:
            self._facts = dict(self._read_facts())
            self._check_owner(owner)
            write_atomically(root / _HOLDER_FILE, f"{os.getpid()}\n".encode("ascii"), SHARED)
            for left in (*root.glob(f".{_HOLDER_FILE}.*"), *(root / "pki").rglob(".*")):  # what was being written
                left.unlink()
        except BaseException:
            self._database.close()
            raise
        self._noted: dict[str, str] = {}
        self._jobs: dict[str, Job | None] = {}
        self._submissions: dict[Scope, Record] = {}
        self._gone: list[Path] = []
        self._plans: dict[int, tuple[Plan, str]] = {}
        self._clock: Callable[[], float] = lambda: 0.0

    def close(self) -> None:
        """Let others have it. Closing twice is fine."""
        self._database.close()

    # --- beginning --------------------------------------------------------------------------------------------

    @property
    def ports(self) -> tuple[int, int]:
        """The ports that kits of this server name: FL and admin; 0 where there are none yet.

        Raises:
            StateError: they are damaged.
        """
        found = json.loads(self._facts.get(_PORTS, "[0, 0]"))
        if not isinstance(found, list) or len(found) != 2 or not all(isinstance(port, int) for port in found):
            raise self._damaged(f"the fact {_PORTS!r}: {found!r:.60} are no two ports")
        return found[0], found[1]

    def keep_ports(self, fl_port: int, admin_port: int) -> None:
        """Keep the ports that kits name."""
        self.note(_PORTS, [fl_port, admin_port])
        self.commit()

    @property
    def time(self) -> float | None:
        """The time of the last change, in seconds since the epoch; ``None``: there was none.

        Raises:
            StateError: it is damaged.
        """
        if _TIME not in self._facts:
            return None
        found = json.loads(self._facts[_TIME])
        if not isinstance(found, (int, float)):
            raise self._damaged(f"the fact {_TIME!r}: {found!r:.60} is no time")
        return float(found)

    def load(self, jobs: Path, clock: Callable[[], float]) -> Kept | None:
        """Read what there is of the server of before; ``None`` where there was none.

        What a process that was killed has left in the folder of jobs, and nobody was told of, is removed.

        Args:
            jobs: the folder that the folders of jobs are in.
            clock: the time from now on.

        Raises:
            StateError: something that must be there is missing or damaged; nothing is changed then.
        """
        self._clock = clock
        jobs.mkdir(parents=True, exist_ok=True)
        time = self.time
        found = [] if time is None else self._read_jobs(jobs)
        _remove_strangers(jobs, found)
        if time is None:
            return None
        facts = {name: json.loads(value) for name, value in self._facts.items()}
        return Kept(found, dict(self._read_submissions()), facts, time)

    def clear(self) -> None:
        """Forget all that was done to the server; what it is, and its ports, stay."""
        self._jobs.clear()
        self._submissions.clear()
        self._gone.clear()
        self._noted.clear()
        self._facts = {name: self._facts[name] for name in (_OWNER, _PORTS) if name in self._facts}
        with self._database.transaction():
            self._database.empty()
            self._database.put_facts(self._facts.items())

    # --- the journal ------------------------------------------------------------------------------------------

    def changed(self, job: Job) -> None:
        """See ``Journal``."""
        self._jobs[job.job_id] = job

    def removed(self, job: Job) -> None:
        """See ``Journal``."""
        self._jobs[job.job_id] = None
        if job.folder.exists():  # a job without one may leave its name to the next of that id
            self._gone.append(job.folder)

    def submitted(self, scope: Scope, record: Record) -> None:
        """See ``Journal``."""
        self._submissions[scope] = record

    def note(self, name: str, fact: Json) -> None:
        """See ``Journal``."""
        text = json.dumps(fact)
        if self._facts.get(name) != text:
            self._facts[name] = self._noted[name] = text

    def commit(self) -> None:
        """See ``Journal``."""
        if not (self._jobs or self._submissions or self._noted):
            return
        self.note(_TIME, self._clock())
        jobs = [(job.job_id, job_text(job, self._plan_of(job))) for job in self._jobs.values() if job is not None]
        with self._database.transaction():
            self._database.remove_jobs(job_id for job_id, job in self._jobs.items() if job is None)
            self._database.put_jobs(jobs)
            self._database.put_submissions(
                (study, who.name, who.org, who.role, token, record.job_id, record.content, record.deleted_time)
                for (study, who, token), record in self._submissions.items()
            )
            self._database.put_facts(self._noted.items())
        self._jobs.clear()
        self._submissions.clear()
        self._noted.clear()
        gone, self._gone = self._gone, []
        for folder in gone:
            shutil.rmtree(folder, ignore_errors=True)

    def _plan_of(self, job: Job) -> str:
        """The name of a job's plan, which is in the database by then."""
        known = self._plans.get(id(job.plan))
        if known is None:
            name, text = plan_text(job.plan)
            with self._database.transaction():
                self._database.put_plans([(name, text)])
            # With the plan, so that no other one gets its number.
            known = self._plans[id(job.plan)] = (job.plan, name)
        return known[1]

    # --- reading ----------------------------------------------------------------------------------------------

    def _read_facts(self) -> list[tuple[str, str]]:
        facts = [(name, value) for name, value in self._database.read("SELECT name, value FROM facts")]
        for name, value in facts:
            try:
                json.loads(value)
                if name in FACTS:
                    FACTS[name].validate_json(value, strict=True)
            except ValidationError as problem:
                raise self._damaged(f"the fact {name!r}: {_first_fault(problem)}") from problem
            except ValueError as problem:
                raise self._damaged(f"the fact {name!r}: {problem}") from problem
        return facts

    def _check_owner(self, owner: Owner) -> None:
        text = json.dumps(dataclasses.asdict(owner))
        if _OWNER not in self._facts:
            self._facts[_OWNER] = text
            with self._database.transaction():
                self._database.put_facts([(_OWNER, text)])
            return
        fields = json.loads(self._facts[_OWNER])
        if not isinstance(fields, dict) or fields.keys() != dataclasses.asdict(owner).keys():
            raise self._damaged(f"the fact {_OWNER!r}: {fields!r:.60} does not say whose it is")
        found = Owner(**fields)
        if found != owner:
            raise StateError(
                f"expected the state of {owner} in {self.root}, but it is that of {found}: "
                "give another directory, or be that server"
            )

    def _read_jobs(self, root: Path) -> list[Job]:
        try:
            plans = {name: read_plan(text) for name, text in self._database.read("SELECT name, plan FROM plans")}
            rows = self._database.read("SELECT job_id, record FROM jobs")
            jobs = [read_job(job_id, record, plans, root) for job_id, record in rows]
        except ValueError as problem:
            raise self._damaged(str(problem)) from problem
        for job in jobs:
            if job.own_definition is None and not (job.folder / DEFINITION_FILE).is_file():
                raise self._damaged(f"the definition of job {job.job_id} is not at {job.folder / DEFINITION_FILE}")
        return sorted(jobs, key=lambda job: job.sequence)

    def _read_submissions(self) -> list[tuple[Scope, Record]]:
        return [
            ((study, Submitter(name, org, role), token), Record(*record))
            for study, name, org, role, token, *record in self._database.read("SELECT * FROM submissions")
        ]

    def _damaged(self, what: str) -> StateError:
        return StateError(
            f"expected a whole state in {self.root}, but it is damaged: {what}. "
            "It was left as it is; give another directory, or put back a copy"
        )


def _first_fault(problem: ValidationError) -> str:
    """What is wrong with a value, and where in it."""
    fault = problem.errors()[0]
    where = ".".join(map(str, fault["loc"]))
    return f"{fault['msg']}{f' at {where}' if where else ''}, but got {fault['input']!r:.60}"


def _check_empty(root: Path) -> None:
    """See that nothing is lost where a state begins; what a process left that was killed before is nothing."""
    found = next((path for path in sorted(root.iterdir()) if not path.name.startswith(DATABASE_FILE)), None)
    if found is not None:
        raise StateError(
            f"expected {root} to be empty or the state of a mock server, but there is {found.name!r} and no "
            f"{DATABASE_FILE} with something in it: give another directory, so that nothing in it is lost"
        )


def _holder(root: Path) -> str:
    with contextlib.suppress(OSError, ValueError):
        return f" by process {int((root / _HOLDER_FILE).read_text())}"
    return ""


def _remove_strangers(root: Path, jobs: list[Job]) -> None:
    known = {job.folder.name for job in jobs}
    for path in root.iterdir():
        if path.name in known:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
