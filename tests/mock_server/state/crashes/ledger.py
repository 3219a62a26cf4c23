"""What a server has told its clients, and what of it must be true of the server that comes after it.

A call that was answered has happened; one that was under way when the server was killed may have, whole or not at all.
"""

from __future__ import annotations

import collections
import dataclasses
import zipfile
from pathlib import Path
from typing import Any

FINISHED = "FINISHED:"
_RANKS = {"SUBMITTED": 0, "DISPATCHED": 1, "RUNNING": 2}
_READS, _SELDOM = 3, 10
"""How often a definition is read after each start; from then on after each so-manieth."""
NONCE = "app/nonce.txt"
"""The file of a definition that tells it from all others."""


@dataclasses.dataclass
class Told:
    """What is known of one job.

    Attributes:
        job_id: its id.
        name: its name.
        nonce: what its definition holds.
        token: the submit token that stands for it.
        status: the last status that a client saw.
        aborted: whether it was aborted.
        fixed: what of its meta never changes, once it was seen.
        doubt: the call about it that got no answer: ``abort`` or ``delete``.
        result: what its result was, once it was downloaded.
        lost: whether it seems to run for ever, because its server was killed.
        reads: how often its definition was read.
    """

    job_id: str
    name: str
    nonce: str
    token: str | None = None
    status: str = "SUBMITTED"
    aborted: bool = False
    fixed: tuple[Any, ...] | None = None
    doubt: str | None = None
    result: str | None = None
    lost: bool = False
    reads: int = 0


@dataclasses.dataclass(frozen=True)
class Doubt:
    """A submission or clone that got no answer.

    Attributes:
        kind: ``submit`` or ``clone``.
        key: the name of the job, or the id of the source.
        nonce: of its definition.
        name: of the job.
        token: the submit token.
    """

    kind: str
    key: str
    nonce: str
    name: str
    token: str | None = None


def _rank(status: str) -> int:
    return _RANKS.get(status, 3)


class Ledger:
    """Everything that clients know.

    Args:
        lost_runs: whether the release leaves a job that ran at a restart as it is.
    """

    def __init__(self, *, lost_runs: bool) -> None:
        self._lost_runs = lost_runs
        self.jobs: dict[str, Told] = {}
        self.deleted: set[str] = set()
        self.doubts: list[Doubt] = []
        self.facts: dict[str, Any] = {}
        """Studies and disabled sites: what is so, by name."""
        self.doubted_facts: dict[str, Any] = {}
        """What may be so as well: a call about it got no answer."""
        self.found: list[str] = []
        """What is wrong."""
        self.counts: collections.Counter[str] = collections.Counter()

    def wrong(self, text: str) -> None:
        """Note that something is not as it must be."""
        self.found.append(text)

    def forget(self, told: Told) -> None:
        """A job is deleted, as its client was told."""
        self.deleted.add(told.job_id)
        self.jobs.pop(told.job_id, None)

    # --- after a restart --------------------------------------------------------------------------------------

    def check_metas(self, metas: list[dict[str, Any]]) -> None:
        """Compare all jobs of the new server with what clients of the old one know."""
        there = {str(meta["job_id"]): meta for meta in metas}
        if len(there) != len(metas):
            self.wrong("a job is listed twice")
        for told in list(self.jobs.values()):
            meta = there.get(told.job_id)
            if meta is not None:
                self._check_meta(told, meta)
            elif told.doubt == "delete":
                self.counts["a deletion without an answer had happened"] += 1
                self.forget(told)
            else:
                self.wrong(f"job {told.job_id} ({told.name}) is gone; it was {told.status}")
                self.jobs.pop(told.job_id)
        for job_id in self.deleted & set(there):
            self.wrong(f"job {job_id} was deleted, and is there again")
        for job_id in set(there) - set(self.jobs) - self.deleted:
            self._adopt(there[job_id])
        for doubt in self.doubts:
            self.counts[f"a {doubt.kind} without an answer had not happened"] += 1
        self.doubts.clear()

    def _adopt(self, meta: dict[str, Any]) -> None:
        """Take in a job that nobody was told of: somebody must have asked for it."""
        keys = (("submit", meta["name"]), ("clone", meta.get("cloned_from")))
        doubt = next((one for one in self.doubts if (one.kind, one.key) in keys), None)
        if doubt is None:
            self.wrong(f"job {meta['job_id']} ({meta['name']}) is there, and nobody asked for it")
            return
        self.doubts.remove(doubt)
        self.counts[f"a {doubt.kind} without an answer had happened"] += 1
        told = Told(str(meta["job_id"]), doubt.name, doubt.nonce, doubt.token)
        self.jobs[told.job_id] = told
        self._check_meta(told, meta)

    def _check_meta(self, told: Told, meta: dict[str, Any]) -> None:
        self.counts["jobs compared"] += 1
        status, before = str(meta["status"]), told.status
        fixed = tuple(meta.get(key) for key in ("name", "submit_time", "submitter_name", "cloned_from", "deploy_map"))
        if fixed[0] != told.name or (told.fixed is not None and fixed != told.fixed):
            self.wrong(f"the meta of job {told.job_id} was {told.fixed or told.name}, and is {fixed}")
        told.fixed = fixed
        if before.startswith(FINISHED) and status != before:
            self.wrong(f"job {told.job_id} was {before}, and is {status}")
        elif _rank(status) < _rank(before):
            self.wrong(f"job {told.job_id} was {before} already, and is {status}")
        elif told.aborted and not status.startswith(FINISHED):
            self.wrong(f"job {told.job_id} was aborted, and is {status}")
        elif before == "RUNNING" and not (status.startswith(FINISHED) or self._lost_runs):
            self.wrong(f"job {told.job_id} ran when its server was killed, and is {status} without an end")
        if told.doubt == "abort":
            happened = "had" if status == "FINISHED:ABORTED" else "had not"
            self.counts[f"an abort without an answer {happened} happened"] += 1
        if told.doubt == "delete":
            self.counts["a deletion without an answer had not happened"] += 1
        told.status, told.doubt = status, None
        told.lost = self._lost_runs and status in ("DISPATCHED", "RUNNING") and before == status

    def check_files(self, root: Path) -> None:
        """Compare the folders of jobs on disk with the jobs: each has its own definition, and none is nobody's."""
        folders = {path.name for path in root.iterdir()}
        if folders != set(self.jobs):
            self.wrong(
                f"folders without a job: {folders - set(self.jobs)}, without a folder: {set(self.jobs) - folders}"
            )
        for told in self.jobs.values():
            told.reads += 1
            if told.reads > _READS and told.reads % _SELDOM:
                continue  # those that are lost for ever become many
            self.counts["definitions read"] += 1
            try:
                with zipfile.ZipFile(root / told.job_id / "job.zip") as archive:
                    name = next(name for name in archive.namelist() if name.endswith(NONCE))
                    nonce = archive.read(name).decode("utf-8")
            except (OSError, zipfile.BadZipFile, StopIteration) as problem:
                self.wrong(f"the definition of job {told.job_id}: {type(problem).__name__}: {problem}")
                continue
            if nonce != told.nonce:
                self.wrong(f"job {told.job_id} has the definition {nonce}, and was submitted with {told.nonce}")

    def check_fact(self, name: str, value: Any) -> None:
        """Compare a study or a site with what was said of it."""
        self.counts["studies and sites compared"] += 1
        if value != self.facts[name] and not (name in self.doubted_facts and value == self.doubted_facts[name]):
            self.wrong(f"{name} is {value}, but was {self.facts[name]}")
        self.facts[name] = value
        self.doubted_facts.pop(name, None)
