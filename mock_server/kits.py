"""Startup kits on disk, as the official provisioning of each release lays them out.

The content of ``fed_admin.json`` is the protocol's, certificates come from ``mock_server.pki``; this module owns which
files a kit has and with what permissions. Left out is ``client.pfx`` of 2.3 and the notebook of 2.6: no client of the
API reads them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flare_client.protocol.cellnet import kit as cell_kit
from flare_client.protocol.kit import (
    ADMIN_CONFIG_FILE,
    CA_CERT_FILE,
    CLIENT_CERT_FILE,
    CLIENT_KEY_FILE,
    INSECURE_USER,
    KIT_SIGNATURE_FILE,
    LAUNCHER_FILE,
    LOCAL_DIR,
    README_FILE,
    STARTUP_DIR,
    TRANSFER_DIR,
    render_admin_config,
)
from flare_client.protocol.releases import ReleaseProfile
from flare_client.protocol.signing import digest_of
from mock_server.files import EXECUTABLE, PRIVATE, SHARED, private_folder, write_atomically
from mock_server.pki import Credentials, Pki

_MODES = {CLIENT_KEY_FILE: PRIVATE, LAUNCHER_FILE: EXECUTABLE}

_OWN_FILES = frozenset(
    {
        ADMIN_CONFIG_FILE,
        CA_CERT_FILE,
        CLIENT_CERT_FILE,
        CLIENT_KEY_FILE,
        LAUNCHER_FILE,
        README_FILE,
        KIT_SIGNATURE_FILE,
    }
)

_LAUNCHER = """\
#!/usr/bin/env bash
# Part of a startup kit for a mock server; opens the admin console of an installed nvflare {release}.
startup="$(cd "$(dirname "${{BASH_SOURCE[0]}}")" && pwd)"
exec python3 -m nvflare.fuel.hci.tools.admin -m "$startup/.." -s {config}{options}
"""
_OPTIONS = ' "$@"'
"""Where a session works in a study, the launcher takes ``--study``; others pass nothing on, as the official ones."""

_README = """\
Startup kit of {user} for a mock NVFLARE {release} server at {host}:{admin_port}.

The mock server of flare-conformance wrote it, for tests only: it opens nothing on a real system.
{login}
Give the folder above this one to the client:

    new_{kind}_session({arguments})

{launcher} opens the console of an installed nvflare {release}.
"""


@dataclasses.dataclass(frozen=True)
class KitOrder:
    """What a startup kit is to be.

    Attributes:
        profile: the release whose kit it is.
        host: the host that the kit names.
        fl_port: the FL port that it names.
        admin_port: the admin port that it names.
        pki: who issues the certificate of a secure kit, and signs it where the release does that; without it the kit
            is the insecure form, with password login.
        user: the user.
        org: the organisation of the user.
        role: the role; ``None`` for the certificate of a site.
        certificate: further arguments of ``Pki.issue_user``.
        wire: what the server listens for, in a release of the CellNet dialect.
        server_identity: the name that the server's certificate must have there; the server's own by default.
        project: the project that the kit names there; that of the authority by default.
        signs: whether it is signed; ``None`` for what the release does.
        amend: changes the ``admin`` object of ``fed_admin.json`` before it is signed.
    """

    profile: ReleaseProfile
    host: str
    fl_port: int
    admin_port: int
    pki: Pki | None = None
    user: str = INSECURE_USER
    org: str = ""
    role: str | None = None
    certificate: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    wire: cell_kit.CellWire | None = None
    server_identity: str | None = None
    project: str | None = None
    signs: bool | None = None
    amend: Callable[[dict[str, Any]], None] | None = None

    @property
    def is_signed(self) -> bool:
        """Whether the kit carries signatures."""
        return self.profile.signs_admin_kit if self.signs is None else self.signs


def _launcher(profile: ReleaseProfile) -> str:
    options = _OPTIONS if profile.has_studies else ""
    return _LAUNCHER.format(release=profile.release, config=ADMIN_CONFIG_FILE, options=options)


def _readme(order: KitOrder, directory: Path, credentials: Credentials | None) -> str:
    if credentials is None:
        login = "There is no TLS; every client is the user admin with the password admin.\n"
        kind, arguments = "insecure", f'"{directory}"'
    else:
        role = credentials.identity.role or "none, as a site"
        login = f"Organisation: {credentials.identity.org or 'none'}. Role: {role}.\n"
        kind, arguments = "secure", f'"{order.user}", "{directory}"'
    return _README.format(
        user=directory.name,
        release=order.profile.release,
        host=order.host,
        admin_port=order.admin_port,
        login=login,
        kind=kind,
        arguments=arguments,
        launcher=LAUNCHER_FILE,
    )


def _configuration(order: KitOrder) -> tuple[str, dict[str, bytes]]:
    """The content of ``fed_admin.json``, and the files in ``local``."""
    local: dict[str, bytes] = {}
    if order.wire is None or order.pki is None:
        config = render_admin_config(order.profile, order.host, order.fl_port, order.admin_port, order.pki is not None)
    else:
        config = cell_kit.render_admin_config(
            project=order.pki.project if order.project is None else order.project,
            user=order.user,
            server_identity=order.pki.server_name if order.server_identity is None else order.server_identity,
            wire=order.wire,
            host=order.host,
            port=order.admin_port,
        )
        local[cell_kit.RESOURCES_FILE] = cell_kit.render_resources().encode()
    if order.amend is None:
        return config, local
    document = json.loads(config)
    order.amend(document["admin"])
    return json.dumps(document, indent=2), local


def write_admin_kit(directory: Path, order: KitOrder) -> Path:
    """Write an admin's startup kit, or bring one up to date; what lies in ``local`` and ``transfer`` stays.

    Args:
        directory: the kit root, by custom named like the user.
        order: what it is to be.

    Returns:
        The kit root.

    Raises:
        PkiError: the user's certificate cannot be had.
        ValueError: host and ports make no address.
        OSError: the kit cannot be written.
    """
    pki = order.pki
    credentials = pki.issue_user(order.user, order.org, order.role, **order.certificate) if pki is not None else None
    config, local = _configuration(order)
    files = {
        ADMIN_CONFIG_FILE: config.encode(),
        LAUNCHER_FILE: _launcher(order.profile).encode(),
        README_FILE: _readme(order, directory, credentials).encode(),
    }
    if credentials is not None and pki is not None:
        files[CLIENT_CERT_FILE] = credentials.certificate_pem
        files[CLIENT_KEY_FILE] = credentials.key_pem
        files[CA_CERT_FILE] = pki.ca_pem
        if order.is_signed:
            signer = pki.ca_signer()
            for part in (files, local) if local else (files,):
                digests = {name: digest_of([content]) for name, content in part.items()}
                part[KIT_SIGNATURE_FILE] = signer.sign(digests)

    startup = directory / STARTUP_DIR
    for folder in (directory, startup, directory / LOCAL_DIR, directory / TRANSFER_DIR):
        private_folder(folder)
    for name, content in files.items():
        write_atomically(startup / name, content, _MODES.get(name, SHARED))
    for name, content in local.items():
        write_atomically(directory / LOCAL_DIR / name, content, SHARED)
    # A kit that was made for another release or mode must not keep what no longer belongs to it.
    for name in _OWN_FILES - files.keys():
        (startup / name).unlink(missing_ok=True)
    return directory
