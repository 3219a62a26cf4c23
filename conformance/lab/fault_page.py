"""``docs/faults.md``: what users of each release see where something goes wrong, out of what was measured."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from conformance.lab.cases.bench import HUNG, RETURNED
from conformance.lab.cases.clients import OFFICIALS
from conformance.lab.cases.page import cell, measurements
from conformance.lab.cases.sightings import Sighting, Sightings, passing
from conformance.lab.fault_cases import (
    CASES,
    COMMAND_SECONDS,
    DELETE,
    DOWNLOAD,
    HANG_SECONDS,
    LIST,
    LOGIN,
    LOGIN_SECONDS,
    MONITOR,
    SUBMIT,
    FaultCase,
)

MODULE = "conformance.lab.fault_matrix"
SIGHTINGS = Path(__file__).with_name("fault_sightings.json")
PAGE = Path(__file__).parents[2] / "docs" / "faults.md"

_HEAD = f"""# What users see where something goes wrong

Every row is a fault of the mock server ([mock-server.md](mock-server.md), the section on faults) and one call of an
official client, measured by `python -m {MODULE}`, which writes this page. Logins had {LOGIN_SECONDS:g} s to
connect, commands from 2.7 on {COMMAND_SECONDS:g} s (`set_timeout`); "no answer" means that the client did not come
back within {HANG_SECONDS:g} s ({HANG_SECONDS + LOGIN_SECONDS:g} s for a login), and was ended. What holds for all
clients is in the contracts `ROBUST-*` ([contracts.md](contracts.md)).
"""
_TITLES = {
    LOGIN: "Logging in",
    LIST: "A command: list_jobs",
    DELETE: "A command that changes something: delete_job",
    SUBMIT: "submit_job",
    MONITOR: "monitor_job",
    DOWNLOAD: "download_job_result",
}


@dataclasses.dataclass(frozen=True)
class FaultSighting(Sighting):
    """What a client did under a fault.

    Attributes:
        outcome: of the call.
        seconds: how long that took; kept, but another one each time.
        after: what a further command on the same session did, with the fault gone; empty where there is no session.
        sent: how often the command came; not counted where a monitor went on until its time was over.
        jobs: how many jobs more there are.
        left: how much is new in the download folder.
        text: the message, or what was returned: it has ports, ids and paths of the moment in it.
        fired: how often the fault struck.
    """

    seconds: float = dataclasses.field(default=0.0, compare=False)
    after: str = ""
    sent: int = 0
    jobs: int = 0
    left: int = 0
    text: str = passing("")
    fired: int = passing(0)

    @property
    def came_about(self) -> bool:
        """Whether the fault struck."""
        return self.fired > 0


def page(sightings: Sightings[FaultSighting]) -> str:
    """The page."""
    parts = [_HEAD]
    for call, title in _TITLES.items():
        parts.append(f"\n## {title}\n\n| what goes wrong | fault | what official clients do |\n| --- | --- | --- |\n")
        parts += [_row(case, sightings) for case in CASES if case.call == call]
    parts.append(measurements(MODULE, sightings))
    return "".join(parts)


def words(seen: FaultSighting) -> str:
    """What a client did, in words."""
    outcome = {RETURNED: "returns", HUNG: "no answer"}.get(seen.outcome, f"`{seen.outcome}`")
    after = {"": "", RETURNED: "", HUNG: "; then no answer"}.get(seen.after, f"; then `{seen.after}`")
    jobs = {1: "; the job is there", -1: "; the job is gone"}.get(seen.jobs, "")
    left = "; leaves a folder" if seen.left and seen.outcome != RETURNED else ""
    return f"{outcome}{after}{jobs}{left}"


def _row(case: FaultCase, sightings: Sightings[FaultSighting]) -> str:
    how = ", ".join(f"{name}={value!r}" for name, value in case.how.items())
    fault = f"{case.kind}: {how}" if how else case.kind
    return f"| {case.what} | `{fault}` | {cell(OFFICIALS, sightings, case.name, words)} |\n"
