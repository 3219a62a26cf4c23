"""Where a server is: as its maker gave it, and what it holds of that between start and stop."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import functools
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from flare_client.protocol.releases import ReleaseProfile
from mock_server.errors import ServerError
from mock_server.guards import check_host
from mock_server.pki import Pki
from mock_server.ports import reserve_port
from mock_server.server_kit import ServerKit, listening_host
from mock_server.server_kit.place import LOOPBACK, addresses_of
from mock_server.state import Owner, State


@dataclasses.dataclass(frozen=True)
class Holdings:
    """What a server holds from its start to its stop.

    Attributes:
        root: the folder for all that it writes.
        host: the address to bind to.
        name: the host that kits name.
        holder: keeps the FL port from other programs, where nobody listens on it.
        fl_port: the port that sites are told to connect to.
        admin_port: the port to listen on; 0 for a free one.
        pki: the certificates; ``None`` for an insecure server.
        state: where all is kept that clients were told; ``None``: nowhere.
    """

    root: Path
    host: str
    name: str
    holder: socket.socket
    fl_port: int
    admin_port: int
    pki: Pki | None
    state: State | None


@dataclasses.dataclass(frozen=True)
class Premises:
    """Where a server is to be.

    Attributes:
        profile: the release that is played.
        project: the name of the certificate authority.
        secure: whether there is one.
        kit: the server's kit; ``None`` without one.
        host: the address to bind to; ``None``: where the clients of the kit look, or 127.0.0.1.
        allow_remote: whether other machines may reach it.
        ports: the FL port and the admin port; 0: as kits of before name it, or a free one.
        workspace: the folder to write to, where there is no state; ``None``: a temporary one.
        state: the folder of the state; ``None`` without one.
    """

    profile: ReleaseProfile
    project: str
    secure: bool
    kit: ServerKit | None
    host: str | None
    allow_remote: bool
    ports: tuple[int, int]
    workspace: Path | None
    state: Path | None

    @contextlib.contextmanager
    def taken(self) -> Iterator[Holdings]:
        """Take what there is to hold, and let go of it at the end of the block.

        Raises:
            ServerError: a port cannot be had, or others would reach it and that is not allowed; ``StateError`` where
                the state cannot be used.
        """
        host, name = self._address()
        if not self.allow_remote:
            _check_reach(host)
        with contextlib.ExitStack() as undo:
            state = undo.enter_context(contextlib.closing(self._open(self.state))) if self.state is not None else None
            kept = self.state or self.workspace
            root = kept or undo.enter_context(_temporary_folder())
            root.mkdir(parents=True, exist_ok=True)
            pki = undo.enter_context(contextlib.closing(self._authority(host, kept))) if self.secure else None
            fl_port, admin_port = self._ports_after(state)
            # A port for all needs nobody to hold it; the number that is held then stands for none.
            holder = undo.enter_context(contextlib.closing(reserve_port(host, 0 if self._has_one_port else fl_port)))
            if not self._has_one_port:
                fl_port = int(holder.getsockname()[1])
            yield Holdings(root, host, name, holder, fl_port, admin_port, pki, state)

    def _address(self) -> tuple[str, str]:
        """Where to listen, and the host that kits name."""
        if self.kit is None:
            host = LOOPBACK if self.host is None else self.host
            return host, host
        if self.host is None:
            return listening_host(self.kit.hosts)
        leads_here = not set(addresses_of(self.kit.host)).isdisjoint(addresses_of(self.host))
        return self.host, self.kit.host if leads_here else self.host

    def _open(self, folder: Path) -> State:
        return State(folder, Owner(self.profile.release, self.project, self.secure))

    def _authority(self, host: str, kept: Path | None) -> Pki:
        return Pki(
            self.project,
            kept / "pki" if kept is not None else None,
            host=host,
            given=self.kit.authority if self.kit is not None else None,
        )

    def _ports_after(self, state: State | None) -> tuple[int, int]:
        """The FL port and the admin port to take: as given, or else as kits of before name them; 0 is a free one."""
        kept = state.ports if state is not None else (0, 0)
        return self.ports[0] or kept[0], self.ports[1] or kept[1]

    @property
    def _has_one_port(self) -> bool:
        fl_port, admin_port = self.ports
        return self.profile.cell is not None and fl_port == admin_port != 0


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="flare-mock-"))
    remove = functools.partial(shutil.rmtree, root, ignore_errors=True)
    atexit.register(remove)  # the program may end without `stop`
    try:
        yield root
    finally:
        remove()
        atexit.unregister(remove)


def _check_reach(host: str) -> None:
    """Make sure that only this machine reaches a host.

    Raises:
        ServerError: others do, or there is no such host.
    """
    try:
        check_host(host)
    except ValueError as problem:
        raise ServerError(str(problem)) from problem
    except OSError as problem:
        raise ServerError(f"expected a host to listen on, but {host!r}: {problem.strerror}") from problem
