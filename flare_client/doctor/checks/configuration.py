"""What stands in ``fed_admin.json``."""

from __future__ import annotations

from flare_client.doctor.check import Check
from flare_client.doctor.findings import Outcome, error, ok, warning
from flare_client.doctor.patient import Patient
from flare_client.kit import resources_path
from flare_client.protocol.cellnet.kit import CellKitConfig, ResourcesFormatError, Security
from flare_client.protocol.kit import ADMIN_CONFIG_FILE, KitFormatError, load_document

_AGAIN = "Take the file of the kit as it came; it is not meant to be edited."


def _json(patient: Patient) -> Outcome:
    try:
        load_document(patient.config_text)
    except OSError as problem:
        return error(f"{patient.config_path} cannot be read: {problem.strerror}", "Give yourself the right to read it.")
    except UnicodeDecodeError as problem:
        return error(f"{patient.config_path} is no UTF-8: {problem}", _AGAIN)
    except KitFormatError as problem:
        return error(f"{patient.config_path}: {problem}", _AGAIN)
    return ok(f"{ADMIN_CONFIG_FILE} is a JSON object")


def _fields(patient: Patient) -> Outcome:
    try:
        config = patient.config
    except ResourcesFormatError as problem:
        return error(f"{resources_path(patient.local)}: {problem}", "Mend that file, or remove it.")
    except KitFormatError as problem:
        return error(f"{patient.config_path}: {problem}", _AGAIN)
    except (OSError, UnicodeDecodeError) as problem:
        return error(f"the resources in {patient.local} cannot be read: {problem}", "Mend that file, or remove it.")
    if isinstance(config, CellKitConfig):
        return ok(f"a kit of releases 2.7 and later, for {config.scheme.value} at {patient.address}")
    return ok(f"a kit of releases to 2.6, for {patient.address}")


def _protection(patient: Patient) -> Outcome:
    config = patient.config
    if isinstance(config, CellKitConfig):
        if config.security is Security.CLEAR:
            return warning(
                "connections are in clear text: whoever is in between reads and changes what is sent",
                "Fine on one machine, or behind something that protects the way; otherwise provision with TLS.",
            )
        return ok(
            "mutual TLS" if config.security is Security.MUTUAL_TLS else "TLS, in which the server alone shows itself"
        )
    if config.with_ssl:
        return ok("mutual TLS")
    return warning(
        "the kit has no TLS (with_ssl): only insecure servers of proof-of-concept mode, as of 2.3, take it",
        "Unless it is one, ask the admin of the project for a secure kit.",
    )


CHECKS = (
    Check("json", "Can the configuration be read?", _json, needs=("admin-kit",)),
    Check("fields", "Does the configuration say all that a client needs?", _fields, needs=("json",)),
    Check("protection", "Is the connection protected?", _protection, needs=("fields",)),
)
