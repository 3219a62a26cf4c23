"""Servers under test: the mock, with all control over it, or any server at a startup kit."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from conformance.needs import Need
from conformance.seeds import Names, derived
from conformance.verdicts import Unsuitable
from flare_client.protocol.releases import PROFILES, Dialect
from mock_server import MockServer
from mock_server.clock import Clock
from mock_server.context import ServerContext
from mock_server.transcript import Entry, Transcript
from mock_server.variation import Pedantry

ADMIN = "admin@nvidia.com"

SHARED_SCENARIO: dict[str, Any] = {
    "jobs": [
        {
            "match": {"name": "quick*"},
            "queued": "20ms",
            "running": "150ms",
            "result": {"files": {"model.txt": "weights"}},
        },
        {"match": {"name": "long*"}, "queued": "20ms", "running": "1d"},
        {"match": {"name": "waiting*"}, "queued": "1d"},
    ],
    "limits": {"max_jobs": 1_000_000},
}
"""How the kinds of jobs of ``conformance.jobs`` fare on the mock. The definition of a waiting job asks for more sites
than there are; the queue keeps its schedule history quiet."""


class InjectedFault(Protocol):
    """A fault in force; as a context manager it ends with the block."""

    @property
    def fired(self) -> int:
        """How often it struck."""

    def __enter__(self) -> InjectedFault: ...

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ControlledServer(Protocol):
    """A server that a check has for itself."""

    @property
    def admin_port(self) -> int:
        """The port that admin clients connect to."""

    def kit(self, name: str = ADMIN, org: str = "nvidia", role: str = "project_admin", **wrong: Any) -> Path:
        """Write a startup kit; further arguments make it wrong on purpose."""

    def restart(self) -> None:
        """Restart."""

    def expire_sessions(self) -> None:
        """End every admin session."""

    def inject(self, kind: str, **how: Any) -> InjectedFault:
        """Make something go wrong, as ``docs/mock-server.md`` lists it.

        Args:
            kind: of the fault, as ``delay``.
            **how: its fields, and when it strikes: ``command``, ``at``, ``direction``, ``nth``, ``times`` ...
        """

    def withhold(self, command: str) -> None:
        """Neither carry out nor answer a command from now on."""

    def release_command(self, command: str) -> None:
        """Carry out a command again that was withheld."""

    def received(self, command: str) -> int:
        """How often a command came."""

    def abort_job(self, job_id: str) -> None:
        """Abort a job, as another user would."""

    def delete_job(self, job_id: str) -> None:
        """Delete a job, as another user would."""

    def set_site_connected(self, name: str, connected: bool) -> None:
        """Connect or disconnect a site."""

    def limit_downloads(self, job_id: str, over: int) -> None:
        """Set the limit on downloads so that the result of a job is so many bytes over it."""

    def job_metas(self) -> list[dict[str, Any]]:
        """The meta of every job, oldest first."""

    @property
    def transcript(self) -> Transcript:
        """What happened on the server; to be read after its end, too."""

    @property
    def clock(self) -> Clock:
        """The server's time; a virtual one, where the scenario says so, is moved by whoever sleeps on it."""


class Target(Protocol):
    """A server under test."""

    name: str
    release: str
    provides: frozenset[Need]
    poll_interval: float
    """Seconds between two polls that suit the server."""
    patience: float
    """Seconds within which a quick job ends."""
    examples: int
    """How many examples of a property are tried, at most."""

    def kit(self) -> Path:
        """The startup kit of the project admin."""

    @property
    def user(self) -> str:
        """The name of the project admin."""

    def begin(self, seed: int) -> None:
        """Begin a contract: what the server draws by chance is drawn from this seed, as far as that can be had."""

    @property
    def shared(self) -> ControlledServer:
        """The server that checks share, to make things go wrong for a moment.

        Raises:
            Unsuitable: the target gives no control.
        """

    def own_server(self, scenario: dict[str, Any] | None = None, *, secure: bool = True) -> Any:
        """A context manager with a ``ControlledServer``.

        Raises:
            Unsuitable: the target gives no control.
        """

    def heard(self) -> list[list[Entry]]:
        """What happened on its servers since it was asked last: a list a server, the shared one first."""

    def close(self) -> None:
        """End everything that the target started."""


