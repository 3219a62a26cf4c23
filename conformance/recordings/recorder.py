"""A recording is made: every probe is played, and what came of it is kept, whatever ends it.

Owns the order of things, who cleans up, and what is done where a connection breaks or somebody interrupts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509

from conformance.recordings import document, scenario
from conformance.recordings.calls import (
    NOT_TOLD,
    Call,
    Caller,
    ConnectionIsLost,
    MachineTime,
    Outcome,
    scratch_folder,
)
from conformance.recordings.hiding import Hiding
from conformance.recordings.probes import FIRST, LOOKS, NEWEST, OWN_JOBS, OWN_NAMES, WATCH, Each, Probe
from conformance.recordings.scenario import Person
from conformance.recordings.shown import Shown
from conformance.recordings.uncompared import TABLE, Comparable
from conformance.versions import versions
from flare_client import Session, errors, new_secure_session
from flare_client.kit import StartupKit, load_kit
from flare_client.presence import releases_of

_LOGIN_SECONDS = 15.0
_SETTLING_SECONDS = 60.0
_END_SECONDS = 60.0
"""For a job of the recording's own to end that is aborted to be deleted."""
_SITES_OF_OWN_JOBS = 2
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", ""})
INTERRUPTED = "interrupted"

_UNUSABLE = (errors.ConfigError, errors.NoConnection, errors.AuthenticationError, errors.SessionClosed, OSError)


class CannotRecord(ValueError):
    """Nothing could be recorded; the text says what was expected and what came."""


@dataclasses.dataclass(frozen=True)
class Wish:
    """What is to be recorded, and how.

    Attributes:
        kit: the startup kit.
        user: who logs in.
        command: the command that asked for it, without secrets.
        own_jobs: whether jobs are submitted.
        newest: how many jobs are looked at.
        keep_hosts: whether names of hosts stay.
        interval: seconds between two looks at a job.
        patience: seconds that a job of the recording's own may take to get somewhere.
    """

    kit: Path
    user: str
    command: str
    own_jobs: bool = False
    newest: int = 20
    keep_hosts: bool = False
    interval: float = 0.2
    patience: float = 120.0


@dataclasses.dataclass(frozen=True)
class Recorded:
    """What there is in the end.

    Attributes:
        recording: the facts and the transcript.
        scenario: the content of its scenario.
        left: the recording's own jobs that are still on the server.
    """

    recording: document.Recording
    scenario: dict[str, Any]
    left: tuple[str, ...]


Progress = Callable[[str], None]


def record(wish: Wish, progress: Progress = lambda _: None) -> Recorded:
    """Record a server.

    Args:
        wish: what is to be recorded.
        progress: is told of each call before it is made.

    Raises:
        CannotRecord: the kit is unusable, nobody listens, the login is refused, or there are no sites for own jobs.
    """
    try:
        kit = load_kit(str(wish.kit), secure=True)
        person = person_of(kit)
        session = new_secure_session(wish.user, str(wish.kit), timeout=_LOGIN_SECONDS)
    except _UNUSABLE as problem:
        raise CannotRecord(f"{wish.kit}: {type(problem).__name__}: {problem}") from problem
    host = kit.config.host
    hosts = {name for name in (host, socket.gethostname()) if name not in _LOCAL}
    with contextlib.closing(session), scratch_folder() as scratch:
        run = _Run(session, wish, Hiding(None if wish.keep_hosts else hosts), Path(scratch), progress)
        run.play()
        if not run.outcomes:
            raise CannotRecord(f"{wish.kit}: no call came to an end: {run.missing[0].reason}")
        return _recorded(run, session, wish, person, tuple(sorted(hosts)) if wish.keep_hosts else ())


