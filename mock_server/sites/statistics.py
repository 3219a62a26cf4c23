"""What simulated machines count in a running job, and what went wrong in it, as far as no scenario says otherwise.

Source: the collectors of every official job (observed: 2.3.12-2.9.0 by source, 2.6.3 and 2.9.0 in a running job).
"""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

from flare_client.protocol.envelope import Json
from flare_client.protocol.jobs import SERVER_SITE
from mock_server.jobs.store import Job

if TYPE_CHECKING:
    from mock_server.context import ServerContext

_TASK = "train"
_CONFIG = "config/config_fed_server.json"


def statistics(context: ServerContext, job: Job, machine: str) -> dict[str, Json]:
    """What a machine counts in a job that runs: by collector, then by name."""
    planned = context.scenario.machine(machine).statistics
    if planned is not None:
        return dict(planned)
    if machine == SERVER_SITE:
        workflow = _workflow(job)
        return {"ServerRunner": {"job_id": job.job_id, "status": "started", "workflow": workflow}}
    if context.profile.sites.task_is_text:
        return {"ClientRunner": {"job_id": job.job_id, "current_task_name": _TASK, "status": "started"}}
    return {"ClientRunner": {"job_id": job.job_id, "current_tasks": [_TASK]}}


def errors(context: ServerContext, job: Job, machine: str) -> dict[str, Json]:
    """What went wrong at a machine since the job began, or since somebody reset it; stages may add to it later."""
    is_reset = (job.job_id, machine) in context.reset_errors
    planned = {} if is_reset else context.scenario.machine(machine).errors
    met = job.errors.get(machine, {})
    return {name: {**planned.get(name, {}), **met.get(name, {})} for name in dict.fromkeys((*planned, *met))}


def _workflow(job: Job) -> str:
    """The id of the first workflow of the server's app, where its configuration names one."""
    try:
        with zipfile.ZipFile(job.definition) as definition:
            config = json.loads(definition.read(f"{job.job_folder}/{job.app_name}/{_CONFIG}"))
        return str(config["workflows"][0]["id"])
    except (KeyError, IndexError, TypeError, ValueError):
        return ""
