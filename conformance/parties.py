"""Who takes part in a run: the client under test and the server, from the words that name them."""

from __future__ import annotations

import shlex
from pathlib import Path

from conformance.adapters.base import Adapter
from conformance.adapters.inprocess import InProcessAdapter
from conformance.adapters.stdio import StdioAdapter
from conformance.peers import environment
from conformance.targets import KitTarget, MockTarget, Target

OFFICIAL = "official:"
MOCK = "mock"

_PROGRAM = Path(__file__).parent / "adapters" / "nvflare_program.py"


def make_adapter(client: str | None, command: str | None) -> Adapter:
    """The adapter of a client.

    Args:
        client: ``flare_client``, ``official:VERSION`` or ``module:function``.
        command: a program that speaks the adapter protocol, in place of that.

    Raises:
        ValueError: they ask for none, or for both, or for one that is not there.
        PeerUnavailable: the official client cannot be had here.
    """
    if (client is None) == (command is None):
        raise ValueError("expected either --client or --client-command")
    if command is not None:
        return StdioAdapter(shlex.split(command), command)
    name = str(client)
    if name.startswith(OFFICIAL):
        version = name.removeprefix(OFFICIAL)
        peer = environment(version)
        return StdioAdapter([str(peer.python), str(_PROGRAM)], f"nvflare {version}")
    return InProcessAdapter(name)


def make_target(server: str, release: str, user: str, scheme: str | None = None, *, pedantic: bool = False) -> Target:
    """The target of a server.

    Args:
        server: ``mock`` or ``kit:DIR``.
        release: the release line.
        user: the project admin of the kit.
        scheme: how frames travel to the mock.
        pedantic: whether the mock does otherwise what a server may do otherwise.

    Raises:
        ValueError: they ask for one that is not there, or that cannot be so.
    """
    if server == MOCK:
        return MockTarget(release, scheme, pedantic=pedantic)
    if pedantic:
        raise ValueError(f"expected --pedantic with --server mock, but got {server!r}, which does as it does")
    kind, _, path = server.partition(":")
    if kind != "kit" or not path:
        raise ValueError(f"expected --server mock or kit:DIR, but got {server!r}")
    return KitTarget(Path(path), user, release)