def person_of(kit: StartupKit) -> Person:
    """The user of a kit, as the certificate has it.

    Raises:
        ConfigError: the certificate cannot be read.
    """
    if kit.client_cert is None:
        raise errors.ConfigError(f"expected a kit with a certificate at {kit.root}")
    try:
        subject = x509.load_pem_x509_certificate(kit.client_cert.read_bytes()).subject
    except ValueError as problem:
        raise errors.ConfigError(f"expected a certificate at {kit.client_cert}, but {problem}") from problem

    def attribute(kind: x509.ObjectIdentifier) -> str:
        found = subject.get_attributes_for_oid(kind)
        return str(found[0].value) if found else ""

    oids = x509.NameOID
    name, org, role = map(attribute, (oids.COMMON_NAME, oids.ORGANIZATION_NAME, oids.UNSTRUCTURED_NAME))
    if not (name and org and role):
        raise errors.ConfigError(f"expected the certificate of a user at {kit.client_cert}, but it is of {subject}")
    return Person(name, org, role)


class _Run:
    """One recording on its way."""

    def __init__(self, session: Session, wish: Wish, hiding: Hiding, scratch: Path, progress: Progress) -> None:
        self._session = session
        self._wish = wish
        self._progress = progress
        self._clock = MachineTime()
        self._caller = Caller(session, hiding, self._clock, scratch)
        self._steps: dict[str, str] = {}
        self._own: dict[str, None] = {}
        self._jobs: list[str] = []
        self.began = datetime.datetime.now(datetime.timezone.utc)
        self.hiding = hiding
        self.outcomes: list[tuple[Probe, Outcome]] = []
        self.missing: list[document.Missing] = []
        self._unanswered = 0
        """Jobs that were submitted, and nobody said what became of them."""
        self.left: tuple[str, ...] = ()
        self.seconds = 0.0

    @property
    def plain(self) -> list[Outcome]:
        """What came, without why it was asked."""
        return [outcome for _, outcome in self.outcomes]

    def play(self) -> None:
        """Play every probe, then clean up; what ends it early is noted, and whatever was not played."""
        probes = (*FIRST, *LOOKS, *(OWN_JOBS if self._wish.own_jobs else ()))
        reason, done = "", 0
        try:
            for probe, call in self._calls(probes):
                if self._wish.own_jobs and probe is LOOKS[0]:
                    self._check_sites()
                self._progress(str(call))
                lacks = next((word for word in call.args if isinstance(word, str) and word in _STEPS), None)
                if lacks is None:
                    self._keep(probe, self._made(probe, call))
                else:
                    self._miss(call, f"there is no job {lacks}: it could not be made")
                done += 1
        except ConnectionIsLost as problem:
            reason = f"the connection is lost: {problem}"
        except KeyboardInterrupt:
            reason = INTERRUPTED
        finally:
            self.seconds = self._clock.now()
            # A second Ctrl-C leaves jobs where they are; they are named then.
            with contextlib.suppress(KeyboardInterrupt):
                self._clean_up()
            self.left = tuple(self.hiding.id_of(name) for name in self._own)
        if reason:
            for _, call in list(self._calls(probes))[done:]:
                self._miss(call, reason)

    def _miss(self, call: Call, reason: str) -> None:
        self.missing.append(document.Missing(call=str(call), reason=reason))

    def _check_sites(self) -> None:
        sites = self._sites()
        if len(sites) < _SITES_OF_OWN_JOBS:
            expected = f"expected {_SITES_OF_OWN_JOBS} connected sites for jobs of the recording's own"
            raise CannotRecord(f"{expected}, but got {', '.join(sites) or 'none'}: record without --jobs")

    def _made(self, probe: Probe, call: Call) -> Outcome:
        """Make a call; once more where the connection broke and could be had again."""
        try:
            return self._make(probe, call)
        except ConnectionIsLost:
            try:
                self._session.try_connect(_LOGIN_SECONDS)
            except (errors.NoConnection, errors.SessionClosed, OSError) as problem:
                raise ConnectionIsLost(f"{type(problem).__name__}: {problem}") from problem
            return self._make(probe, call)

    def _make(self, probe: Probe, call: Call) -> Outcome:
        if probe.settles:
            self._settle(call)
        if call.method == WATCH:
            return self._caller.watch(str(call.args[0]), probe.until, self._wish.interval, self._wish.patience)
        makes_one = call.method in _MAKING
        self._unanswered += makes_one
        outcome = self._caller.make(call)
        self._unanswered -= makes_one
        return outcome

    def _settle(self, call: Call) -> None:
        """Give the machines time until each tells of the job: one that has just begun counts nothing yet."""
        deadline = self._clock.now() + _SETTLING_SECONDS
        while self._clock.now() < deadline and self._caller.status_of(str(call.args[0])) == "RUNNING":
            outcome = self._caller.make(call)
            if outcome.raised is None and outcome.value and all(outcome.value.values()) and self._all_started():
                return
            self._clock.wait_until(self._clock.now() + self._wish.interval)

    def _all_started(self) -> bool:
        statuses = self._caller.make(Call("get_client_job_status")).value or ()
        return not any(one.get("status") == "starting" for one in statuses)

    def _keep(self, probe: Probe, outcome: Outcome) -> None:
        self.outcomes.append((probe, outcome))
        method = outcome.call.method
        if outcome.raised is not None:
            return
        if method in _MAKING:
            name = self.hiding.name_of(str(outcome.value))
            self._own[name] = None
            self._steps[f"<{probe.names}>"] = name
        elif method == "delete_job":
            self._own.pop(str(outcome.call.args[0]), None)
        elif not self._jobs and method == "list_jobs":
            self._jobs = [self.hiding.name_of(str(job["job_id"])) for job in outcome.value]

    # --- which calls there are ------------------------------------------------------------------------------------

    def _calls(self, probes: Sequence[Probe]) -> Iterator[tuple[Probe, Call]]:
        """Every call; what an answer is yet to name stands in it by its word."""
        release = self._session.release
        for probe in probes:
            if probe.method != WATCH and release not in releases_of(getattr(Session, probe.method)):
                continue
            for subject in self._subjects(probe):
                options = {key: self._wish.newest if value == NEWEST else value for key, value in probe.options.items()}
                yield probe, Call(probe.method, tuple(self._filled(value, subject) for value in probe.args), options)

    def _filled(self, value: Any, subject: str) -> Any:
        if not isinstance(value, str):
            return value
        if value in _STEPS:
            return self._steps.get(value, value)
        return subject if value in _SUBJECTS else value

    def _subjects(self, probe: Probe) -> Sequence[str]:
        """What a probe is made for."""
        if probe.each is Each.ONCE:
            return ("",)
        if probe.each is Each.SITE:
            return self._sites()
        if probe.each is Each.STUDY:
            return self._studies()
        if probe.each is Each.JOB:
            return self._jobs
        statuses = self._statuses()
        if probe.each is Each.RUNNING:
            return [name for name in self._running() if statuses.get(name) == "RUNNING"][:1]
        return [name for name in reversed(self._jobs) if statuses.get(name, "").startswith("FINISHED")][:1]

    def _answers(self, method: str) -> Iterator[Any]:
        return (o.value for o in self.plain if o.call.method == method and o.raised is None)

    def _sites(self) -> list[str]:
        infos = list(self._answers("get_system_info"))
        return sorted(str(client["name"]) for client in infos[0]["client_info"]) if infos else []

    def _running(self) -> list[str]:
        infos = list(self._answers("get_system_info"))
        return [self.hiding.name_of(str(job["job_id"])) for job in infos[0]["job_info"]] if infos else []

    def _studies(self) -> list[str]:
        found: dict[str, Any] = next(self._answers("list_studies"), {})
        names = [str(one.get("name")) if isinstance(one, dict) else str(one) for one in found.get("studies", ())]
        return [name for name in names if name != "default"]

    def _statuses(self) -> dict[str, str]:
        """The statuses of the first list: that of a job may have changed by now, so no probe is made twice."""
        first: list[dict[str, Any]] = next(self._answers("list_jobs"), [])
        return {self.hiding.name_of(str(job["job_id"])): str(job["status"]) for job in first}

    # --- afterwards -----------------------------------------------------------------------------------------------

    def _clean_up(self) -> None:
        """Delete the jobs that this recording made, and no others."""
        if self._wish.own_jobs:
            with contextlib.suppress(ConnectionIsLost):
                if self._unanswered:
                    self._find_unnamed()
                for name in list(self._own):
                    self._progress(f"cleaning up {name}")
                    self._remove(name)
                self._await_end()

    def _find_unnamed(self) -> None:
        """Find a job that was submitted, and whose id never came: one of our names that was not there before."""
        outcome = self._caller.make(Call("list_jobs", options={"limit": self._wish.newest}))
        if outcome.raised is not None or not self.outcomes:
            return
        known = {*self._jobs, *self._steps.values()}
        for job in outcome.value:
            name = self.hiding.name_of(str(job["job_id"]))
            if job["job_name"] in OWN_NAMES.values() and name not in known and self._is_ours(name):
                self._own[name] = None

    def _is_ours(self, name: str) -> bool:
        meta = self._caller.make(Call("get_job_meta", (name,)))
        return meta.raised is None and meta.value.get("submitter_name") == self._wish.user

    def _remove(self, name: str) -> None:
        status = self._caller.status_of(name)
        if status != NOT_TOLD and not status.startswith("FINISHED"):
            self._caller.make(Call("abort_job", (name,)))
            self._caller.watch(name, "FINISHED", self._wish.interval, _END_SECONDS)
        deleted = self._caller.make(Call("delete_job", (name,)))
        if deleted.raised is None or deleted.raised.kind == "JobNotFound":
            self._own.pop(name, None)

    def _await_end(self) -> None:
        """Wait until none of the jobs has a process any more: an official server lists a job until then."""
        deadline = self._clock.now() + _END_SECONDS
        while self._clock.now() < deadline:
            system = self._caller.make(Call("get_system_info"))
            running = system.value["job_info"] if system.raised is None else ()
            if not any(self.hiding.name_of(str(job["job_id"])) in self._steps.values() for job in running):
                return
            self._clock.wait_until(self._clock.now() + self._wish.interval)


