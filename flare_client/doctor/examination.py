"""The examination: every check in its order, each only where those before it left something to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flare_client.doctor.check import Check
from flare_client.doctor.checks import CHECKS
from flare_client.doctor.findings import Finding, Outcome, Report, Verdict, skipped
from flare_client.doctor.patient import Patient

DEFAULT_SECONDS = 10.0
"""How long each look at the server may take."""


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
        NotADirectoryError: there is no such folder.
    """
    root = Path(kit)
    if not root.is_dir():
        raise NotADirectoryError(f"expected the folder of a startup kit, but there is none at {kit}")
    patient = Patient(root, user, timeout)
    outcomes: dict[str, Outcome] = {}
    for check in checks:
        outcomes[check.name] = _outcome(check, patient, outcomes, offline=offline)
    return Report(str(kit), tuple(Finding(one.name, one.question, outcomes[one.name]) for one in checks))


def _outcome(check: Check, patient: Patient, before: dict[str, Outcome], *, offline: bool) -> Outcome:
    if check.online and offline:
        return skipped("it asks the server, and --offline says not to")
    wrong = [name for name in (*check.needs, *check.unless_wrong) if before[name].verdict is Verdict.ERROR]
    if wrong:
        return skipped(f"first mend what is said of {', '.join(wrong)}")
    missing = [name for name in check.needs if before[name].verdict is Verdict.SKIPPED]
    if missing:
        return skipped(f"there is nothing to look at, as {', '.join(missing)} was skipped")
    return check.run(patient)
