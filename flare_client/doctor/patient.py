"""The kit that is examined, read piece by piece as checks ask for it.

A check that reads a piece first says what is wrong with it; those that need it come later, and only where it was fine.
"""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING

from flare_client.kit import resources_path
from flare_client.protocol import kit as kit_format
from flare_client.protocol.cellnet import kit as cell_format
from flare_client.protocol.cellnet.kit import CellKitConfig, Security
from flare_client.protocol.kit import AdminKitConfig

if TYPE_CHECKING:
    from cryptography import x509


@dataclasses.dataclass(frozen=True)
class Server:
    """What a TLS server showed.

    Attributes:
        certificate_der: its certificate; empty where it showed none.
        version: of TLS.
    """

    certificate_der: bytes
    version: str


class Patient:
    """A startup kit under examination.

    Args:
        root: the kit root, the folder above ``startup``.
        user: who is to log in with it; whom the certificate names by default.
        timeout: seconds that each look at the server may take.

    Attributes:
        server: what the server showed; set by the check that asks it.
        release: the release of the server; set by the login.
    """

    def __init__(self, root: Path, user: str | None, timeout: float) -> None:
        self.root = root
        self.given_user = user
        self.timeout = timeout
        self.server: Server | None = None
        self.release = ""

    @property
    def startup(self) -> Path:
        """What provisioning wrote."""
        return self.root / kit_format.STARTUP_DIR

    @property
    def local(self) -> Path:
        """What the site adds."""
        return self.root / kit_format.LOCAL_DIR

    @property
    def config_path(self) -> Path:
        """The configuration of an admin kit."""
        return self.startup / kit_format.ADMIN_CONFIG_FILE

    @functools.cached_property
    def config_text(self) -> str:
        """The content of ``fed_admin.json``.

        Raises:
            OSError: it cannot be read.
            UnicodeDecodeError: it is no UTF-8.
        """
        return self.config_path.read_text(encoding="utf-8")

    @functools.cached_property
    def config(self) -> AdminKitConfig | CellKitConfig:
        """What ``fed_admin.json`` says.

        Raises:
            KitFormatError: a field is missing or unusable; a ``ResourcesFormatError`` where it is not that file.
            OSError: the resources in ``local`` cannot be read.
            UnicodeDecodeError: they are no UTF-8.
        """
        if not cell_format.is_cell_config(self.config_text):
            return kit_format.parse_admin_config(self.config_text)
        resources = resources_path(self.local)
        text = None if resources is None else resources.read_text(encoding="utf-8")
        return cell_format.parse_cell_config(self.config_text, text)

    @property
    def admin(self) -> dict[str, object]:
        """The object ``admin`` of ``fed_admin.json``, as it stands there."""
        found = kit_format.load_document(self.config_text).get("admin")
        return dict(found) if isinstance(found, dict) else {}

    @property
    def port(self) -> int:
        """The port that admin clients connect to."""
        config = self.config
        return config.port if isinstance(config, CellKitConfig) else config.admin_port

    @property
    def address(self) -> str:
        """Where the server is, for people."""
        return f"{self.config.host}:{self.port}"

    @property
    def has_certificates(self) -> bool:
        """Whether the kit names a certificate at all."""
        return self.config.client_cert is not None

    @property
    def speaks_tls(self) -> bool:
        """Whether a client speaks TLS with it."""
        config = self.config
        return config.security is not Security.CLEAR if isinstance(config, CellKitConfig) else config.with_ssl

    @property
    def shows_certificate(self) -> bool:
        """Whether a client shows its certificate in TLS."""
        config = self.config
        return config.security is Security.MUTUAL_TLS if isinstance(config, CellKitConfig) else config.with_ssl

    def named(self, field: str) -> Path:
        """The file that a field of the configuration names."""
        name = getattr(self.config, field)
        if not isinstance(name, str):
            raise AssertionError(f"a kit without {field} has nothing to look at")
        return self.startup / name

    @functools.cached_property
    def certificate(self) -> x509.Certificate:
        """The user's certificate.

        Raises:
            ValueError: it is none.
            OSError: it cannot be read.
        """
        return _load(self.named("client_cert"))

    @functools.cached_property
    def root_ca(self) -> x509.Certificate:
        """The certificate of the project's CA.

        Raises:
            ValueError: it is none.
            OSError: it cannot be read.
        """
        return _load(self.named("ca_cert"))

    @property
    def user(self) -> str:
        """Who is to log in."""
        from flare_client.doctor.certificates import common_name  # noqa: PLC0415 - who looks at no certificate needs none

        return self.given_user or common_name(self.certificate)


def _load(path: Path) -> x509.Certificate:
    from cryptography import x509  # noqa: PLC0415

    return x509.load_pem_x509_certificate(path.read_bytes())
