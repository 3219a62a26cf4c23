"""``docs/faults.md``: what users of each release see where something goes wrong, out of what was measured."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.lab.fault_cases import CASES, DELETE, DOWNLOAD, LIST, LOGIN, MONITOR, SUBMIT, FaultCase

SIGHTINGS = Path(__file__).with_name("fault_sightings.json")
"""By version, then by case: what the official client of that version did."""
PAGE = Path(__file__).parents[2] / "docs" / "faults.md"

_HEAD = """# What users see where something goes wrong

Every row is a fault of the mock server ([mock-server.md](mock-server.md), the section on faults) and one call of an
official client, measured by `python -m conformance.lab.fault_matrix`, which writes this page. Logins had 3 s to
connect, commands from 2.7 on 1 s (`set_timeout`); "no answer" means that the client did not come back within 12 s (15 s
for a login), and was ended. What holds for all clients is in the contracts `ROBUST-*` ([contracts.md](contracts.md)).
"""
_TITLES = {
    LOGIN: "Logging in",
    LIST: "A command: list_jobs",
    DELETE: "A command that changes something: delete_job",
    SUBMIT: "submit_job",
    MONITOR: "monitor_job",
    DOWNLOAD: "download_job_result",
}


def load() -> dict[str, dict[str, dict[str, Any]]]:
    """What was measured."""
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(SIGHTINGS.read_text(encoding="utf-8"))
    return found


def page(sightings: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The page."""
    parts = [_HEAD]
    for call, title in _TITLES.items():
        rows = [_row(case, sightings) for case in CASES if case.call == call]
        parts.append(f"\n## {title}\n\n| what goes wrong | fault | what official clients do |\n| --- | --- | --- |\n")
        parts += rows
    return "".join(parts)


def words(seen: Mapping[str, Any]) -> str:
    """What a client did, in words."""
    outcome = {"returned": "returns", "hung": "no answer"}.get(seen["outcome"], f"`{seen['outcome']}`")
    after = {
        "": "",
        "returned": "",
        "KeyError": "",
    }.get(seen["after"], f"; then `{seen['after']}`")
    jobs = {1: "; the job is there", -1: "; the job is gone"}.get(seen["jobs"], "")
    left = "; leaves a folder" if seen["left"] and seen["outcome"] != "returned" else ""
    return f"{outcome}{after}{jobs}{left}"


def _row(case: FaultCase, sightings: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    seen = [(version, words(cases[case.name])) for version, cases in sightings.items() if case.name in cases]
    runs = [(text, [version for version, _ in group]) for text, group in itertools.groupby(seen, lambda one: one[1])]
    found = "<br>".join(f"{_span(versions)}: {text}" for text, versions in runs)
    how = ", ".join(f"{name}={value!r}" for name, value in case.how.items())
    fault = f"{case.kind}: {how}" if how else case.kind
    return f"| {case.what} | `{fault}` | {found or 'not measured'} |\n"


def _span(versions: list[str]) -> str:
    return versions[0] if len(versions) == 1 else f"{versions[0]}–{versions[-1]}"  # noqa: RUF001 - a dash between two
