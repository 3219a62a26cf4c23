"""``MockServer``: a mock admin server inside the user's process.

One asyncio loop in one thread holds all state. Whoever uses the server from another thread hands a function to that
loop and waits for its result; nothing is shared otherwise.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import shutil
import socket
import tempfile
import threading
import weakref
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from flare_client.protocol.cellnet.kit import CellWire, Scheme, Security
from flare_client.protocol.cellnet.rules import CellRules
from flare_client.protocol.cellnet.server import ServerIdentity
from flare_client.protocol.commands import Right, commands_of
from flare_client.protocol.envelope import Envelope, ItemType, read_envelope
from flare_client.protocol.errors import ProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits
from flare_client.protocol.releases import LATEST, ReleaseProfile, profile_for
from flare_client.protocol.statuses import MetaKey
from mock_server.answers import Answer, EmptyAnswer, Reply, SilentAnswer
from mock_server.clock import Clock, ManualClock, RealClock, ScaledClock, SkewedClock, read_clock
from mock_server.commands.dispatch import answer
from mock_server.context import Request, ServerContext, Staging
from mock_server.downloads import Downloads
from mock_server.endpoints.cellnet.endpoint import CellEndpoint
from mock_server.endpoints.cellnet.service import AdminService
from mock_server.endpoints.hci import HciEndpoint
from mock_server.faults.actions import Silence
from mock_server.faults.course import End, Form, Point
from mock_server.faults.desk import FaultDesk
from mock_server.faults.impostor import Impostor
from mock_server.faults.injection import Fault, Faults
from mock_server.faults.rules import Rule
from mock_server.files import private_folder
from mock_server.guards import check_host
from mock_server.jobs.engine import JobEngine
from mock_server.jobs.outcomes import Occurrence, ServerRules
from mock_server.jobs.store import Job
from mock_server.kits import write_admin_kit
from mock_server.pki import Pki
from mock_server.policy import AUTHORIZATION_FILE, DEFAULT_POLICY, Person, Policy
from mock_server.quantities import read_duration
from mock_server.scenarios import Scenario, ScenarioError, library
from mock_server.scenarios.system import ClockSpec, Happening
from mock_server.sessions import AdminSessions
from mock_server.signatures import check_job_signatures
from mock_server.sites import Site
from mock_server.transcript import Calls, Retention, Transcript
from mock_server.transcript.facts import Commanded
from mock_server.watch import JobWatch, check_awaited

_logger = logging.getLogger("mock_server")

_T = TypeVar("_T")

DEFAULT_SITES = ("site-1", "site-2")
DEFAULT_ORG = "nvidia"
DEFAULT_PROJECT = "example_project"
_CALL_SECONDS = 60.0
_DRAIN_SECONDS = 1.0
_CALL_OFF_SECONDS = 0.05
_ASIDE = ".run-"
"""What was ``run`` before a reset, until it is removed."""
_LONGEST_TICK = 3600.0
"""Seconds after which the clock is looked at again in any case: a loop cannot wait for ever longer."""


class ServerError(RuntimeError):
    """The server cannot do what was asked of it; the text says why."""


def _reserve_port(host: str, port: int) -> socket.socket:
    """Hold a port that a kit names but nobody serves yet, so that no other program gets it."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((host, port))
    except OSError as problem:
        holder.close()
        raise ServerError(f"expected port {port} of {host} to be free, but {problem.strerror}") from problem
    return holder


