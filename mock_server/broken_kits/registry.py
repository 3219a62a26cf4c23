"""Every way in which a kit may be broken on purpose, as data.

A kit is broken in one point and right in all others: what provisioning got wrong is ordered, so that the kit is whole
and signed as any other; what happened to the kit afterwards is a damage. Two kinds of names: ``wrong-`` is of another
one than it should be, ``foreign-`` belongs to somebody else.
"""

from __future__ import annotations

import dataclasses
import datetime
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flare_client.protocol.cellnet.kit import CellWire, Scheme, Security
from flare_client.protocol.kit import (
    ADMIN_CONFIG_FILE,
    CA_CERT_FILE,
    CLIENT_CERT_FILE,
    CLIENT_KEY_FILE,
    LOCAL_DIR,
    STARTUP_DIR,
)
from mock_server.broken_kits.workshop import BrokenKit, Damage, Order, Part, Workshop, edit
from mock_server.certificates import utc_now
from mock_server.files import PRIVATE, SHARED, write_atomically
from mock_server.kits import KitOrder

_SOCKETS = ("2.3", "2.4", "2.5", "2.6")
_CELLS = ("2.7", "2.8", "2.9")
_SIGNED = ("2.6", *_CELLS)
"""Those whose admin kits may carry signatures: 2.6 and 2.7 always, 2.8 and 2.9 those for homomorphic encryption."""

_DAY = datetime.timedelta(days=1)
_CLOSED_PORT = 1
"""A port at which nobody listens: that of a service (TCPMUX) that machines of today do not have."""
_NOBODY = "nobody.invalid"
"""A host that no name server knows: the domain is reserved for that (RFC 2606)."""


def _without(name: str) -> Damage:
    return lambda kit, _: (kit / STARTUP_DIR / name).unlink()


def _holds(first_day: int, last_day: int) -> Order:
    """A certificate with a validity in days from now."""

    def order(workshop: Workshop) -> KitOrder:
        now = utc_now()
        validity = {"not_before": now + first_day * _DAY, "not_after": now + last_day * _DAY}
        return dataclasses.replace(workshop.order, certificate=validity)

    return order


def _with(**fields: Any) -> Order:
    return lambda workshop: dataclasses.replace(workshop.order, **fields)


def _in_clear(workshop: Workshop) -> KitOrder:
    wire = workshop.order.wire
    if wire is None:
        return dataclasses.replace(workshop.order, amend=lambda admin: admin.update(with_ssl=False))
    return dataclasses.replace(workshop.order, wire=CellWire(wire.scheme, Security.CLEAR))


def _wrong_scheme(workshop: Workshop) -> KitOrder:
    wire = workshop.order.wire or CellWire()
    scheme = Scheme.HTTP if wire.scheme is Scheme.TCP else Scheme.TCP
    return dataclasses.replace(workshop.order, wire=CellWire(scheme, wire.security))


