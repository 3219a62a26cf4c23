"""Jobs as texts that can be stored, and back. Knows nothing of where they are stored."""

from __future__ import annotations

import collections
import hashlib
import json
from pathlib import Path
from typing import Any

from flare_client.protocol.jobs import JobStatus
from mock_server.jobs.store import Again, Job, Submitter
from mock_server.scenarios.jobs import Plan
from mock_server.scenarios.results import ResultSpec

_OWN = Path()
"""Stands for the definition that jobs of the server itself share; where it is, the server of the day says."""


def plan_text(plan: Plan) -> tuple[str, str]:
    """A plan as a name, which is the same for equal plans, and a text."""
    text = plan.model_dump_json(by_alias=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest(), text


def read_plan(text: str) -> Plan:
    """Read a plan.

    Raises:
        ValueError: the text is none.
    """
    return Plan.model_validate_json(text)


def job_text(job: Job, plan: str) -> str:
    """A job as a text.

    Args:
        job: the job.
        plan: the name of its plan.
    """
    submitter = job.submitter
    return json.dumps(
        {
            "folder": job.folder.name,
            "submitter": [submitter.name, submitter.org, submitter.role],
            "meta": job.meta,
            "status": job.status.value,
            "started": job.started,
            "ended": job.ended,
            "run_sites": job.run_sites,
            "saved": job.is_saved,
            "sequence": job.sequence,
            "plan": plan,
            "taken": {str(index): count for index, count in job.taken.items()},
            "result": None if job.result is job.plan.result else job.result.model_dump(mode="json"),
            "logs": job.logs,
            "errors": job.errors,
            "own": job.own_definition is not None,
            "planned": None if job.planned is None else [job.planned[0], _due_text(job.planned[1])],
        },
        separators=(",", ":"),
    )


def read_job(job_id: str, text: str, plans: dict[str, Plan], root: Path) -> Job:
    """Read a job.

    Args:
        job_id: its id.
        text: as ``job_text`` made it.
        plans: every plan by its name.
        root: the folder that the folders of jobs are in.

    Raises:
        ValueError: the text is no job.
    """
    try:
        return _read_job(job_id, json.loads(text), plans, root)
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        raise ValueError(f"expected the record of job {job_id}, but {type(problem).__name__}: {problem}") from problem


def _read_job(job_id: str, record: dict[str, Any], plans: dict[str, Plan], root: Path) -> Job:
    plan, planned, result = plans[record["plan"]], record["planned"], record["result"]
    return Job(
        job_id,
        Submitter(*record["submitter"]),
        record["meta"],
        root / record["folder"],
        status=JobStatus(record["status"]),
        started=record["started"],
        ended=record["ended"],
        run_sites=record["run_sites"],
        is_saved=record["saved"],
        sequence=record["sequence"],
        plan=plan,
        taken=collections.Counter({int(index): count for index, count in record["taken"].items()}),
        result=plan.result if result is None else ResultSpec.model_validate(result),
        logs=record["logs"],
        errors=record["errors"],
        own_definition=_OWN if record["own"] else None,
        planned=None if planned is None else (planned[0], _read_due(planned[1])),
    )


def _due_text(due: int | Again) -> int | str:
    return due.value if isinstance(due, Again) else due


def _read_due(due: int | str) -> int | Again:
    return Again(due) if isinstance(due, str) else due
