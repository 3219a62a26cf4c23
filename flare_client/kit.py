"""A startup kit on disk, as a ``Session`` needs it: found, read and checked. The format itself is the protocol's."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from flare_client import errors
from flare_client.protocol import kit as kit_format
from flare_client.protocol.cellnet import kit as cell_format
from flare_client.protocol.cellnet.kit import CellKitConfig
from flare_client.protocol.kit import AdminKitConfig, KitFormatError, parse_admin_config
from flare_client.protocol.signing import BadSignature, FolderVerifier, UnreadableSignatures, digest_of

_OFFICIAL_CLASSES: dict[str, type[errors.ConfigError]] = {
    "ConfigError": errors.ConfigError,
    "RuntimeError": errors.KitSchemeUnknown,
    "TypeError": errors.KitTypeError,
    "ValueError": errors.KitValueError,
}


@dataclasses.dataclass(frozen=True)
class StartupKit:
    """A kit that has all that its mode needs.

    Attributes:
        root: the folder above ``startup``.
        config: what ``fed_admin.json`` says; its class is the dialect's.
        upload_dir: where relative job folders are looked up.
        download_dir: where results go.
        ca_cert: the root CA; like the next two ``None`` in a kit without TLS.
        client_cert: the user's certificate.
        client_key: its key.
    """

    root: Path
    config: AdminKitConfig | CellKitConfig
    upload_dir: Path
    download_dir: Path
    ca_cert: Path | None
    client_cert: Path | None
    client_key: Path | None


def _certificate(
    startup: Path, name: str | None, usual: str, missing: type[errors.ConfigError], *, required: bool
) -> Path | None:
    if name is None:
        if required:
            raise errors.KitTypeError(f"expected the kit to name its {usual}, but it has no TLS configured")
        return None
    path = startup / name
    if required and not path.is_file():
        # The official message names the usual file whatever the field says.
        raise missing(f"{usual} does not exist at {path}")
    return path


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        unusable = errors.KitFileNotFound if isinstance(problem, FileNotFoundError) else errors.ConfigError
        raise unusable(f"expected the kit's configuration at {path}, but {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        raise errors.ConfigError(f"expected UTF-8 text in {path}, but {problem}") from None


def resources_path(local: Path) -> Path | None:
    """The local resources that count in a kit of releases from 2.7 on: the admin's own before those that came.

    Args:
        local: the folder of that name.
    """
    places = (local / name for name in (cell_format.OWN_RESOURCES_FILE, cell_format.RESOURCES_FILE))
    return next((place for place in places if place.is_file()), None)


def _check_signature(startup: Path, config_path: Path) -> None:
    """Check the configuration of a kit that the project signed; one without signatures passes.

    Source: the official clients of 2.7-2.9. 2.7 alone demands a signature; its kits look like those of 2.8 otherwise.

    Raises:
        ConfigError: the configuration is not the one that was signed.
    """
    signatures, authority = startup / kit_format.KIT_SIGNATURE_FILE, startup / kit_format.CA_CERT_FILE
    if not (signatures.is_file() and authority.is_file()):
        return
    try:
        verifier = FolderVerifier(signatures.read_bytes(), authority.read_bytes())
        if not verifier.covers(config_path.name):
            raise BadSignature(f"{config_path.name!r} has no signature")
        verifier.check(config_path.name, digest_of([config_path.read_bytes()]))
    except (BadSignature, UnreadableSignatures, OSError) as problem:
        raise errors.ConfigError(
            f"expected {config_path} as the project signed it in {signatures.name}, but {problem}"
        ) from problem


def load_kit(location: str, *, secure: bool) -> StartupKit:
    """Read the startup kit at a location, and create its download folder as the official client does.

    Args:
        location: the kit root, the folder above ``startup``.
        secure: whether certificates are needed; kits of releases from 2.7 on always need them.

    Raises:
        KitNotFound: there is no folder at the location.
        KitLayoutError: ``startup`` or ``local`` is missing.
        ConfigError: ``fed_admin.json`` or a certificate is missing or unusable; the subclass follows the class
            that the official client raises for the same fault.
    """
    root = Path(location)
    if not root.is_dir():
        raise errors.KitNotFound(f"startup kit does not exist at {location}")
    startup = root / kit_format.STARTUP_DIR
    for folder, what in ((startup, "startup"), (root / kit_format.LOCAL_DIR, "site config")):
        if not folder.is_dir():
            raise errors.KitLayoutError(
                f"invalid workspace {location}: missing {what} folder '{folder}' or not a valid dir"
            )
    config_path = startup / kit_format.ADMIN_CONFIG_FILE
    text = _read_text(config_path)
    config: AdminKitConfig | CellKitConfig
    resources: Path | None = None
    try:
        if cell_format.is_cell_config(text):
            resources = resources_path(root / kit_format.LOCAL_DIR)
            config = cell_format.parse_cell_config(text, None if resources is None else _read_text(resources))
            secure = True
            _check_signature(startup, config_path)
        else:
            config = parse_admin_config(text)
    except KitFormatError as problem:
        fault = problem.__cause__
        place = resources if isinstance(problem, cell_format.ResourcesFormatError) else config_path
        if isinstance(fault, json.JSONDecodeError):
            raise errors.KitNotJson(f"{place}: {problem}", fault.doc, fault.pos) from problem
        raise _OFFICIAL_CLASSES[problem.official](f"{place}: {problem}") from problem

    missing: type[errors.ConfigError] = (
        errors.KitFileNotFound if isinstance(config, CellKitConfig) else errors.ConfigError
    )
    download_dir = root / config.download_dir
    download_dir.mkdir(parents=True, exist_ok=True)
    upload_dir = root / config.upload_dir
    if not upload_dir.is_dir():
        raise errors.KitValueError(f"upload_dir {upload_dir} is not a valid dir")
    return StartupKit(
        root=root,
        config=config,
        upload_dir=upload_dir,
        download_dir=download_dir,
        ca_cert=_certificate(startup, config.ca_cert, kit_format.CA_CERT_FILE, missing, required=secure),
        client_cert=_certificate(startup, config.client_cert, kit_format.CLIENT_CERT_FILE, missing, required=secure),
        client_key=_certificate(startup, config.client_key, kit_format.CLIENT_KEY_FILE, missing, required=secure),
    )