def _cut_off(kit: Path, _: Workshop) -> None:
    path = kit / STARTUP_DIR / ADMIN_CONFIG_FILE
    content = path.read_bytes()
    write_atomically(path, content[: len(content) // 2], SHARED)


def _no_certificate(kit: Path, _: Workshop) -> None:
    write_atomically(kit / STARTUP_DIR / CLIENT_CERT_FILE, b"Please find the certificate attached.\n", SHARED)


def _key_of_another(kit: Path, workshop: Workshop) -> None:
    pki = workshop.order.pki
    if pki is None:
        raise AssertionError("a broken kit has an authority")
    other = workshop.issued_by(pki, f"another-{workshop.order.user}")
    write_atomically(kit / STARTUP_DIR / CLIENT_KEY_FILE, other.key_pem, PRIVATE)


def _foreign_certificate(kit: Path, workshop: Workshop) -> None:
    credentials = workshop.issued_by(workshop.stranger)
    write_atomically(kit / STARTUP_DIR / CLIENT_CERT_FILE, credentials.certificate_pem, SHARED)
    write_atomically(kit / STARTUP_DIR / CLIENT_KEY_FILE, credentials.key_pem, PRIVATE)


def _foreign_root(kit: Path, workshop: Workshop) -> None:
    write_atomically(kit / STARTUP_DIR / CA_CERT_FILE, workshop.stranger.ca_pem, SHARED)


def _all(*kits: BrokenKit) -> Mapping[str, BrokenKit]:
    return {kit.name: kit for kit in kits}


BROKEN_KITS: Mapping[str, BrokenKit] = _all(
    # --- files
    BrokenKit(
        "missing-folder",
        "The folder `local` is not there.",
        Part.FILES,
        damage=lambda kit, _: shutil.rmtree(kit / LOCAL_DIR),
    ),
    BrokenKit(
        "missing-config", "`startup/fed_admin.json` is not there.", Part.FILES, damage=_without(ADMIN_CONFIG_FILE)
    ),
    BrokenKit("missing-file", "`startup/client.crt` is not there.", Part.FILES, damage=_without(CLIENT_CERT_FILE)),
    BrokenKit("missing-key", "`startup/client.key` is not there.", Part.FILES, damage=_without(CLIENT_KEY_FILE)),
    BrokenKit("missing-root", "`startup/rootCA.pem` is not there.", Part.FILES, damage=_without(CA_CERT_FILE)),
    # --- fed_admin.json
    BrokenKit("unreadable-json", "`fed_admin.json` ends in its middle.", Part.CONFIGURATION, damage=_cut_off),
    BrokenKit(
        "missing-field",
        "`fed_admin.json` has no `download_dir`.",
        Part.CONFIGURATION,
        order=_with(amend=lambda admin: admin.pop("download_dir")),
    ),
    BrokenKit(
        "missing-address",
        "`fed_admin.json` has no `overseer_agent`, which holds the address of the server.",
        Part.CONFIGURATION,
        order=_with(amend=lambda admin: admin.pop("overseer_agent")),
        releases=_SOCKETS,
    ),
    BrokenKit(
        "unknown-scheme",
        "`fed_admin.json` asks for the scheme `ftp`, which there is not.",
        Part.CONFIGURATION,
        order=_with(amend=lambda admin: admin.update(scheme="ftp")),
        releases=_CELLS,
    ),
    # --- certificate and key
    BrokenKit("expired", "The certificate ended yesterday.", Part.CERTIFICATE, order=_holds(-30, -1)),
    BrokenKit("not-yet-valid", "The certificate begins tomorrow.", Part.CERTIFICATE, order=_holds(1, 30)),
    BrokenKit(
        "wrong-cn",
        "The certificate names another user.",
        Part.CERTIFICATE,
        order=_with(certificate={"common_name": "somebody@else.org"}),
    ),
    BrokenKit(
        "wrong-ca",
        "The whole kit is of another provisioning of the project: the server knows another CA.",
        Part.CERTIFICATE,
        order=lambda workshop: dataclasses.replace(workshop.order, pki=workshop.stranger),
    ),
    BrokenKit(
        "foreign-certificate",
        "Certificate and key are of another CA than `rootCA.pem`.",
        Part.CERTIFICATE,
        damage=_foreign_certificate,
    ),
    BrokenKit(
        "foreign-root",
        "`rootCA.pem` is of another CA than the certificate and the server.",
        Part.CERTIFICATE,
        damage=_foreign_root,
    ),
    BrokenKit(
        "wrong-key", "`client.key` does not belong to the certificate.", Part.CERTIFICATE, damage=_key_of_another
    ),
    BrokenKit("unreadable-certificate", "`client.crt` holds no certificate.", Part.CERTIFICATE, damage=_no_certificate),
    BrokenKit(
        "wrong-role",
        "The certificate has the role `admin`, which no policy knows.",
        Part.CERTIFICATE,
        order=_with(role="admin"),
    ),
    BrokenKit(
        "no-role", "The certificate is that of a site: it has no role.", Part.CERTIFICATE, order=_with(role=None)
    ),
    # --- address and transport
    BrokenKit(
        "wrong-port",
        f"The kit names the port {_CLOSED_PORT}, at which nobody listens.",
        Part.ADDRESS,
        order=_with(admin_port=_CLOSED_PORT),
    ),
    BrokenKit("unresolvable-host", f"The kit names the host `{_NOBODY}`.", Part.ADDRESS, order=_with(host=_NOBODY)),
    BrokenKit(
        "insecure-mixed",
        "The kit asks for clear text, the server for TLS.",
        Part.ADDRESS,
        order=_in_clear,
    ),
    BrokenKit(
        "wrong-scheme",
        "The kit asks for another scheme than the server's.",
        Part.ADDRESS,
        order=_wrong_scheme,
        releases=_CELLS,
    ),
    BrokenKit(
        "wrong-server",
        "The kit expects another name in the certificate of the server (`server_identity`).",
        Part.ADDRESS,
        order=_with(server_identity="another-server"),
        releases=_CELLS,
    ),
    BrokenKit(
        "wrong-project",
        "The kit names another project (`project_name`).",
        Part.ADDRESS,
        order=_with(project="another_project"),
        releases=_CELLS,
    ),
    # --- signatures
    BrokenKit(
        "edited-signed-file",
        "The kit is signed, and `fed_admin.json` was edited afterwards.",
        Part.SIGNATURE,
        order=_with(signs=True),
        damage=lambda kit, _: edit(kit, lambda admin: admin.update(note="edited")),
        releases=_SIGNED,
    ),
    BrokenKit(
        "unsigned",
        "The kit has no signatures, as those of 2.8 and 2.9 have none.",
        Part.SIGNATURE,
        order=_with(signs=False),
        releases=("2.7",),
    ),
)
"""By name."""