class MockServer:
    """A mock admin server: the real wire, simulated jobs.

    Use it as a context manager, with ``with`` or ``async with``, or call ``start`` and ``stop``.

    Args:
        release: the release to play, as ``2.6`` or ``2.6.3``.
        sites: the names of the sites that are connected; a scenario that names sites overrules it.
        scenario: how jobs fare, users and limits: a ``Scenario``, the name of a ready one as ``realistic``, a path of a
            scenario file or its content as a dict.
        secure: mutual TLS; otherwise clear text and the fixed password, as insecure servers do.
        workspace: a folder to keep certificates, kits and results in; a temporary one by default, removed at the end.
        port: the FL port that kits name; a free one by default. Nobody listens there.
        admin_port: the port to listen on; a free one by default.
        host: the address to bind to, and the host that kits name.
        clock: the time of the simulation: a ``Clock``, ``virtual``, ``real``, or a speed as ``x100``; that of the
            scenario by default, which is the real one where it says nothing.
        project: the name of the certificate authority.
        limits: how much a client may send.
        stall_timeout: seconds for a TLS handshake, and between two bytes of a request; in releases from 2.7 on, for a
            sign of life of a client.
        scheme: how frames travel in releases from 2.7 on: ``http`` (the default), ``tcp``, or ``grpc``
            where grpcio is installed.
        connection_security: what protects the connection in these releases: ``mtls`` (the default), ``tls``, in which
            only the server shows a certificate, or ``clear``. Who is who is proven in all three alike.
        retention: how much the transcript keeps; ``Retention(entries=0)`` for nothing.
        authorization: the server's policy: the path of an ``authorization.json``, or its content. Without it that of
            the scenario, then ``local/authorization.json`` in the workspace, then the official default one. Sites
            decide for themselves: their policies are in the scenario.
        allow_remote: listen on a host that other machines reach, too. A mock is for tests: it is refused otherwise.

    Attributes:
        transcript: what happened: every connection, message, command and decision, without secrets.
        calls: the commands that came, for assertions.

    Raises:
        ValueError: the release is unknown, or has no such scheme, security or insecure servers, or the scenario is
            unusable.
    """

    def __init__(
        self,
        release: str = LATEST.release,
        sites: Sequence[str] = DEFAULT_SITES,
        scenario: Scenario | str | Path | dict[str, Any] | None = None,
        *,
        secure: bool = True,
        workspace: str | Path | None = None,
        port: int = 0,
        admin_port: int = 0,
        host: str = "127.0.0.1",
        clock: Clock | str | None = None,
        project: str = DEFAULT_PROJECT,
        limits: Limits = DEFAULT_LIMITS,
        stall_timeout: float = 60.0,
        scheme: str | None = None,
        connection_security: str | None = None,
        retention: Retention | None = None,
        authorization: Policy | str | Path | dict[str, Any] | None = None,
        allow_remote: bool = False,
    ) -> None:
        self.profile: ReleaseProfile = profile_for(release)
        self.scheme = _read_scheme(self.profile, scheme, secure)
        self.security = _read_security(self.profile, connection_security)
        self.scenario = _read_scenario(scenario, self.profile)
        self.secure = secure
        self._given_authorization = authorization
        self.policy = _read_policy(authorization, self.scenario, workspace)
        self.host = host
        self.clock = _read_clock(clock, self.scenario.clock)
        self.transcript = Transcript(retention, self.clock)
        self.calls = Calls(self.profile, self.transcript.redactor)
        self._site_names = tuple(sites)
        self._given_workspace = Path(workspace) if workspace is not None else None
        self._given_ports = (port, admin_port)
        self._project = project
        self._limits = limits
        self._stall_timeout = stall_timeout
        self._allow_remote = allow_remote
        self._withheld: dict[str, Fault] = {}
        self.faults = Faults(self._on_desk, self._check_fault)
        """What goes wrong on this server: ``with server.faults.inject(Delay(2.0), command="list_jobs"): ...``."""
        self._running: _Running | None = None
        self._pki: Pki | None = None

    def __enter__(self) -> MockServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> MockServer:
        starting = asyncio.ensure_future(asyncio.to_thread(self.start))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread starts the server all the same; nobody would stop it.
            with contextlib.suppress(Exception):
                await starting
            await asyncio.to_thread(self.stop)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.shield(asyncio.to_thread(self.stop))

    # --- life -------------------------------------------------------------------------------------------------

    @property
    def release(self) -> str:
        """The release line that is played."""
        return self.profile.release

    @property
    def is_running(self) -> bool:
        """Whether clients are served; false before ``start``, after ``stop``, and after a client shut it down."""
        return self._running is not None and not self._running.stopped.is_set()

    def start(self) -> None:
        """Start to serve; returns once connections are accepted.

        Raises:
            ServerError: it runs already, a port cannot be had, or others would reach it and that is not allowed.
        """
        if self._running is not None:
            raise ServerError("the server runs already")
        self._check_host()
        with contextlib.ExitStack() as undo:
            undo.callback(self._close_pki)
            root = self._given_workspace or Path(tempfile.mkdtemp(prefix="flare-mock-"))
            if self._given_workspace is None:
                undo.callback(shutil.rmtree, root, ignore_errors=True)
            root.mkdir(parents=True, exist_ok=True)
            if self.secure:
                self._pki = Pki(self._project, root / "pki" if self._given_workspace else None, host=self.host)
            holder = _reserve_port(self.host, self._given_ports[0])
            undo.callback(holder.close)
            running = _Running(self, root, holder)
            undo.callback(running.stop)
            try:
                running.start(self._given_ports[1])
            except OSError as problem:
                raise ServerError(
                    f"expected to listen on port {self._given_ports[1]} of {self.host}, but {problem.strerror}"
                ) from problem
            self._running = running
            if self._given_workspace is None:
                # The program may end without `stop`.
                undo.callback(weakref.finalize(running, shutil.rmtree, root, ignore_errors=True).detach)
            running.cleanup = undo.pop_all()

    def stop(self) -> None:
        """Stop serving, and remove what was temporary. Stopping twice is fine."""
        running, self._running = self._running, None
        if running is not None:
            running.cleanup.close()
        self._close_pki()

    def _close_pki(self) -> None:
        if self._pki is not None:
            self._pki.close()
            self._pki = None

    def _check_host(self) -> None:
        if self._allow_remote:
            return
        try:
            check_host(self.host)
        except ValueError as problem:
            raise ServerError(str(problem)) from problem
        except OSError as problem:
            raise ServerError(f"expected a host to listen on, but {self.host!r}: {problem.strerror}") from problem

    def restart(self) -> None:
        """Restart as a real server would: every connection and session is gone, running jobs are abandoned.

        Ports, certificates and kits stay.
        """
        running = self._require_running()
        running.on_loop(running.restart())

    def reset(
        self,
        *,
        scenario: Scenario | str | Path | dict[str, Any] | None = None,
        sites: Sequence[str] | None = None,
        clock: Clock | str | None = None,
    ) -> None:
        """Be as if just started: for the next test, in milliseconds.

        Gone are connections, sessions, jobs with their files, studies, faults, what was withheld, transcript and
        calls; sites are connected again. Ports, certificates and kits stay.

        Args:
            scenario: another one from now on; that of before by default.
            sites: other sites from now on, where the scenario names none; those of before by default.
            clock: another time from now on, as when a server is made; that of before by default.

        Raises:
            ServerError: it does not run, or a client has shut it down.
            ValueError: the scenario is unusable; nothing is changed then.
        """
        running = self._require_running()
        if not self.is_running:
            raise ServerError("expected a server that serves, but a client has shut it down: stop and start it")
        if scenario is not None:
            chosen = _read_scenario(scenario, self.profile)
            self.policy = _read_policy(self._given_authorization, chosen, self._given_workspace)
            self.scenario = chosen
        self._site_names = self._site_names if sites is None else tuple(sites)
        if clock is not None:
            self.clock = self.transcript.clock = _read_clock(clock, self.scenario.clock)
        running.on_loop(running.reset(self))
        self._withheld.clear()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the server has stopped serving, as after a client's ``shutdown``.

        Args:
            timeout: seconds, or ``None`` for as long as it takes.

        Returns:
            Whether it has stopped.
        """
        return self._running is None or self._running.stopped.wait(timeout)

    # --- what a client needs ----------------------------------------------------------------------------------

    @property
    def admin_port(self) -> int:
        """The port that is listened on."""
        return self._require_running().admin_port

    @property
    def port(self) -> int:
        """The FL port that kits name."""
        return self._require_running().fl_port

    @property
    def pki(self) -> Pki:
        """The certificates of a secure server."""
        if self._pki is None:
            raise ServerError("expected a secure server that runs: an insecure or stopped one has no certificates")
        return self._pki

    def kit(
        self,
        name: str = "admin@nvidia.com",
        org: str = DEFAULT_ORG,
        role: str = "project_admin",
        *,
        directory: str | Path | None = None,
        authority: Pki | None = None,
        **certificate: Any,
    ) -> Path:
        """Write a startup kit that the official client of the release accepts.

        Args:
            name: the user.
            org: the organisation of the user.
            role: ``project_admin``, ``org_admin``, ``lead`` or ``member``.
            directory: the folder to write the kit's folder into; one of the server's by default.
            authority: who issues the certificate; the server's own by default. A kit of another one
                (``Pki.foreign()``) is one that the server refuses, and that refuses the server.
            **certificate: passed to ``Pki.issue_user``, for kits that are wrong on purpose.

        Returns:
            The kit root, the folder above ``startup``. An insecure server has one kit for everyone, of ``admin``.
        """
        running = self._require_running()
        parent = Path(directory) if directory is not None else running.root / "kits"
        pki = (authority or self.pki) if self.secure else None
        credentials = pki.issue_user(name, org, role, **certificate) if pki is not None else None
        return write_admin_kit(
            parent / (name if self.secure else "admin"),
            profile=self.profile,
            host=self.host,
            fl_port=running.fl_port,
            admin_port=running.admin_port,
            credentials=credentials,
            pki=pki,
            wire=CellWire(self.scheme, self.security) if self.scheme is not None else None,
        )

    # --- what a test needs ------------------------------------------------------------------------------------

    def call(self, function: Callable[[ServerContext], _T]) -> _T:
        """Run a function on the server's state, on its loop, and return the result.

        Args:
            function: takes the state; must not wait.
        """
        running = self._require_running()

        async def run() -> _T:
            running.context.engine.advance()
            return function(running.context)

        return running.on_loop(run())

    def job_metas(self) -> list[dict[str, Any]]:
        """The stored meta of every job, oldest first."""
        return self.call(lambda context: [dict(job.meta) for job in context.engine.jobs(reverse=False)])

    def wait_until(self, job_id: str, status: str, timeout: float | str = "1d") -> dict[str, Any]:
        """Let time pass until a job has a status: a virtual clock is moved from event to event, others are waited for.

        Args:
            job_id: the job.
            status: as in the meta, ``RUNNING``; or ``FINISHED`` for every end.
            timeout: how long, on the server's clock; seconds, or a text as ``2h``.

        Returns:
            The meta of the job.

        Raises:
            KeyError: there is no such job.
            ValueError: there is no such status.
            TimeoutError: the job does not get there in time, or ends otherwise; the text says where it is.
        """
        check_awaited(status)
        return JobWatch(self.call, self.clock).wait(job_id, status, read_duration(timeout))

    def abort_job(self, job_id: str) -> None:
        """Abort a job, as another admin would.

        Raises:
            KeyError: there is no such job.
        """

        def abort(context: ServerContext) -> None:
            job = context.engine.get(job_id)
            if job is None:
                raise KeyError(job_id)
            context.engine.abort(job)

        self.call(abort)

    def delete_job(self, job_id: str) -> None:
        """Delete a job, as another admin would.

        Raises:
            KeyError: there is no such job.
            JobIsRunning: the job runs.
        """
        self.call(lambda context: context.engine.delete(job_id))

    def expire_sessions(self) -> None:
        """End every admin session, as if each had been idle for too long; from 2.7 on the clients are told."""
        running = self._require_running()

        def expire(context: ServerContext) -> None:
            context.sessions.close_all()
            running.tell_expired()

        self.call(expire)

    def withhold(self, command: str) -> None:
        """Neither carry out nor answer a command from now on; it is counted all the same.

        A short form of ``faults.inject(Silence(), command=command)``.

        Args:
            command: its name, as ``list_jobs``.
        """
        self._withheld[command] = self.faults.inject(Silence(), command=command)

    def release_command(self, command: str) -> None:
        """Carry out a command again that was withheld."""
        fault = self._withheld.pop(command, None)
        if fault is not None:
            fault.remove()

    def received(self, command: str) -> int:
        """How often a command came since the server was started.

        Args:
            command: its name, as ``list_jobs``.
        """
        running = self._require_running()
        return self.call(lambda _: running.faults.received[command])

    def set_site_connected(self, name: str, connected: bool) -> None:
        """Connect or disconnect a site.

        Raises:
            KeyError: the server has no such site.
        """
        self.call(lambda context: context.engine.set_site_connected(name, connected))

    def _on_desk(self, function: Callable[[FaultDesk], Any]) -> None:
        running = self._running
        if running is not None and not running.stopped.is_set():
            self.call(lambda _: function(running.faults))

    def _check_fault(self, rule: Rule) -> None:
        self._require_running()
        _check_fault(rule, self.profile, self.scheme)

    def _require_running(self) -> _Running:
        if self._running is None:
            raise ServerError("expected a server that runs: use `with MockServer(...)` or call start()")
        return self._running


def _read_clock(clock: Clock | str | None, spec: ClockSpec) -> Clock:
    if isinstance(clock, str):
        return read_clock(clock, spec.start)
    if clock is not None:
        return clock
    if spec.speed == "virtual":
        return read_clock("virtual", spec.start)
    if spec.speed == 1.0 and spec.start is None:
        return RealClock()
    return ScaledClock(spec.speed, spec.start)


def _read_scheme(profile: ReleaseProfile, scheme: str | None, secure: bool) -> Scheme | None:
    if profile.cell is None:
        if scheme is not None:
            raise ValueError(f"expected no scheme for release {profile}, which has one wire, but got {scheme!r}")
        return None
    if not secure:
        raise ValueError(f"expected a secure server of release {profile}: it signs with its certificate even in clear")
    try:
        return Scheme(scheme or Scheme.HTTP)
    except ValueError:
        known = ", ".join(one.value for one in Scheme)
        raise ValueError(f"expected a scheme of {known}, but got {scheme!r}") from None


def _idle_timeout(server: MockServer) -> float:
    chosen = server.scenario.idle_timeout
    return server.profile.idle_timeout if chosen is None else chosen


def _read_security(profile: ReleaseProfile, security: str | None) -> Security:
    if profile.cell is None and security is not None:
        raise ValueError(f"expected no connection_security for release {profile}, but got {security!r}: see secure")
    try:
        return Security(security or Security.MUTUAL_TLS)
    except ValueError:
        known = ", ".join(one.value for one in Security)
        raise ValueError(f"expected a connection_security of {known}, but got {security!r}") from None


def _read_scenario(scenario: Scenario | str | Path | dict[str, Any] | None, profile: ReleaseProfile) -> Scenario:
    if scenario is None:
        return Scenario()
    if isinstance(scenario, dict):
        scenario = Scenario.from_dict(scenario)
    elif not isinstance(scenario, Scenario):
        scenario = library.find(scenario)
    for rule in scenario.faults:
        try:
            _check_fault(rule, profile, None)
        except ValueError as problem:
            raise ScenarioError(f"faults: {problem}") from None
    if scenario.studies and not profile.has_studies:
        raise ScenarioError(f"expected a scenario without studies, as release {profile.release} has none")
    return scenario


def _read_policy(
    authorization: Policy | str | Path | dict[str, Any] | None, scenario: Scenario, workspace: str | Path | None
) -> Policy:
    """The policy of the server: what was given, then the scenario's, then the file in its workspace."""
    if isinstance(authorization, Policy):
        return authorization
    if isinstance(authorization, (str, Path)):
        return Policy.load(authorization)
    if authorization is not None:
        return Policy(authorization)
    if scenario.server.authorization is not None:
        return Policy(scenario.server.authorization)
    placed = Path(workspace) / "local" / AUTHORIZATION_FILE if workspace is not None else None
    return Policy.load(placed) if placed is not None and placed.is_file() else DEFAULT_POLICY


