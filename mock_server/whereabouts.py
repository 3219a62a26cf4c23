"""Where a server that was given a workspace is to be found, written there for the commands that come after it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flare_client.protocol.cellnet.kit import CellWire, Scheme, Security
from flare_client.protocol.releases import profile_for
from mock_server.files import SHARED, write_atomically
from mock_server.kits import KitOrder
from mock_server.pki import Pki

FILE = "mock.json"
"""In the workspace."""


class WhereaboutsError(RuntimeError):
    """The file is not there, or holds something else; the text says what to do."""


@dataclasses.dataclass(frozen=True)
class Whereabouts:
    """What a kit for a server must know of it.

    Attributes:
        release: the release that it plays.
        scheme: how frames travel; empty in releases with the socket dialect.
        security: what protects the connection there.
        host: the host that kits name.
        port: the FL port.
        admin_port: the port that is listened on.
        secure: whether there are certificates.
        project: the name of the certificate authority.
        server_kit: the server's kit that it was given; empty without one.
        roles: that users may have: the official ones, and those of its policies.
    """

    release: str
    scheme: str
    security: str
    host: str
    port: int
    admin_port: int
    secure: bool
    project: str
    server_kit: str
    roles: Sequence[str]

    def write(self, workspace: Path) -> None:
        """Write them into a workspace.

        Raises:
            OSError: it cannot be written.
        """
        content = {"mock": True, **dataclasses.asdict(self)}
        write_atomically(workspace / FILE, json.dumps(content, indent=2).encode(), SHARED)

    @classmethod
    def read(cls, workspace: Path) -> Whereabouts:
        """Read them from a workspace.

        Raises:
            WhereaboutsError: no server was here, or the file holds something else.
        """
        path = workspace / FILE
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise WhereaboutsError(
                f"expected {path}, which `flare-mock serve --workspace {workspace}` writes, but it is not there"
            ) from None
        except (OSError, ValueError) as problem:
            raise WhereaboutsError(f"expected what `flare-mock serve` wrote in {path}, but {problem}") from problem
        try:
            found = cls(**{field.name: content[field.name] for field in dataclasses.fields(cls)})
            found.order(None)
        except (KeyError, TypeError, ValueError) as problem:
            raise WhereaboutsError(f"expected what `flare-mock serve` wrote in {path}, but {problem!r}") from problem
        return found

    def order(self, pki: Pki | None) -> KitOrder:
        """The order of a kit for the server.

        Args:
            pki: who issues the certificate; ``None`` for an insecure server.
        """
        return KitOrder(
            profile_for(self.release),
            str(self.host),
            int(self.port),
            int(self.admin_port),
            pki=pki,
            wire=CellWire(Scheme(self.scheme), Security(self.security)) if self.scheme else None,
        )
