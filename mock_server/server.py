"""``MockServer``: a mock admin server inside the user's process."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from flare_client.protocol.cellnet.kit import CellWire
from flare_client.protocol.kit import INSECURE_USER
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits
from mock_server.broken_kits import write_broken_kit
from mock_server.chronicle import Chronicle
from mock_server.clock import Clock
from mock_server.control.settings import ControlSettings, read_control
from mock_server.errors import ServerError
from mock_server.faults.desk import FaultDesk
from mock_server.faults.injection import Faults
from mock_server.faults.rules import Rule
from mock_server.interventions import Interventions
from mock_server.kits import KitOrder, write_admin_kit
from mock_server.pki import Pki
from mock_server.policy import Policy
from mock_server.premises import Holdings, Premises
from mock_server.running import Running
from mock_server.scenarios import Scenario
from mock_server.server_kit.place import LOOPBACK
from mock_server.settings import (
    DEFAULT_ORG,
    DEFAULT_SITES,
    Settings,
    check_authority,
    check_fault,
    clock_of,
    given_kit,
    pedantry_of,
    policy_of,
    project_of,
    release_of,
    scenario_of,
    scheme_of,
    security_of,
    sites_of,
)
from mock_server.transcript import Calls, Retention, Transcript
from mock_server.variation.pedantry import Pedantry

if TYPE_CHECKING:
    from mock_server.control.surface import Control


class MockServer(Interventions):
    """A mock admin server: the real wire, simulated jobs.

    Use it as a context manager, with ``with`` or ``async with``, or call ``start`` and ``stop``.

    Args:
        release: the release to play, as ``2.6`` or ``2.6.3``; the newest by default, or that of the server's kit.
        sites: the names of the sites that are connected; a scenario that names sites overrules it.
        scenario: how jobs fare, users and limits: a ``Scenario``, the name of a ready one as ``realistic``, a path of a
            scenario file or its content as a dict.
        secure: mutual TLS; otherwise clear text and the fixed password, as insecure servers do.
        workspace: a folder to keep certificates, kits and results in; a temporary one by default, removed at the end.
        port: the FL port that kits name; a free one by default. To 2.6 it answers a handshake of gRPC, which
            ``nvflare preflight-check`` asks for, where h2 is installed (extra ``grpc``), and no call.
        admin_port: the port to listen on; a free one by default.
        host: the address to bind to, and the host that kits name; 127.0.0.1 by default.
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
        pedantic: do otherwise what a server may do otherwise, so that a client relies on no habit of this one:
            ``True`` with a seed that is drawn, a seed, or a ``Pedantry``; what the scenario says by default.
        allow_remote: listen on a host that other machines reach, too. A mock is for tests: it is refused otherwise.
        state: a folder to keep all in that clients are told, so that a server that is started on it again goes on,
            however the process of before ended; certificates and ports, too. Kits are in the workspace where there is
            one.
        control: have a control surface, an HTTP API and a page on 127.0.0.1: ``True`` for a free port, a port, or
            ``ControlSettings``. It needs the extra ``control``.
        server_kit: the server's folder as official provisioning made it (``nvflare provision``, ``nvflare poc
            prepare``): certificates, project, ports, transport and policy are those of the kit, so that the admin kits
            of that project fit unchanged.

    Attributes:
        server_kit: what that kit says; ``None`` without one.
        transcript: what happened: every connection, message, command and decision, without secrets.
        calls: the commands that came, for assertions.
        chronicle: what happened to the jobs, the sites and the server; to be read with ``call``.

    Raises:
        ValueError: the release is unknown, or has no such scheme, security or insecure servers, or the scenario or
            the sites are unusable.
    """

    def __init__(
        self,
        release: str | None = None,
        sites: Sequence[str] = DEFAULT_SITES,
        scenario: Scenario | str | Path | dict[str, Any] | None = None,
        *,
        secure: bool = True,
        workspace: str | Path | None = None,
        port: int = 0,
        admin_port: int = 0,
        host: str | None = None,
        clock: Clock | str | None = None,
        project: str | None = None,
        limits: Limits = DEFAULT_LIMITS,
        stall_timeout: float = 60.0,
        scheme: str | None = None,
        connection_security: str | None = None,
        retention: Retention | None = None,
        authorization: Policy | str | Path | dict[str, Any] | None = None,
        pedantic: Pedantry | int | bool | None = None,
        allow_remote: bool = False,
        state: str | Path | None = None,
        control: bool | int | ControlSettings = False,
        server_kit: str | Path | None = None,
    ) -> None:
        self.server_kit = given_kit(
            server_kit,
            secure=secure,
            beside={"scheme": scheme, "connection_security": connection_security, "project": project},
        )
        kit = self.server_kit
        if kit is not None and kit.scheme is not None:
            scheme, connection_security = kit.scheme.value, kit.security.value
        self.profile = release_of(release, kit)
        self.scheme = scheme_of(self.profile, scheme, secure)
        self.security = security_of(self.profile, connection_security)
        self.scenario = scenario_of(scenario, self.profile)
        self.secure = secure
        self._given_authorization = authorization
        self.policy = policy_of(authorization, self.scenario, workspace, kit)
        self._given_pedantic = pedantic
        self.pedantry = pedantry_of(pedantic, self.scenario)
        """What the server varies on purpose, with the seed that does so again; ``None``: nothing."""
        self.host = LOOPBACK if host is None else host
        self.clock = clock_of(clock, self.scenario.clock)
        self.transcript = Transcript(retention, self.clock)
        self.calls = Calls(self.profile, self.transcript.redactor)
        self.chronicle = Chronicle()
        self._site_names = sites_of(sites)
        self._premises = Premises(
            profile=self.profile,
            project=project_of(project, kit),
            secure=secure,
            kit=kit,
            host=host,
            allow_remote=allow_remote,
            ports=(port, admin_port) if kit is None else (port or kit.fl_port, admin_port or kit.admin_port),
            workspace=Path(workspace) if workspace is not None else None,
            state=Path(state) if state is not None else None,
        )
        self._limits = limits
        self._stall_timeout = stall_timeout
        self._control_settings = read_control(control)
        self._control: Control | None = None
        self.faults = Faults(self._on_desk, self._check_fault)
        """What goes wrong on this server: ``with server.faults.inject(Delay(2.0), command="list_jobs"): ...``."""
        self._running: Running | None = None

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
            ServerError: it runs already, a port cannot be had, or others would reach it and that is not allowed;
                ``StateError`` where the state cannot be used.
        """
        if self._running is not None:
            raise ServerError("the server runs already")
        with contextlib.ExitStack() as undo:
            held = undo.enter_context(self._premises.taken())
            self.host = held.host
            running = Running(self._settings(held), held)
            undo.callback(running.stop)
            try:
                running.start()
            except OSError as problem:
                why = "" if held.admin_port == self._premises.ports[1] else ", which kits of this state name"
                raise ServerError(
                    f"expected to listen on port {held.admin_port} of {self.host}{why}, but {problem.strerror}"
                ) from problem
            if self._control_settings is not None:
                self._control = _control(self, self._control_settings, held.root)
                undo.callback(self._control.stop)
                undo.callback(setattr, self, "_control", None)
            self._running = running
            undo.callback(setattr, self, "_running", None)
            if self._control is not None:
                self._control.start()
            running.cleanup = undo.pop_all()

    def stop(self) -> None:
        """Stop serving, and remove what was temporary. Stopping twice is fine."""
        running, self._running = self._running, None
        if running is not None:
            running.cleanup.close()

    def restart(self) -> None:
        """Restart as a real server would: every connection and session is gone, running jobs are abandoned.

        Ports, certificates and kits stay.

        Raises:
            ServerError: it does not run, or a client has shut it down.
        """
        running = self._require_serving()
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
            ValueError: the scenario, the sites or the clock is unusable; nothing is changed then.
        """
        running = self._require_serving()
        chosen = self.scenario if scenario is None else scenario_of(scenario, self.profile)
        names = self._site_names if sites is None else sites_of(sites)
        time = self.clock if clock is None else clock_of(clock, chosen.clock)
        if scenario is not None:
            self.policy = policy_of(self._given_authorization, chosen, self._premises.workspace, self.server_kit)
            if self._given_pedantic is None:
                self.pedantry = pedantry_of(None, chosen)
            self.scenario = chosen
        self._site_names = names
        self.clock = self.transcript.clock = time
        running.on_loop(running.reset(self._settings(running.held)))

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
        pki = self._running.held.pki if self._running is not None else None
        if pki is None:
            raise ServerError("expected a secure server that runs: an insecure or stopped one has no certificates")
        return pki

    def kit(
        self,
        name: str = "admin@nvidia.com",
        org: str = DEFAULT_ORG,
        role: str = "project_admin",
        *,
        directory: str | Path | None = None,
        authority: Pki | None = None,
        broken: str | None = None,
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
            broken: what is wrong with the kit on purpose, by name, as ``expired``: see ``mock_server.broken_kits``.
            **certificate: passed to ``Pki.issue_user``, for kits that are wrong on purpose.

        Returns:
            The kit root, the folder above ``startup``. An insecure server has one kit for everyone, of ``admin``.

        Raises:
            ValueError: no kit of the release can be broken so.
            PkiError: the certificate cannot be issued.
        """
        running = self._require_running()
        if not self.secure:
            name, org = INSECURE_USER, ""
        order = KitOrder(
            self.profile,
            running.held.name,
            running.fl_port,
            running.admin_port,
            pki=(authority or self.pki) if self.secure else None,
            user=name,
            org=org,
            role=role,
            certificate=certificate,
            wire=CellWire(self.scheme, self.security) if self.scheme is not None else None,
        )
        parent = Path(directory) if directory is not None else self.kits_folder / (broken or "")
        if broken is None:
            return write_admin_kit(parent / name, order)
        return write_broken_kit(broken, parent / name, order)

    @property
    def kits_folder(self) -> Path:
        """Where kits are written that nobody said another folder for."""
        return (self._premises.workspace or self._require_running().held.root) / "kits"

    @property
    def control(self) -> Control:
        """The control surface: its ``url``, its ``token``, and the address of its ``page``."""
        if self._control is None:
            raise ServerError("expected a server that runs and has a control surface: use MockServer(control=True)")
        return self._control

    # --- the inside -------------------------------------------------------------------------------------------

    def _settings(self, held: Holdings) -> Settings:
        return Settings(
            profile=self.profile,
            scheme=self.scheme,
            security=self.security,
            scenario=self.scenario,
            policy=self.policy,
            clock=self.clock,
            transcript=self.transcript,
            calls=self.calls,
            chronicle=self.chronicle,
            host=held.host,
            site_names=self._site_names,
            limits=self._limits,
            stall_timeout=self._stall_timeout,
            pki=held.pki,
            state=held.state,
            name=held.name,
            pedantry=self.pedantry,
        )

    def _on_desk(self, function: Callable[[FaultDesk], Any]) -> None:
        running = self._running
        if running is not None and not running.stopped.is_set():
            running.call(lambda _: function(running.faults))

    def _check_fault(self, rule: Rule) -> None:
        held = self._require_running().held
        check_fault(rule, self.profile, self.scheme)
        check_authority(rule, held.pki)

    def _require_serving(self) -> Running:
        running = self._require_running()
        if not self.is_running:
            raise ServerError("expected a server that serves, but a client has shut it down: stop and start it")
        return running

    def _require_running(self) -> Running:
        if self._running is None:
            raise ServerError("expected a server that runs: use `with MockServer(...)` or call start()")
        return self._running


def _control(server: MockServer, settings: ControlSettings, folder: Path) -> Control:
    """The control surface of a server; only who asks for one imports it.

    Raises:
        ServerError: what it needs is not installed, or the port cannot be had.
    """
    try:
        surface = importlib.import_module("mock_server.control.surface")
    except ModuleNotFoundError as problem:
        if (problem.name or "").partition(".")[0] == "mock_server":
            raise
        raise ServerError(
            f"expected the extra `control` for a control surface, but {problem.name} is not installed: "
            "pip install 'flare-conformance[control]'"
        ) from problem
    made: Control = surface.Control(server, settings, folder)
    return made
