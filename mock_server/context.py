"""What a command sees: the server's state, and the call it answers.

All of it lives on the server's one loop; commands run to their end without waiting, so nothing here is locked.
"""

from __future__ import annotations

import collections
import dataclasses
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flare_client.protocol.commands import CommandSpec, CommandTable
from flare_client.protocol.envelope import Json
from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.jobs import SERVER_SITE
from flare_client.protocol.releases import ReleaseProfile
from mock_server.clock import Clock
from mock_server.jobs.engine import JobEngine
from mock_server.jobs.store import Job, Submitter
from mock_server.policy import DEFAULT_POLICY, Person, Policy
from mock_server.scenarios import Scenario
from mock_server.sessions import AdminSession, AdminSessions
from mock_server.studies import Studies

if TYPE_CHECKING:
    from mock_server.downloads import Downloads
    from mock_server.transcript.facts import Trace
    from mock_server.variation.pedant import Pedant


SITE_TIMEOUT = 10.0
"""Seconds that an official server waits for the answers of sites (2.3.12-2.9.0)."""


@dataclasses.dataclass(frozen=True)
class Peer:
    """Who is at the other end, as the transport knows it.

    Attributes:
        name: the name in the client certificate; ``None`` on an insecure connection.
        org: the organisation in the certificate.
        role: the role in the certificate; a site has none.
        ends_at: when sessions with the certificate end, in seconds since the epoch; ``None``: that does not count.
    """

    name: str | None = None
    org: str = ""
    role: str | None = None
    ends_at: float | None = None

    @property
    def is_secure(self) -> bool:
        """Whether a certificate vouches for the name."""
        return self.name is not None


@dataclasses.dataclass(frozen=True)
class Request:
    """A command as an endpoint hands it over.

    Attributes:
        line: the command line.
        token: the session token, if one came.
        meta: the request meta.
        peer: who is at the other end.
        upload: a file that came with the request; the server's to keep or remove.
        study: the study that a login asks for, as it came.
        trace: the connection that it came on, for the transcript; ``None`` where it came on none.
    """

    line: str
    token: str | None
    meta: Mapping[str, Json]
    peer: Peer
    upload: Path | None = None
    study: object = DEFAULT_STUDY
    trace: Trace | None = None

    @property
    def command(self) -> str:
        """The name of the command, without the scope before it."""
        return self.line.split(" ", 1)[0].rpartition(".")[2]

    def drop_upload(self) -> None:
        """Remove the file that came with the request, if it is there still."""
        if self.upload is not None:
            self.upload.unlink(missing_ok=True)


@dataclasses.dataclass(frozen=True)
class Target:
    """What the words ``server``, ``client [names]`` or ``all`` mean at this moment.

    Attributes:
        server: whether the server is meant.
        sites: the names of the connected sites that are meant.
        word: the first word.
    """

    server: bool
    sites: tuple[str, ...]
    word: str


@dataclasses.dataclass
class Call:
    """One command that passed its checks, or is on its way through them.

    Attributes:
        spec: the command.
        words: the words of the line, the name first.
        request: the request as it came.
        session: whose command it is.
        job: the job that the command names, once it is found.
        target: the targets that the command names, once they are checked.
        silent: the sites that are asked, and do not answer in time.
    """

    spec: CommandSpec
    words: list[str]
    request: Request
    session: AdminSession
    job: Job | None = None
    target: Target | None = None
    silent: frozenset[str] = frozenset()

    @property
    def submitter(self) -> Submitter:
        """Who asks, as the submitter of a job."""
        return Submitter(self.session.user, self.session.org, self.session.role or "")

    @property
    def user(self) -> Person:
        """Who asks."""
        return Person(self.session.user, self.session.org, self.session.role)

    def found_job(self) -> Job:
        """The job of a command that names one; the argument check has found it."""
        if self.job is None:
            raise LookupError(f"{self.spec.name} ran without the job that its argument check finds")
        return self.job

    def found_target(self) -> Target:
        """The targets of a command that names some; the argument check has found them."""
        if self.target is None:
            raise LookupError(f"{self.spec.name} ran without the targets that its argument check finds")
        return self.target


@dataclasses.dataclass(frozen=True)
class Transaction:
    """A download in progress: staged files that a client fetches one by one."""

    folder: Path
    files: Mapping[str, Path]


@dataclasses.dataclass
class Staging:
    """The downloads in progress, each in a folder of its own so that deleting the job does not cut them off."""

    root: Path
    transactions: dict[str, Transaction] = dataclasses.field(default_factory=dict)
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())
    """Makes the ids of transactions, and of what belongs to them."""

    def begin(self, files: Mapping[str, Path]) -> str:
        """Stage files for one download.

        Args:
            files: name in the download to file on disk.

        Returns:
            The id of the transaction.
        """
        tx_id = self.new_id()
        folder = self.root / tx_id
        staged: dict[str, Path] = {}
        for name, path in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            # A hard link costs nothing however large the result is, and outlives the deletion of the job.
            target.hardlink_to(path)
            staged[name] = target
        self.transactions[tx_id] = Transaction(folder, staged)
        return tx_id

    def find(self, tx_id: str, name: str) -> tuple[Transaction, Path] | None:
        """A file of a transaction, or ``None`` where either is unknown."""
        transaction = self.transactions.get(tx_id)
        if transaction is None or name not in transaction.files:
            return None
        return transaction, transaction.files[name]

    def end(self, tx_id: str) -> None:
        """Forget a transaction; whoever sends its last file removes its folder."""
        self.transactions.pop(tx_id, None)


@dataclasses.dataclass
class ServerContext:
    """The state of a server that commands work on.

    Attributes:
        profile: the release that is played.
        commands: its commands.
        clock: the time.
        engine: the jobs and the sites.
        sessions: who is logged in.
        policy: who may do what.
        studies: the studies, from 2.8 on.
        scenario: users, limits and how jobs fare.
        staging: the files of downloads in progress.
        downloads: the downloads of releases from 2.7 on; ``None`` before.
        org: the organisation of the server, which counts in authorisation.
        name: the name of the server.
        workspace: the folder that the server pretends to run in.
        fl_url: what sites are told to connect to.
        secure: whether certificates are asked for.
        started: when the server started, in seconds since the epoch.
        restart: asks the server to restart once the answer is out.
        shutdown: asks the server to stop once the answer is out.
        project: the name of the project.
        site_policies: the policies of sites that have one of their own.
        site_timeout: seconds that the server waits for sites, unless a command says another.
        asked: how often each site that takes its time was asked.
        pedant: varies what the server may do otherwise; ``None``: nothing.
        reset_errors: where the errors of a machine's plan were reset: the id of a job, and ``server`` or a site.
    """

    profile: ReleaseProfile
    commands: CommandTable
    clock: Clock
    engine: JobEngine
    sessions: AdminSessions
    policy: Policy
    studies: Studies
    scenario: Scenario
    staging: Staging
    downloads: Downloads | None
    org: str
    name: str
    workspace: Path
    fl_url: str
    secure: bool
    started: float
    restart: Callable[[], None]
    shutdown: Callable[[], None]
    project: str = "example_project"
    site_policies: Mapping[str, Policy] = dataclasses.field(default_factory=dict)
    pedant: Pedant | None = None
    site_timeout: float = SITE_TIMEOUT
    asked: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    reset_errors: set[tuple[str, str]] = dataclasses.field(default_factory=set)

    def policy_of(self, machine: str) -> Policy:
        """The policy of ``server`` or of a site; a site without one of its own has the official default one."""
        return self.policy if machine == SERVER_SITE else self.site_policies.get(machine, DEFAULT_POLICY)
