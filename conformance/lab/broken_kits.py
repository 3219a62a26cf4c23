"""What users of a client see whose startup kit is broken, measured on the mock server with every kit of the registry.

``python -m conformance.lab.broken_kits 2.6.3 flare_client`` runs the official client of a version, and ours on every
release, and writes ``docs/broken-kits.md``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from conformance.adapters.base import Adapter, ClientError, ClientFailure
from conformance.adapters.stdio import StdioAdapter
from conformance.lab.broken_kit_page import PAGE, SIGHTINGS, load, ours, page, words
from conformance.parties import OFFICIAL, make_adapter
from conformance.peers import PeerUnavailable
from flare_client.protocol.releases import PROFILES
from mock_server import MockServer
from mock_server.broken_kits import BROKEN_KITS, BrokenKit

ADMIN = "admin@nvidia.com"
LOGIN_SECONDS = 2.0
HANG_SECONDS = 15.0
FLARE_CLIENT = "flare_client"
_COMMAND = "list_jobs"


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a client did with a kit.

    Attributes:
        outcome: the class that the login raised; ``returned`` where it did not, ``hung`` where it never came back.
        text: the message, without what is of the moment.
        then: what a command did on the session; empty where there is none.
        types: the class and its bases, nearest first.
    """

    outcome: str
    text: str = ""
    then: str = ""
    types: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """What is kept of it."""
        return {field: value for field, value in dataclasses.asdict(self).items() if value and field != "types"}


class Bench:
    """Hands broken kits to one client, on a mock server of its release.

    Args:
        client: as ``--client`` takes it.
        release: the release line.
    """

    def __init__(self, client: str, release: str) -> None:
        self.adapter: Adapter = make_adapter(client, None)
        if isinstance(self.adapter, StdioAdapter):
            self.adapter.call_seconds = HANG_SECONDS
        self.server = MockServer(release)
        self._scratch = Path(tempfile.mkdtemp(prefix="flare-kits-"))

    def __enter__(self) -> Bench:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.adapter.close()
        self.server.stop()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def kits(self) -> Iterator[BrokenKit]:
        """The broken kits that the release can have."""
        return (kit for kit in BROKEN_KITS.values() if kit.fits(self.server.release))

    def run(self, broken: BrokenKit, seconds: float = LOGIN_SECONDS) -> Seen:
        """Have the client log in with a broken kit, and send a command where that succeeds.

        Args:
            broken: which kit.
            seconds: what the client is given to connect.
        """
        kit = self.server.kit(ADMIN, directory=self._scratch / broken.name, broken=broken.name)
        try:
            session = self.adapter.open(ADMIN, kit, timeout=seconds)
        except ClientError as problem:
            return Seen(problem.types[0], self._lasting(problem.text, kit), types=problem.types)
        except ClientFailure:
            return Seen("hung")
        try:
            session.call(_COMMAND)
        except ClientError as problem:
            return Seen("returned", self._lasting(problem.text, kit), problem.types[0], problem.types)
        except ClientFailure:
            return Seen("returned", then="hung")
        else:
            return Seen("returned")
        finally:
            with contextlib.suppress(ClientError, ClientFailure):
                session.close()

    def _lasting(self, text: str, kit: Path) -> str:
        """A message without paths, ports and the like, which are other ones each time."""
        text = text.replace(str(kit), "<kit>")
        for port, what in ((self.server.admin_port, "<port>"), (self.server.port, "<fl port>")):
            text = text.replace(str(port), what)
        return re.sub(r"(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", text)


def measure(client: str, release: str) -> dict[str, dict[str, Any]]:
    """Hand every broken kit of a release to a client.

    Args:
        client: as ``--client`` takes it.
        release: the release line.

    Raises:
        PeerUnavailable: the client cannot be had here.
    """
    with Bench(client, release) as bench:
        seen = {}
        for broken in bench.kits():
            seen[broken.name] = bench.run(broken).record()
            click.echo(f"{client} {release} {broken.name}: {words(seen[broken.name])}")
        return seen


@click.command(epilog="Example: python -m conformance.lab.broken_kits 2.6.3 flare_client")
@click.argument("clients", nargs=-1)
def main(clients: tuple[str, ...]) -> None:
    """Measure what CLIENTS (versions, or flare_client) make of every broken kit, and write docs/broken-kits.md.

    Without a client the page alone is written again.
    """
    sightings = load()
    for client in clients:
        try:
            if client == FLARE_CLIENT:
                for release in PROFILES:
                    sightings[ours(release)] = measure(FLARE_CLIENT, release)
            else:
                sightings[client] = measure(f"{OFFICIAL}{client}", client.rpartition(".")[0])
        except PeerUnavailable as problem:
            raise click.ClickException(str(problem)) from problem
    ordered = dict(sorted(sightings.items()))
    SIGHTINGS.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(ordered), encoding="utf-8")


if __name__ == "__main__":
    main()
