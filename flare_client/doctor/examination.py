"""The examination: every check in its order, each only where those before it left something to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flare_client.doctor.check import Check
from flare_client.doctor.checks import CHECKS
from flare_client.doctor.findings import Finding, Outcome, Report, Verdict, skipped, waiting
from flare_client.doctor.patient import Patient

DEFAULT_SECONDS = 10.0
"""How long each look at the server may take."""
MOST_SECONDS = 86400.0
"""How long at most: a day."""
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz")


def examine(
    kit: str | Path,
    *,
    user: str | None = None,
    offline: bool = False,
    timeout: float = DEFAULT_SECONDS,
    checks: Sequence[Check] = CHECKS,
) -> Report:
    """Look a startup kit over.

    Args:
        kit: the kit root, the folder above ``startup``.
        user: who is to log in with it; whom the certificate names by default.
        offline: whether the server is left alone.
        timeout: seconds that each look at the server may take.
        checks: what is looked at.

    Raises:
        ValueError: nobody can wait so long.
        NotADirectoryError: there is no such folder.
    """
    if not 0 < timeout <= MOST_SECONDS:
        raise ValueError(f"expected a timeout of more than 0 and at most {MOST_SECONDS:g} seconds, but got {timeout}")
    root = Path(kit)
    if not str(kit) or not root.is_dir():  # Path("") is the current folder
        raise NotADirectoryError(f"expected the folder of a startup kit, but there is {_instead(root, str(kit))}")
    patient = Patient(root, user, timeout)
    outcomes: dict[str, Outcome] = {}
    for check in checks:
        outcomes[check.name] = _outcome(check, patient, outcomes, offline=offline)
    return Report(str(kit), tuple(Finding(one.name, one.question, outcomes[one.name]) for one in checks))


def _instead(root: Path, kit: str) -> str:
    if kit and root.is_file():
        archive = ": unpack it, where it is an archive" if root.suffix in _ARCHIVES else ""
        return f"a file at {kit}{archive}"
    return f"none at {kit!r}"


def _outcome(check: Check, patient: Patient, before: dict[str, Outcome], *, offline: bool) -> Outcome:
    if check.online and offline:
        return skipped("it asks the server, and --offline says not to")
    wrong = [name for name in (*check.needs, *check.unless_wrong) if before[name].verdict is Verdict.ERROR]
    wrong += [first for name in check.needs for first in before[name].waits_for]
    if wrong:
        return waiting(tuple(dict.fromkeys(wrong)))
    missing = [name for name in check.needs if before[name].verdict is Verdict.SKIPPED]
    if missing:
        return skipped(f"there is nothing to look at, as {', '.join(missing)} was skipped")
    return check.run(patient)