def _check_fault(rule: Rule, profile: ReleaseProfile, scheme: Scheme | None) -> None:
    """Refuse a fault that a server cannot have.

    Raises:
        ValueError: its release or its scheme lacks what would go wrong.
    """
    kind = rule.action.kind
    if profile.cell is None and (type(rule.action).needs_cells or rule.point is Point.UPLOAD):
        raise ValueError(f"expected a fault that release {profile.release} can have, but {kind!r} is of 2.7 and later")
    if scheme is Scheme.GRPC and kind in ("certificate", "old_tls"):
        raise ValueError(
            f"expected a fault that the scheme grpc can have, but {kind!r} is of TLS, which gRPC does itself"
        )


class _Running:
    """A server between start and stop: the thread, its loop, and all state on it."""

    def __init__(self, server: MockServer, root: Path, holder: socket.socket) -> None:
        self.root = root
        self.cleanup = contextlib.ExitStack()
        self.stopped = threading.Event()
        self.fl_port = int(holder.getsockname()[1])
        self.admin_port = 0
        self._host = server.host
        self._transcript, self._calls = server.transcript, server.calls
        self._given_clock = server.clock
        self._clock = SkewedClock(server.clock)
        self._task: asyncio.Task[None] | None = None
        self._restarting: asyncio.Task[None] | None = None
        self._resets = 0
        for left in root.glob(f"{_ASIDE}*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        self._ticking: asyncio.TimerHandle | None = None
        self._unfollow: Callable[[], None] = lambda: None
        self._will_reopen = False
        uploads = _fresh(private_folder(root / "run") / "uploads")
        self.context = self._build_context(server, root / "run", uploads)
        asks = server.security is Security.MUTUAL_TLS
        impostor = Impostor(server.pki, asks_certificate=asks) if server.secure else None
        self.faults = FaultDesk(server.scenario.faults, self.context.sessions, impostor)
        self.faults.plant = self
        self.faults.lost = self._lost
        self._endpoint = self._build_endpoint(server, uploads)
        # What may fail is done: a loop has files of its own that somebody must close.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="flare-mock", daemon=True)

    def _build_endpoint(self, server: MockServer, uploads: Path) -> HciEndpoint | CellEndpoint:
        tls = server.pki.server_context() if server.secure else None
        limits, stall_timeout = server._limits, server._stall_timeout
        downloads = self.context.downloads
        if server.profile.cell is None or server.scheme is None or downloads is None:
            return HciEndpoint(
                server.profile,
                self._answer,
                uploads,
                tls,
                faults=self.faults,
                limits=limits,
                stall_timeout=stall_timeout,
                observer=server.transcript,
            )
        service = AdminService(
            server.profile.cell,
            _server_identity(server, server.profile.cell),
            self._answer,
            self.context.sessions,
            downloads,
            uploads,
            self.faults,
        )
        pki = server.pki
        credentials: tuple[bytes | None, bytes, bytes] | None
        credentials = (pki.ca_pem, pki.server_certificate_pem, pki.server_key_pem)
        if server.security is Security.TLS:
            tls, credentials = pki.one_way_context(), (None, *credentials[1:])
        elif server.security is Security.CLEAR:
            tls = credentials = None
        return CellEndpoint(
            service,
            server.scheme,
            tls,
            faults=self.faults,
            credentials=credentials,
            limits=limits,
            stall_timeout=stall_timeout,
            observer=server.transcript,
        )

    def _build_context(self, server: MockServer, run: Path, uploads: Path) -> ServerContext:
        policy, studies = server.policy, server.scenario.first_studies()
        engine = JobEngine(
            server.profile,
            self._clock,
            server.scenario,
            _fresh(run / "jobs"),
            server.scenario.sites_or([Site(name, DEFAULT_ORG) for name in server._site_names]),
            rules=ServerRules(
                verify_signature=self._signature_check(server),
                may_deploy_byoc=lambda job: _may_deploy(policy, job),
                sites_of_study=studies.sites_of,
            ),
            witness=self._see,
        )
        sessions = AdminSessions(self._clock, _idle_timeout(server))
        staging, cell = Staging(uploads), server.profile.cell
        return ServerContext(
            profile=server.profile,
            commands=commands_of(server.profile),
            clock=self._clock,
            engine=engine,
            sessions=sessions,
            policy=policy,
            studies=studies,
            scenario=server.scenario,
            staging=staging,
            downloads=Downloads(staging, sessions, self._clock, cell) if cell is not None else None,
            org=DEFAULT_ORG,
            name=server.host,
            workspace=run,
            fl_url=f"{server.scheme.value if server.scheme else 'grpc'}://{server.host}:{self.fl_port}",
            secure=server.secure,
            started=self._clock.time(),
            project=server.pki.project if server.secure else DEFAULT_PROJECT,
            site_policies=server.scenario.site_policies(),
            restart=lambda: self._soon(self.restart),
            shutdown=lambda: self._soon(self._shut_down),
        )

    @staticmethod
    def _signature_check(server: MockServer) -> Callable[[Path, str], str | None] | None:
        if not server.secure:
            return None
        ca, profile = server.pki.ca_pem, server.profile
        return lambda path, folder: check_job_signatures(path, folder, ca, profile)

    def start(self, admin_port: int) -> None:
        self._thread.start()
        self.admin_port = self.on_loop(self._endpoint.start(self._host, admin_port))
        self._loop.call_soon_threadsafe(self._follow_time)

    # --- time -----------------------------------------------------------------------------------------------------

    def _follow_time(self) -> None:
        """Have the scenario's events happen from now on, in the server's time."""
        self._leave_time()
        if isinstance(self._given_clock, ManualClock):
            self._unfollow = self._given_clock.follow(self._catch_up_soon)
        self._tick()

    def _leave_time(self) -> None:
        self._unfollow()
        self._unfollow = lambda: None
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    def _catch_up_soon(self) -> None:
        self._loop.call_soon_threadsafe(self._catch_up)

    def _catch_up(self) -> None:
        self.context.engine.advance()

    def _tick(self) -> None:
        """Catch up when the scenario has something happen to the server: nobody may be there to ask."""
        self._catch_up()
        when = self.context.engine.next_happening_at()
        seconds = None if when is None else self._clock.real_seconds_until(when)
        if seconds is not None:
            self._ticking = self._loop.call_later(min(seconds, _LONGEST_TICK), self._tick)

    def _see(self, seen: Occurrence) -> None:
        """Let the server go through what the scenario has happen to it; the engine does its own part."""
        if seen.job is not None or seen.detail:  # of a job, of a site
            return
        happening = Happening(seen.what)
        if happening is Happening.SHUTDOWN:
            self._soon(self._shut_down)
            return
        self.context.sessions.close_all()
        if happening is Happening.EXPIRE_SESSIONS:
            self.tell_expired()
            return
        if self.context.downloads is not None:
            self.context.downloads.clear()
        self.context.started = seen.time
        if not self._will_reopen:
            self._will_reopen = True
            self._soon(self._reopen)

    async def _reopen(self) -> None:
        """Cut every connection, and listen again on the same port."""
        await self._endpoint.stop()
        self._will_reopen = False
        if not self.stopped.is_set():
            await self._endpoint.start(self._host, self.admin_port)

    def stop(self) -> None:
        self._unfollow()
        if self._thread.is_alive():
            self.on_loop(self._endpoint.stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self.stopped.set()
        if not self._loop.is_closed():
            self._loop.close()

    async def restart(self, down: float = 0.0) -> None:
        await self._endpoint.stop()
        if down > 0:
            # Held meanwhile, so that no other program gets the port.
            with contextlib.closing(_reserve_port(self._host, self.admin_port)):
                await asyncio.sleep(down)
        self.context.sessions.close_all()
        if self.context.downloads is not None:
            self.context.downloads.clear()
        self.context.engine.restart()
        self.context.started = self.context.clock.time()
        await self._endpoint.start(self._host, self.admin_port)

    async def reset(self, server: MockServer) -> None:
        await self._call_off()
        await self._endpoint.cut()
        await asyncio.sleep(0)  # the loop tells of the end of what was cut
        # Removing takes longer than all the rest, and nobody needs to wait for it.
        self._resets += 1
        run, aside = self.root / "run", self.root / f"{_ASIDE}{self._resets}"
        run.rename(aside)
        self._loop.run_in_executor(None, lambda: shutil.rmtree(aside, ignore_errors=True))
        self._leave_time()
        self._given_clock, self._will_reopen = server.clock, False
        self._clock = SkewedClock(server.clock)
        self.context = self._build_context(server, run, _fresh(private_folder(run) / "uploads"))
        self.faults.start_over(server.scenario.faults, self.context.sessions)
        if isinstance(self._endpoint, CellEndpoint) and self.context.downloads is not None:
            self._endpoint.service.start_over(self.context.sessions, self.context.downloads)
        self._transcript.clear()
        self._calls.clear()
        self._follow_time()

    async def _call_off(self) -> None:
        """Call off a restart or a shutdown that somebody has asked for, or that is under way."""
        waiting = {task for task in (self._task, self._restarting) if task is not None and not task.done()}
        if not waiting:
            return
        while waiting:
            for task in waiting:
                # Again and again: `wait_for` of Python 3.10 and 3.11 loses a cancellation that comes with the result.
                task.cancel()
            _, waiting = await asyncio.wait(waiting, timeout=_CALL_OFF_SECONDS)
        # Nobody knows how far it came.
        await self._endpoint.stop()
        await self._endpoint.start(self._host, self.admin_port)

    async def _shut_down(self) -> None:
        await self._endpoint.stop()
        self.context.sessions.close_all()
        self.stopped.set()

    def tell_expired(self) -> None:
        """Tell clients whose session is over, where the wire can; on the loop."""
        if isinstance(self._endpoint, CellEndpoint):
            self._endpoint.service.push_expired()

    # --- what faults do to the server; on the loop --------------------------------------------------------------

    def expire_session(self, session: str) -> None:
        """See ``Plant``."""
        self.context.sessions.close(session)
        self.tell_expired()

    def forget_token(self, session: str) -> None:
        """See ``Plant``."""
        self.context.sessions.close(session)
        if isinstance(self._endpoint, CellEndpoint):
            self._endpoint.service.forget_session(session)

    def restart_after(self, down: float) -> None:
        """See ``Plant``."""
        self._restarting = self._loop.create_task(self.restart(down))

    def skew_clock(self, seconds: float) -> None:
        """See ``Plant``."""
        self._clock.skew = seconds

    def on_loop(self, work: Coroutine[Any, Any, _T]) -> _T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(_CALL_SECONDS)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise ServerError(f"the server's loop did not answer within {_CALL_SECONDS:g} s") from None

    def _soon(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something to the server once the answer that announces it has left."""

        async def when_answered() -> None:
            await self._endpoint.drain(_DRAIN_SECONDS)
            await work()

        self._task = self._loop.create_task(when_answered())

    def _answer(self, request: Request) -> Answer:
        user, size = self._user_of(request), _upload_size(request)
        answered = answer(self.context, request)
        said = answered if isinstance(answered, Reply) else None
        self._tell(request, _told(request, _FORMS.get(type(answered), "file"), said, user, size))
        return answered

    def _lost(self, request: Request, end: End | None, form: Form) -> None:
        """A fault takes a command before it is carried out."""
        word, said = end.name.lower() if end is not None else "reply", None
        if end is None:
            with contextlib.suppress(ProtocolError):  # what is said instead need not be an envelope
                said = read_envelope(form.text(Reply().envelope("").encode().decode("ascii")))
        self._tell(request, _told(request, word, said, self._user_of(request), _upload_size(request)))

    def _tell(self, request: Request, fact: Commanded) -> None:
        self._calls.add(fact)
        self._transcript.note(request.trace, fact)

    def _user_of(self, request: Request) -> str:
        known = self.context.sessions.find(request.token) if request.token else None
        return request.peer.name or (known.user if known is not None else "")

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        if pending:
            self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())


_FORMS: dict[type[Answer], str] = {Reply: "reply", EmptyAnswer: "empty", SilentAnswer: "silence"}


def _upload_size(request: Request) -> int | None:
    return request.upload.stat().st_size if request.upload is not None else None


def _told(request: Request, form: str, said: Reply | Envelope | None, user: str, upload_size: int | None) -> Commanded:
    status, info, error = None, "", ""
    if said is not None:
        status, info = said.meta.get(MetaKey.STATUS.value), str(said.meta.get(MetaKey.INFO.value, ""))
        error = next((str(item.data) for item in said.items if item.type is ItemType.ERROR), "")
    return Commanded(request.line, user, request.token, form, status, info, error, upload_size)


def _server_identity(server: MockServer, rules: CellRules) -> ServerIdentity:
    pki = server.pki
    versions = {"federation_protocol_version": 1, "nvflare_version": server.profile.official}
    return ServerIdentity(
        pki.project,
        pki.ca_pem,
        pki.server_certificate_pem,
        pki.server_key_pem,
        ssid=rules.ssid,
        versions=versions if rules.tells_versions else None,
    )


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _may_deploy(policy: Policy, job: Job) -> bool:
    submitter = Person(job.submitter.name, job.submitter.org, job.submitter.role)
    return policy.allows(Right.BYOC, submitter, site_org=DEFAULT_ORG, submitter=submitter)
