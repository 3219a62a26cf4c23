"""What a kit consists of on disk: folders, files, and who may read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from flare_client.doctor.check import Check
from flare_client.doctor.findings import Outcome, error, ok, skipped, warning
from flare_client.doctor.patient import Patient
from flare_client.protocol.kit import ADMIN_CONFIG_FILE, LOCAL_DIR, STARTUP_DIR

_OTHER_KITS = {"fed_client.json": "a site", "fed_server.json": "the server", "fed_relay.json": "a relay"}
"""What lies in ``startup`` instead, in the kits of other participants."""
_AGAIN = "Ask the admin of the project for the kit, and unpack it anew."
_SHOWN_KITS = 5
_CERTIFICATES = ("ca_cert", "client_cert", "client_key")


def _folders(patient: Patient) -> Outcome:
    missing = [name for name in (STARTUP_DIR, LOCAL_DIR) if not (patient.root / name).is_dir()]
    if not missing:
        return ok(f"{STARTUP_DIR} and {LOCAL_DIR} are there")
    if (patient.root / ADMIN_CONFIG_FILE).is_file():
        return error(f"this is the folder {STARTUP_DIR} of a kit", f"Give the folder above: {patient.root.parent}")
    inside = _kits_below(patient.root)
    if inside:
        more = f", or one of {len(inside) - _SHOWN_KITS} more" if len(inside) > _SHOWN_KITS else ""
        return error(
            "this is a folder above the kits of a project",
            f"Give one of them: {', '.join(str(path) for path in inside[:_SHOWN_KITS])}{more}",
        )
    if missing == [LOCAL_DIR]:
        return error(
            f"expected a folder {LOCAL_DIR} beside {STARTUP_DIR}, but there is none: every client refuses such a kit",
            f"Make it: mkdir {patient.local} (the kits of most admins have little or nothing in it).",
        )
    return error(
        f"expected the folders {STARTUP_DIR} and {LOCAL_DIR}, but there is no {' and no '.join(missing)}", _AGAIN
    )


def _kits_below(folder: Path) -> list[Path]:
    """The kits of admins in a folder, or in those in it: provisioning puts them into ``workspace/PROJECT/prod_00``."""
    for depth in ("*", "*/*", "*/*/*"):
        found = sorted(path.parent.parent for path in folder.glob(f"{depth}/{STARTUP_DIR}/{ADMIN_CONFIG_FILE}"))
        if found:
            return found
    return []


def _configured(patient: Patient) -> Outcome:
    if patient.config_path.is_file():
        return ok(f"{STARTUP_DIR}/{ADMIN_CONFIG_FILE} is there")
    for name, whose in _OTHER_KITS.items():
        if (patient.startup / name).is_file():
            return error(
                f"this is the kit of {whose}: it has {name}, and no {ADMIN_CONFIG_FILE}",
                "Give the kit of an admin: its folder is named like the user, as admin@nvidia.com.",
            )
    return error(f"expected {patient.config_path}, but it is not there", _AGAIN)


def _named_files(patient: Patient) -> Outcome:
    if not patient.has_certificates:
        return skipped("the kit names no certificates: it is for a server in clear text")
    for field in _CERTIFICATES:
        path = patient.named(field)
        problem = _unreadable(path)
        if problem:
            return error(f"expected {path}, which {ADMIN_CONFIG_FILE} names as {field}, but {problem}", _AGAIN)
    return ok("the certificate, its key and the root CA are there")


def _unreadable(path: Path) -> str:
    if path.exists() and not path.is_file():
        return "it is no file"  # who opens a pipe waits until somebody writes into it
    try:
        with path.open("rb") as file:
            return "" if file.read(1) else "it is empty"
    except OSError as problem:
        return "it is not there" if isinstance(problem, FileNotFoundError) else str(problem.strerror)


def _key_mode(patient: Patient) -> Outcome:
    if os.name != "posix":
        return skipped("permissions of this kind are of POSIX systems")
    path = patient.named("client_key")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return warning(f"others on this machine may use {path.name} (mode {mode:04o})", f"chmod 600 {path}")
    return ok(f"{path.name} is the owner's alone (mode {mode:04o})")


def _transfer(patient: Patient) -> Outcome:
    upload, download = patient.root / patient.config.upload_dir, patient.root / patient.config.download_dir
    if upload != download and not upload.exists():
        return error(
            f"expected a folder for uploads at {upload}, but there is none: clients make that for downloads alone",
            f"Make it: mkdir -p {upload}",
        )
    folders = {upload, download}
    for folder in sorted(folders):
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        if not nearest.is_dir():
            return error(f"expected a folder at {folder}, but {nearest} is a file", f"Move {nearest} away.")
        if not os.access(nearest, os.W_OK | os.X_OK):
            return error(
                f"expected a folder for uploads and downloads at {folder}, but you may not write to {nearest}",
                f"Take a copy of the kit that is yours, or have somebody give you {nearest}.",
            )
    return ok(f"uploads and downloads go to {' and '.join(str(one) for one in sorted(folders))}")


FOLDERS = (
    Check("folders", "Is it a startup kit?", _folders),
    Check("admin-kit", "Is it the kit of an admin?", _configured, needs=("folders",)),
)
"""Those that come before the configuration is read."""

CHECKS = (
    Check("files", "Are the files there that the configuration names?", _named_files, needs=("fields",)),
    Check("key-permissions", "Is the private key private?", _key_mode, needs=("files",)),
    Check("transfer", "Is there a place for uploads and downloads?", _transfer, needs=("fields",)),
)
