"""A project that is the same in every run: certificates and keys made for fuzz targets, trusted nowhere."""

from __future__ import annotations

import dataclasses
import ssl
from pathlib import Path

from flare_client.protocol.cellnet.client import AdminIdentity
from flare_client.protocol.cellnet.proof import Signer
from flare_client.protocol.cellnet.server import ServerIdentity

_KEYS = Path(__file__).parent / "keys"
NAME = "example_project"
USER = "admin@nvidia.com"


@dataclasses.dataclass(frozen=True)
class Project:
    """Certificates and keys in PEM: of the CA, the server, a user, and a user of that name in another project."""

    ca_pem: bytes
    server_pem: bytes
    server_key: bytes
    user_pem: bytes
    user_key: bytes
    stranger_pem: bytes

    def server(self) -> ServerIdentity:
        """Who the server is."""
        return ServerIdentity(NAME, self.ca_pem, self.server_pem, self.server_key, ssid="NA")

    def admin(self) -> AdminIdentity:
        """Who the user is."""
        return AdminIdentity(USER, NAME, "server", self.ca_pem, self.user_pem, Signer(self.user_key))

    @staticmethod
    def pem(der: bytes) -> bytes:
        """Put a certificate into PEM, whatever its bytes are."""
        return ssl.DER_cert_to_PEM_cert(der).encode("ascii")


def _read(name: str) -> bytes:
    return (_KEYS / name).read_bytes()


PROJECT = Project(
    ca_pem=_read("ca.crt"),
    server_pem=_read("server.crt"),
    server_key=_read("server.key"),
    user_pem=_read("user.crt"),
    user_key=_read("user.key"),
    stranger_pem=_read("stranger.crt"),
)
