"""What an admin's startup kit says in the CellNet dialect: ``fed_admin.json`` and local resources, read and written.

Source: kits of official provisioning 2.7.3, 2.8.3 and 2.9.0, and what the official clients of these releases do with
each field.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping

from flare_client.protocol.kit import (
    CA_CERT_FILE,
    CLIENT_CERT_FILE,
    CLIENT_KEY_FILE,
    TRANSFER_DIR,
    KitFormatError,
    load_document,
    read_folder,
    shown,
)

RESOURCES_FILE = "resources.json.default"
"""In the folder ``local``; its ``admin`` object is merged over that of ``fed_admin.json``."""
OWN_RESOURCES_FILE = "resources.json"
"""Wins over ``RESOURCES_FILE`` where the admin wrote one."""
PROXY_CA_CERT_FILE = "customRootCA.pem"
"""Where there is one, it is the CA of one-way TLS, for a proxy in between."""

_OTHER_DIALECT = "overseer_agent"
_OWN_FIELDS = frozenset(
    {"scheme", "host", "port", "server_identity", "project_name", "connection_security", "uid_source"}
)


class Scheme(str, enum.Enum):
    """How frames travel."""

    HTTP = "http"
    TCP = "tcp"
    GRPC = "grpc"


_ALIASES = {"agrpc": Scheme.GRPC, "atcp": Scheme.TCP}
"""Other drivers of the official software for the same wire."""


class Security(str, enum.Enum):
    """What protects the connection; who is who is proven in all three alike."""

    MUTUAL_TLS = "mtls"
    TLS = "tls"
    """Only the server shows a certificate."""
    CLEAR = "clear"


@dataclasses.dataclass(frozen=True)
class CellWire:
    """What a server listens for.

    Attributes:
        scheme: how frames travel.
        security: what protects the connection.
    """

    scheme: Scheme = Scheme.HTTP
    security: Security = Security.MUTUAL_TLS


class ResourcesFormatError(KitFormatError):
    """The local resources, and not ``fed_admin.json``, are nothing that a client can work with."""


@dataclasses.dataclass(frozen=True)
class CellKitConfig:
    """What a ``fed_admin.json`` says to a client of the API.

    Attributes:
        project: the name of the project, which the server compares.
        server_identity: the common name that the server's certificate must have.
        scheme: how frames travel.
        host: where the server is, as name or IPv4 address.
        port: the port that it listens on.
        security: what protects the connection.
        user_from_certificate: whether the user is who the certificate names, whatever name the caller gives.
        upload_dir: where relative job folders are looked up; relative to the kit root, or absolute.
        download_dir: where results go; relative to the kit root, or absolute.
        ca_cert: the file of the root CA, relative to ``startup``.
        client_cert: the file of the user's certificate.
        client_key: the file of its key.
    """

    project: str
    server_identity: str
    scheme: Scheme
    host: str
    port: int
    security: Security
    user_from_certificate: bool
    upload_dir: str
    download_dir: str
    ca_cert: str
    client_cert: str
    client_key: str


def is_cell_config(text: str) -> bool:
    """Whether a ``fed_admin.json`` is of this dialect; one that cannot be read is of none.

    Args:
        text: the whole content of the file.
    """
    try:
        admin = load_document(text).get("admin")
    except KitFormatError:
        return False
    return isinstance(admin, dict) and _OTHER_DIALECT not in admin and not _OWN_FIELDS.isdisjoint(admin)


def parse_cell_config(text: str, resources: str | None = None) -> CellKitConfig:
    """Read the content of a ``fed_admin.json``.

    Args:
        text: the whole content of the file.
        resources: that of the local resources, where there are some.

    Raises:
        ResourcesFormatError: the local resources are none.
        KitFormatError: a field is missing or unusable.
    """
    admin = dict(_admin(text)) | dict(_of_resources(resources))
    certificates = {
        field: _text(admin, field, "", what) for field, what in (("ca_cert", "CA"), ("client_cert", "client"))
    }
    return CellKitConfig(
        project=_text(admin, "project_name", "", "project", required=False),
        server_identity=_text(admin, "server_identity", "server", "server"),
        scheme=_scheme(admin),
        host=_text(admin, "host", "localhost", "server"),
        port=_port(admin),
        security=_security(admin),
        user_from_certificate=admin.get("uid_source") == "cert",
        upload_dir=read_folder(admin, "upload_dir"),
        download_dir=read_folder(admin, "download_dir"),
        client_key=_text(admin, "client_key", "", "key"),
        **certificates,
    )


def _of_resources(text: str | None) -> Mapping[str, object]:
    if text is None:
        return {}
    try:
        return _admin(text)
    except KitFormatError as problem:
        raise ResourcesFormatError(
            problem.field, problem.expected, problem.got, problem.official
        ) from problem.__cause__


def _admin(text: str) -> Mapping[str, object]:
    admin = load_document(text).get("admin", {})
    if not isinstance(admin, dict):
        raise KitFormatError("admin", "an object", shown(admin))
    return admin


def _text(admin: Mapping[str, object], field: str, default: str, what: str, *, required: bool = True) -> str:
    value = admin.get(field, default)
    if not isinstance(value, str) or (required and not value):
        raise KitFormatError(f"admin.{field}", f"the name of the {what}", shown(value) if value else "nothing")
    return value


def _port(admin: Mapping[str, object]) -> int:
    value = admin.get("port", 8002)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65535:
        raise KitFormatError("admin.port", "a port from 1 to 65535", shown(value))
    return value


def _scheme(admin: Mapping[str, object]) -> Scheme:
    value = admin.get("scheme", Scheme.GRPC.value)
    name = value.lower() if isinstance(value, str) else ""
    if name in _ALIASES:
        return _ALIASES[name]
    try:
        return Scheme(name)
    except ValueError:
        known = ", ".join(scheme.value for scheme in Scheme)
        raise KitFormatError("admin.scheme", f"one of {known}", shown(value), "RuntimeError") from None


def _security(admin: Mapping[str, object]) -> Security:
    value = admin.get("connection_security") or Security.MUTUAL_TLS.value
    try:
        return Security(value.lower() if isinstance(value, str) else value)
    except ValueError:
        known = ", ".join(security.value for security in Security)
        raise KitFormatError("admin.connection_security", f"one of {known}", shown(value)) from None


def render_admin_config(
    *,
    project: str,
    user: str,
    server_identity: str,
    wire: CellWire,
    host: str,
    port: int,
) -> str:
    """Write the content of a ``fed_admin.json``.

    Args:
        project: the name of the project, which the server compares.
        user: the user's name.
        server_identity: the name in the server's certificate.
        wire: what the server listens for.
        host: the name or IPv4 address that clients connect to.
        port: the port that they connect to.
    """
    admin = {
        "project_name": project,
        "username": user,
        "server_identity": server_identity,
        "scheme": wire.scheme.value,
        "host": host,
        "port": port,
        "connection_security": wire.security.value,
        "uid_source": "user_input",
        "with_file_transfer": True,
        "upload_dir": TRANSFER_DIR,
        "download_dir": TRANSFER_DIR,
        "client_key": CLIENT_KEY_FILE,
        "client_cert": CLIENT_CERT_FILE,
        "ca_cert": CA_CERT_FILE,
    }
    return json.dumps({"format_version": 1, "admin": admin}, indent=2) + "\n"


def render_resources() -> str:
    """Write the content of ``RESOURCES_FILE``; times are in seconds."""
    admin = {
        "idle_timeout": 900.0,
        "login_timeout": 10.0,
        "with_debug": False,
        "authenticate_msg_timeout": 2.0,
        "prompt": "> ",
    }
    return json.dumps({"format_version": 1, "admin": admin}, indent=2) + "\n"
