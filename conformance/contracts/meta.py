"""The meta of a job."""

from __future__ import annotations

import json

from conformance.contract import Document, Observed, contract
from conformance.jobs import JobKind
from conformance.needs import Need
from conformance.trial import Trial
from conformance.verdicts import holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"

DEFINED = ("name", "resource_spec", "min_clients", "deploy_map")
"""Fields of the definition that its meta keeps as they are."""
KEYS = (
    *DEFINED,
    "submitter_name",
    "submitter_org",
    "submitter_role",
    "job_folder_name",
    "job_id",
    "submit_time",
    "submit_time_iso",
    "start_time",
    "duration",
    "status",
)


@contract(
    "META-KEYS-01",
    "What a meta holds",
    "get_job_meta returns a dict with the definition's fields and those that the server adds at submission.",
    Document("meta"),
    Document("meta.returns"),
    Observed(_SEEN, "the keys of a meta at submission"),
)
def keys(trial: Trial) -> None:
    meta = trial.meta(trial.submit())
    missing = [key for key in KEYS if key not in meta]
    holds(not missing, f"the keys {', '.join(KEYS)}", f"no {', '.join(missing)}")


@contract(
    "META-SAME-01",
    "The definition in the meta",
    "The meta has name, deploy_map, resource_spec and min_clients as the definition gives them, value and type.",
    Document("meta"),
    Observed(_SEEN, "the fields of meta.json"),
)
def defined(trial: Trial) -> None:
    folder = trial.folder()
    definition = json.loads((folder / "meta.json").read_text())
    meta = trial.meta(trial.submit_folder(folder))
    for key in DEFINED:
        value, expected = meta.get(key), definition[key]
        same((value, type(value).__name__), (expected, type(expected).__name__), f"the {key} and its type")


@contract(
    "META-NEW-01",
    "A job that has not started",
    "A job that waits is SUBMITTED, has an empty start_time and the duration N/A.",
    Document("meta.returns"),
    Observed(_SEEN, "the meta right after submission"),
)
def new(trial: Trial) -> None:
    meta = trial.meta(trial.submit())
    same((meta["status"], meta["start_time"], meta["duration"]), ("SUBMITTED", "", "N/A"), "status, start, duration")


@contract(
    "META-END-01",
    "A job that completed",
    "A job that ended well is FINISHED:COMPLETED, with a start_time, a duration and a deploy detail.",
    Document("meta.returns"),
    Observed(_SEEN, "the meta of a finished job"),
    needs=(Need.RUNNING,),
)
def ended(trial: Trial) -> None:
    meta = trial.meta(trial.finished())
    same(meta["status"], "FINISHED:COMPLETED", "the status")
    holds(meta["start_time"] and meta["duration"] != "N/A", "a start_time and a duration", meta)
    holds("server: OK" in meta.get("job_deploy_detail", []), "`server: OK` in the deploy detail", meta)


@contract(
    "META-OUTCOME-01",
    "A job that failed",
    "The meta tells the outcome of a job as the server has it.",
    Document("meta.returns"),
    Observed(_SEEN, "FINISHED:EXECUTION_EXCEPTION and others"),
    needs=(Need.CONTROL,),
)
def outcomes(trial: Trial) -> None:
    for outcome in ("EXECUTION_EXCEPTION", "ABNORMAL", "COMPLETED"):
        scenario = {"jobs": [{"queued": 0, "running": 0, "outcome": outcome}]}
        with trial.own_server(scenario) as server:
            session = trial.adapter.open("admin@nvidia.com", server.kit())
            job_id = session.call("submit_job", str(trial.folder(JobKind.QUICK)))
            same(session.call("get_job_meta", job_id)["status"], f"FINISHED:{outcome}", "the status")
            session.close()
