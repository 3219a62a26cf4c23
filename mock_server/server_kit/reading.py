"""A server's kit on disk, read and checked.

Source: ``nvflare provision`` and ``nvflare poc prepare`` of 2.3.12-2.9.0. The kit's folder has ``startup`` with
``fed_server.json``, the server's certificate and key and the root CA, and ``local`` with the policy. Two folders above
it provisioning keeps what it made in ``state/cert.json``, the key of the CA among it.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from flare_client.protocol.cellnet.kit import Scheme, Security
from flare_client.protocol.kit import ADMIN_CONFIG_FILE, LOCAL_DIR, STARTUP_DIR
from mock_server.certificates import CertifiedKey, expiry_of, identity_of, utc_now
from mock_server.pki import GivenAuthority
from mock_server.policy import AUTHORIZATION_FILE
from mock_server.server_kit.release import releases_of

CONFIG_FILE = "fed_server.json"
_DEFAULT_SUFFIX = ".default"
_OTHER_KITS = {"fed_client.json": "a site", ADMIN_CONFIG_FILE: "an admin", "fed_relay.json": "a relay"}
_STATE_FILE = Path("state") / "cert.json"
_FILES = {"ssl_cert": "server.crt", "ssl_private_key": "server.key", "ssl_root_cert": "rootCA.pem"}


class ServerKitError(ValueError):
    """The kit cannot be used; the text says what was expected, what is there, and what to do."""


@dataclasses.dataclass(frozen=True)
class ServerKit:
    """What a server's kit says.

    Attributes:
        root: the kit root, the folder above ``startup``.
        project: the name of the project.
        host: the name of the server.
        fl_port: the port for sites.
        admin_port: the port for admin clients; the same one where the kit has one port for all.
        scheme: how frames travel, in kits of releases from 2.7 on; ``None`` before.
        security: what protects the connection there.
        authority: the project's CA and the server's certificate.
        authorization: the policy in ``local``, where there is one.
        releases: the releases whose provisioning may have made the kit.
    """

    root: Path
    project: str
    host: str
    fl_port: int
    admin_port: int
    scheme: Scheme | None
    security: Security
    authority: GivenAuthority
    authorization: Path | None
    releases: tuple[str, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names by which admin kits may know the server: its own, and those in its certificate."""
        try:
            names = self.authority.server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return (self.host,)
        return tuple(dict.fromkeys((self.host, *(str(name.value) for name in names.value))))


def read_server_kit(location: str | Path) -> ServerKit:
    """Read the kit of a server.

    Args:
        location: the kit root, the folder above ``startup``.

    Raises:
        ServerKitError: it is none, or something in it is missing, unusable, or over.
    """
    root = Path(location)
    startup = root / STARTUP_DIR
    document = _document(startup / CONFIG_FILE, root)
    server = _server_of(document, startup / CONFIG_FILE)
    where = f"{startup / CONFIG_FILE}: servers[0]"
    service = server.get("service")
    if not isinstance(service, Mapping):
        raise ServerKitError(f"{where}.service: expected an object with target, but got {service!r:.60}")
    host, fl_port = _target(service.get("target"), f"{where}.service.target")
    is_cell = "admin_server" in server
    return ServerKit(
        root=root,
        project=_text(server.get("name"), f"{where}.name"),
        host=host,
        fl_port=fl_port,
        admin_port=_port(server.get("admin_port", fl_port), f"{where}.admin_port"),
        scheme=_scheme(service.get("scheme"), f"{where}.service.scheme") if is_cell else None,
        security=_security(server.get("connection_security"), f"{where}.connection_security"),
        authority=_authority(root, {field: str(server.get(field) or usual) for field, usual in _FILES.items()}),
        authorization=_authorization(root / LOCAL_DIR),
        releases=releases_of(root, document),
    )


