"""Startup kits on disk, as the official provisioning of each release lays them out.

The content of ``fed_admin.json`` is the protocol's, certificates come from ``mock_server.pki``; this module owns which
files a kit has and with what permissions. Left out is ``client.pfx`` of 2.3 and the notebook of 2.6: no client of the
API reads them.
"""

from __future__ import annotations

from pathlib import Path

from flare_client.protocol.cellnet import kit as cell_kit
from flare_client.protocol.kit import (
    ADMIN_CONFIG_FILE,
    CA_CERT_FILE,
    CLIENT_CERT_FILE,
    CLIENT_KEY_FILE,
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
from mock_server.pki import SERVER, Credentials, Pki

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
exec python3 -m nvflare.fuel.hci.tools.admin -m "$startup/.." -s {config}
"""

_README = """\
Startup kit of {user} for a mock NVFLARE {release} server at {host}:{admin_port}.

The mock server of flare-conformance wrote it, for tests only: it opens nothing on a real system.
{login}
Give the folder above this one to the client:

    new_{kind}_session({arguments})

{launcher} opens the console of an installed nvflare {release}.
"""


def _readme(
    user: str, profile: ReleaseProfile, host: str, admin_port: int, directory: Path, credentials: Credentials | None
) -> str:
    if credentials is None:
        login = "There is no TLS; every client is the user admin with the password admin.\n"
        kind, arguments = "insecure", f'"{directory}"'
    else:
        role = credentials.identity.role or "none, as a site"
        login = f"Organisation: {credentials.identity.org or 'none'}. Role: {role}.\n"
        kind, arguments = "secure", f'"{user}", "{directory}"'
    return _README.format(
        user=user,
        release=profile.release,
        host=host,
        admin_port=admin_port,
        login=login,
        kind=kind,
        arguments=arguments,
        launcher=LAUNCHER_FILE,
    )


def write_admin_kit(
    directory: Path,
    *,
    profile: ReleaseProfile,
    host: str,
    fl_port: int,
    admin_port: int,
    credentials: Credentials | None = None,
    pki: Pki | None = None,
    wire: cell_kit.CellWire | None = None,
) -> Path:
    """Write an admin's startup kit, or bring one up to date; what lies in ``local`` and ``transfer`` stays.

    Args:
        directory: the kit root, by custom named like the user.
        profile: the release whose kit it is.
        host: the host that the kit names.
        fl_port: the FL port that it names.
        admin_port: the admin port that it names.
        credentials: the user's certificate; without it the kit is the insecure form, with password login.
        pki: whose CA certificate goes into a secure kit, and whose CA signs it where the release does that.
        wire: what the server listens for, for a release of the CellNet dialect.

    Returns:
        The kit root.

    Raises:
        ValueError: only one of credentials and pki is given, or host and ports make no address.
        OSError: the kit cannot be written.
    """
    if (credentials is None) != (pki is None):
        raise ValueError("expected credentials and pki for a secure kit, or neither for an insecure one, but got one")
    if wire is not None and credentials is not None and pki is not None:
        config = cell_kit.render_admin_config(
            project=pki.project,
            user=credentials.identity.name,
            server_identity=SERVER.name,
            wire=wire,
            host=host,
            port=admin_port,
        )
        local = {cell_kit.RESOURCES_FILE: cell_kit.render_resources().encode()}
    else:
        config = render_admin_config(profile, host, fl_port, admin_port, credentials is not None)
        local = {}
    files = {
        ADMIN_CONFIG_FILE: config.encode(),
        LAUNCHER_FILE: _LAUNCHER.format(release=profile.release, config=ADMIN_CONFIG_FILE).encode(),
        README_FILE: _readme(directory.name, profile, host, admin_port, directory, credentials).encode(),
    }
    if credentials is not None and pki is not None:
        files[CLIENT_CERT_FILE] = credentials.certificate_pem
        files[CLIENT_KEY_FILE] = credentials.key_pem
        files[CA_CERT_FILE] = pki.ca_pem
        if profile.signs_admin_kit:
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
