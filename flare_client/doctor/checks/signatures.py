"""The signatures of a kit: whether its files are those that the project made."""

from __future__ import annotations

from pathlib import Path

from flare_client.doctor.check import Check
from flare_client.doctor.findings import Outcome, error, ok, skipped, unable, warning
from flare_client.doctor.patient import Patient
from flare_client.protocol.kit import KIT_SIGNATURE_FILE, STARTUP_DIR
from flare_client.protocol.signing import BadSignature, FolderVerifier, UnreadableSignatures, digest_of

_REMEDY = "Take the files as they came with the kit, or ask the admin of the project for it once more."


def _signatures(patient: Patient) -> Outcome:
    signed = [one for one in (patient.startup, patient.local) if (one / KIT_SIGNATURE_FILE).is_file()]
    if not signed:
        return skipped(
            "the kit is not signed, as is usual; clients of 2.7, and of no other release, ask for signatures"
        )
    edited: list[str] = []
    unsigned: list[str] = []
    for folder in signed:
        try:
            _check(folder, patient, edited, unsigned)
        except UnreadableSignatures as problem:
            return error(f"the signatures of {folder} cannot be read: {problem}", _REMEDY)
        except OSError as problem:
            return unable(
                f"{problem.filename} cannot be read: {problem.strerror}", "Give yourself the right to read it."
            )
    if edited:
        return error(f"not as the project signed them: {', '.join(edited)}", _REMEDY)
    if unsigned:
        return warning(f"without a signature in a signed kit: {', '.join(unsigned)}", "See who put them there.")
    return ok(f"all files of {' and '.join(one.name for one in signed)} are as the project signed them")


def _check(folder: Path, patient: Patient, edited: list[str], unsigned: list[str]) -> None:
    verifier = FolderVerifier((folder / KIT_SIGNATURE_FILE).read_bytes(), patient.named("ca_cert").read_bytes())
    for path in sorted(folder.iterdir()):
        if path.name == KIT_SIGNATURE_FILE or not path.is_file():
            continue
        name = f"{folder.name}/{path.name}"
        if not verifier.covers(path.name):
            # What an admin adds to `local` is the admin's own; `startup` is the project's.
            unsigned += [name] if folder.name == STARTUP_DIR else []
            continue
        try:
            verifier.check(path.name, digest_of([path.read_bytes()]))
        except BadSignature:
            edited.append(name)


CHECKS = (Check("signatures", "Are the files those that the project made?", _signatures, needs=("fields", "root-ca")),)