class _MockServer(MockServer):
    """A mock server with what checks want beside."""

    def draw_from(self, seed: int) -> None:
        """Give jobs the ids that a seed draws, and vary what it varies; others are as likely, and no run came again."""
        names = Names(seed)

        def change(context: ServerContext) -> None:
            context.engine.new_id = names.identifier
            if context.pedant is not None:
                context.pedant.begin_anew(seed)
                context.engine.new_id = context.pedant.job_ids(names.identifier)

        self.call(change)

    def inject(self, kind: str, **how: Any) -> InjectedFault:
        """Make something go wrong."""
        return self.faults.inject(kind, **how)

    def limit_downloads(self, job_id: str, over: int) -> None:
        """Set the limit on downloads so that the result of a job is so many bytes over it."""

        def change(context: ServerContext) -> None:
            job = context.engine.get(job_id)
            if job is None:
                raise KeyError(job_id)
            limits = context.scenario.limits
            changed = limits.model_copy(update={"max_download_size": context.engine.total_size(job) - over})
            context.scenario = context.scenario.model_copy(update={"limits": changed})

        self.call(change)


class _Workspaces:
    """Workspaces for servers of checks, used again for their keys, which take most of the time of a server's start.

    Servers that run at the same time have different ones, and so do not know each other's certificates.
    """

    def __init__(self) -> None:
        self._parent = Path(tempfile.mkdtemp(prefix="flare-conformance-servers-"))
        self._free: list[Path] = []
        self._numbers = itertools.count(1)

    @contextlib.contextmanager
    def one(self) -> Iterator[Path]:
        """A workspace that holds certificates at most."""
        workspace = self._free.pop() if self._free else self._parent / str(next(self._numbers))
        try:
            yield workspace
        finally:
            for leftover in ("kits", "run"):
                shutil.rmtree(workspace / leftover, ignore_errors=True)
            self._free.append(workspace)

    def close(self) -> None:
        """Remove them."""
        shutil.rmtree(self._parent, ignore_errors=True)


class MockTarget:
    """``mock_server`` of a release.

    Args:
        release: the release line.
        scheme: how frames travel in releases from 2.7 on; the usual one by default.
        pedantic: whether it does otherwise what a server may do otherwise, by the seed of each contract.

    Raises:
        ValueError: the release has no such scheme.
    """

    poll_interval = 0.05
    patience = 20.0
    examples = 25
    provides = frozenset({Need.CONTROL, Need.FAULTS, Need.RUNNING, Need.TRANSCRIPT, Need.TLS})
    user = ADMIN

    def __init__(self, release: str, scheme: str | None = None, *, pedantic: bool = False) -> None:
        if scheme == "grpc":
            self.provides -= {Need.TLS}
        self._scheme = scheme
        self._pedantry = Pedantry(0) if pedantic else None
        self._shared = _MockServer(release, scenario=SHARED_SCENARIO, scheme=scheme, pedantic=self._pedantry)
        self._shared.start()
        self._workspaces = _Workspaces()
        self._seed = 0
        self._own = itertools.count()
        self._transcripts: list[Transcript] = []
        self._heard = 0
        self.release = self._shared.release
        self.name = f"mock_server {self.release}" + (f" over {scheme}" if scheme is not None else "")
        self.name += ", pedantic" if pedantic else ""

    def kit(self) -> Path:
        """The project admin's kit of the shared server."""
        return self._shared.kit(ADMIN)

    def begin(self, seed: int) -> None:
        """Draw the ids of jobs from a seed, and what is varied."""
        self._seed = seed
        self._own = itertools.count()
        self._shared.draw_from(seed)

    @property
    def shared(self) -> ControlledServer:
        """The server that checks share."""
        return self._shared

    @contextlib.contextmanager
    def own_server(self, scenario: dict[str, Any] | None = None, *, secure: bool = True) -> Iterator[ControlledServer]:
        """A mock server with a scenario of the check's choice."""
        with self._workspaces.one() as workspace:
            server = _MockServer(
                self.release,
                scenario=scenario or SHARED_SCENARIO,
                secure=secure,
                scheme=self._scheme,
                workspace=workspace,
                pedantic=self._pedantry,
            )
            self._transcripts.append(server.transcript)
            with server:
                server.draw_from(derived(self._seed, str(next(self._own))))
                yield server

    def heard(self) -> list[list[Entry]]:
        """What happened on the shared server and on own ones since it was asked last."""
        own, self._transcripts = self._transcripts, []
        shared = self._shared.transcript.entries(since=self._heard)
        self._heard = shared[-1].number if shared else self._heard
        return [shared, *(transcript.entries() for transcript in own)]

    def close(self) -> None:
        """Stop the shared server, and remove what own ones left."""
        self._shared.stop()
        self._workspaces.close()