def _document(path: Path, root: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        found = next((whose for name, whose in _OTHER_KITS.items() if (root / STARTUP_DIR / name).is_file()), "")
        raise ServerKitError(
            f"expected the kit of a server in {root}, with {STARTUP_DIR}/{CONFIG_FILE}, but "
            f"{f'it is that of {found}' if found else 'that is not there'}: give the folder that official provisioning "
            "made for the server, as workspace/example_project/prod_00/server1"
        ) from None
    except (OSError, ValueError, RecursionError) as problem:
        raise ServerKitError(f"expected JSON in {path}, but {problem}") from problem
    if not isinstance(document, Mapping):
        raise ServerKitError(f"expected an object in {path}, but got {document!r:.60}")
    return document


def _server_of(document: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    servers = document.get("servers")
    if not isinstance(servers, list) or len(servers) != 1 or not isinstance(servers[0], Mapping):
        raise ServerKitError(f"{path}: servers: expected a list of one server, but got {servers!r:.60}")
    server: Mapping[str, Any] = servers[0]
    return server


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ServerKitError(f"{where}: expected a name, but got {value!r:.60}")
    return value


def _port(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise ServerKitError(f"{where}: expected a port from 1 to 65535, but got {value!r:.60}")
    return value


def _target(value: object, where: str) -> tuple[str, int]:
    host, colon, port = _text(value, where).rpartition(":")
    if not colon or not host or not re.fullmatch("[0-9]{1,5}", port):
        raise ServerKitError(f"{where}: expected host:port, but got {value!r:.60}")
    return host, _port(int(port), where)


def _scheme(value: object, where: str) -> Scheme:
    aliases = {"agrpc": Scheme.GRPC, "atcp": Scheme.TCP}  # other drivers of the official software for the same wire
    if isinstance(value, str) and value in aliases:
        return aliases[value]
    try:
        return Scheme(value)
    except ValueError:
        known = ", ".join(one.value for one in Scheme)
        raise ServerKitError(f"{where}: expected one of {known}, but got {value!r:.60}") from None


def _security(value: object, where: str) -> Security:
    try:
        return Security(value or Security.MUTUAL_TLS.value)
    except ValueError:
        known = ", ".join(one.value for one in Security)
        raise ServerKitError(f"{where}: expected one of {known}, but got {value!r:.60}") from None


def _authorization(local: Path) -> Path | None:
    for name in (AUTHORIZATION_FILE, AUTHORIZATION_FILE + _DEFAULT_SUFFIX):
        if (local / name).is_file():
            return local / name
    return None


# --- certificates -----------------------------------------------------------------------------------------------


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise ServerKitError(f"expected {path}, but {problem.strerror}") from problem


def _certificate(path: Path) -> x509.Certificate:
    pem = _read(path)
    try:
        found = x509.load_pem_x509_certificate(pem)
    except ValueError as problem:
        raise ServerKitError(f"expected a certificate in PEM in {path}, but {problem}") from problem
    if expiry_of(found) <= utc_now():
        raise ServerKitError(
            f"the certificate in {path} ended on {expiry_of(found):%Y-%m-%d}: clients refuse it, so provision anew"
        )
    return found


def _key(pem: bytes, where: str) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as problem:
        raise ServerKitError(f"expected an RSA key without passphrase in {where}, but {problem}") from problem
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ServerKitError(f"expected an RSA key in {where}, but it is {type(key).__name__}")
    return key


def _authority(root: Path, names: Mapping[str, str]) -> GivenAuthority:
    startup = root / STARTUP_DIR
    certificate, key_path = _certificate(startup / names["ssl_cert"]), startup / names["ssl_private_key"]
    key = _key(_read(key_path), str(key_path))
    if certificate.public_key() != key.public_key():
        raise ServerKitError(f"expected the key of {names['ssl_cert']} in {key_path}, but it is that of another")
    ca = _certificate(startup / names["ssl_root_cert"])
    server = CertifiedKey(certificate, key)
    ca_key = _ca_key(root, ca)
    if not server.is_issued_by(ca):
        raise ServerKitError(
            f"expected the certificate of {identity_of(certificate).name!r} to be of the CA in "
            f"{startup / names['ssl_root_cert']}, but another issued it: the files are of two provisionings"
        )
    return GivenAuthority(ca, ca_key, server)


def _ca_key(root: Path, ca: x509.Certificate) -> rsa.RSAPrivateKey | None:
    """The key of the CA, where provisioning left it; ``None`` where it is not there, or is of another CA."""
    path = root.resolve().parent.parent / _STATE_FILE
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        pem = state["root_pri_key"].encode("ascii")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    key = _key(pem, str(path))
    return key if key.public_key() == ca.public_key() else None
