"""Probes of the checks at submission: each definition of ``folders.py``, and the meta of what is accepted."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.lab.fidelity.folders import CHECKED
from conformance.lab.fidelity.probe import LOOKED_AT, Chapter, Folder, Job, Probe, probe


def _checks() -> Iterator[Probe]:
    for one in CHECKED:
        until = LOOKED_AT if one.waits else ""
        yield Probe("submit_job", (Folder(one.name),), makes=one.name, until=until)
        if one.waits:
            yield probe("get_job_meta", Job(one.name))
            yield probe("delete_job", Job(one.name))


DEFINITIONS = Chapter(
    "definitions", "definitions are submitted, most of which are wrong in one point", tuple(_checks())
)