class KitTarget:
    """A server that runs already, at a startup kit. Checks that need control over it are skipped.

    Args:
        kit: the kit root.
        user: the user of the kit, a project admin.
        release: the release line of the server.

    Raises:
        ValueError: there is no kit, or it is of the other wire.
    """

    poll_interval = 0.5
    patience = 120.0
    examples = 3
    provides = frozenset({Need.RUNNING})

    def __init__(self, kit: Path, user: str, release: str) -> None:
        if not (kit / "startup" / "fed_admin.json").is_file():
            raise ValueError(f"expected a startup kit at {kit}, but it has no startup/fed_admin.json")
        if _dialect(kit) is not PROFILES[release].dialect:
            others = ", ".join(line for line, profile in PROFILES.items() if profile.dialect is _dialect(kit))
            raise ValueError(f"expected a kit of release {release}, but the one at {kit} is of {others}")
        self._kit = kit
        self.user = user
        self.release = release
        self.name = f"server at {kit.name}"

    def kit(self) -> Path:
        """The given kit."""
        return self._kit

    def begin(self, seed: int) -> None:
        """Nothing of a server that runs already can be drawn again."""

    @property
    def shared(self) -> ControlledServer:
        """Not to be had."""
        raise Unsuitable(f"needs {Need.FAULTS.value}, which a server at a kit is not")

    def own_server(self, scenario: dict[str, Any] | None = None, *, secure: bool = True) -> Any:  # noqa: ARG002
        """Not to be had."""
        raise Unsuitable(f"needs {Need.CONTROL.value}, which a server at a kit does not give")

    def heard(self) -> list[list[Entry]]:
        """Nothing: what happens on a server at a kit is not seen."""
        return []

    def close(self) -> None:
        """Nothing was started."""


def _dialect(kit: Path) -> Dialect:
    """Which wire a kit is made for; its files name no release."""
    path = kit / "startup" / "fed_admin.json"
    try:
        has_agent = "overseer_agent" in json.loads(path.read_text(encoding="utf-8"))["admin"]
    except (ValueError, KeyError, TypeError) as problem:
        raise ValueError(f"expected an object with admin in {path}, but {problem!r}") from problem
    return Dialect.HCI if has_agent else Dialect.CELLNET


@contextlib.contextmanager
def silent_port(port: int = 0) -> Iterator[int]:
    """A port that accepts connections and never says a word; a free one where none is given."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(50)
        yield int(listener.getsockname()[1])


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port on which nobody listens, held so that nobody can."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


def redirected_kit(kit: Path, port: int, parent: Path) -> Path:
    """Write a copy of a kit that names another admin port on this machine; it holds the private key, too."""
    copy = parent / kit.name
    shutil.copytree(kit, copy)
    path = copy / "startup" / "fed_admin.json"
    document = json.loads(path.read_text())
    admin = document["admin"]
    if "overseer_agent" in admin:
        arguments = admin["overseer_agent"]["args"]
        arguments["sp_end_point"] = f"127.0.0.1:{arguments['sp_end_point'].split(':')[1]}:{port}"
    else:
        admin["host"], admin["port"] = "127.0.0.1", port
    path.write_text(json.dumps(document))
    return copy