_MAKING = frozenset({"submit_job", "clone_job"})
"""What makes a job."""
_STEPS = frozenset(f"<{probe.names}>" for probe in OWN_JOBS if probe.names)
_SUBJECTS = frozenset(each.word for each in Each)


# --- what is written down -----------------------------------------------------------------------------------------


def _recorded(run: _Run, session: Session, wish: Wish, person: Person, hosts: tuple[str, ...]) -> Recorded:
    release = session.release
    date = run.began.strftime("%Y-%m-%dT%H:%M:%SZ")
    version = _version(run.plain, release)
    written = scenario.write(run.plain, person, run.hiding, f"Recorded from a server of release {version} on {date}.")
    gaps = tuple(document.Gap(**dataclasses.asdict(gap)) for gap in written.gaps)
    shown = Shown(run.hiding, Comparable(hosts), gaps)
    made = document.Made(
        date=date,
        command=wish.command,
        release=release,
        server=version,
        hosts=hosts,
        user=document.User(**dataclasses.asdict(person)),
        versions=versions(),
        seconds=run.seconds,
        own_jobs=wish.own_jobs,
    )
    recording = document.Recording(
        format="flare-conformance recording",
        version=1,
        made=made,
        complete=not run.missing,
        missing=tuple(run.missing),
        gaps=gaps,
        not_compared=tuple(document.NotCompared(**dataclasses.asdict(one)) for one in TABLE),
        transcript=tuple(shown.entry(outcome, only_end=probe.only_end) for probe, outcome in run.outcomes),
    )
    return Recorded(recording, written.content, run.left)


def _version(outcomes: Sequence[Outcome], release: str) -> str:
    """The version of the server where it tells it, otherwise its release line."""
    for outcome in outcomes:
        if outcome.call.method == "report_version" and outcome.raised is None:
            return str(outcome.value.get("server", {}).get("version", release))
    return release
