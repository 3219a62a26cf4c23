"""Submitting a job: what is accepted, what is refused, and that a refusal leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from conformance.contract import Document, Level, Observed, contract
from conformance.jobs import JobKind, edit_meta
from conformance.needs import Need
from conformance.trial import Trial
from conformance.verdicts import holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"


@contract(
    "SUB-OK-01",
    "A definition is accepted",
    "submit_job sends a job definition and returns the id under which the server knows the job.",
    Document("submit"),
    Document("submit.path"),
    Document("submit.returns"),
)
def accepted(trial: Trial) -> None:
    name = trial.name(JobKind.WAITING)
    job_id = trial.submit(JobKind.WAITING, name)
    meta = trial.meta(job_id)
    same(meta.get("job_id"), job_id, "the job_id in the meta")
    same(meta.get("name"), name, "the name in the meta")
    same(meta.get("job_folder_name"), name, "the job_folder_name in the meta")
    jobs = [job["job_id"] for job in trial.session.call("list_jobs", name_prefix=name)]
    same(jobs, [job_id], "the jobs of that name")


@contract(
    "SUB-USER-01",
    "Whose job it is",
    "A submitted job belongs to the user of the session.",
    Document("submit"),
    Observed(_SEEN, "submitter_name is the name in the certificate"),
)
def submitter(trial: Trial) -> None:
    same(trial.meta(trial.submit()).get("submitter_name"), trial.target.user, "the submitter_name")


@contract(
    "SUB-SLASH-01",
    "A path that ends with a slash",
    "A slash at the end of the path makes no difference.",
    Observed(_SEEN, "the slash is dropped"),
)
def trailing_slash(trial: Trial) -> None:
    folder = trial.folder()
    job_id = trial.session.call("submit_job", f"{folder}/")
    same(trial.meta(job_id).get("job_folder_name"), folder.name, "the job_folder_name")


@contract(
    "SUB-UPLOAD-01",
    "A path below the upload folder",
    "A relative path is looked up in the upload folder of the kit.",
    Document("submit.path"),
    Observed(_SEEN, "found in upload_dir"),
    level=Level.SHOULD,
)
def upload_folder(trial: Trial) -> None:
    folder = trial.folder()
    target = trial.target.kit() / "transfer" / folder.name
    folder.rename(target)
    try:
        job_id = trial.session.call("submit_job", folder.name)
    finally:
        target.rename(folder)
    same(trial.meta(job_id).get("job_folder_name"), folder.name, "the job_folder_name")


@contract(
    "SUB-ARG-01",
    "A path that is none",
    "submit_job raises InvalidJobDefinition for None, an empty text, a value that is no text and a path of no folder.",
    Document("submit.fails"),
    Observed(_SEEN, "found without the server"),
)
def bad_path(trial: Trial) -> None:
    def check(path: object) -> None:
        trial.raises(("InvalidJobDefinition",), f"submit_job({path!r})", trial.session.call, "submit_job", path)

    paths: list[Any] = [None, "", "/no/such/folder", "no-such-folder", str(Path(__file__))]
    trial.forall(check, path=st.sampled_from(paths) | st.integers(1, 99) | st.just(["x"]))


def _without(path: str) -> Callable[[Path], None]:
    return lambda folder: (folder / path).unlink()


def _meta(**keys: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        edit_meta(folder, **keys)

    return change


BROKEN: dict[str, Callable[[Path], None]] = {
    "no meta.json": _without("meta.json"),
    "no deploy_map": _meta(deploy_map=None),
    "a deploy_map without sites": _meta(deploy_map={"app": []}),
    "@ALL beside another site": _meta(deploy_map={"app": ["@ALL", "site-1"]}),
    "no server in the deploy_map": _meta(deploy_map={"app": ["site-1"]}),
    "a site twice": _meta(deploy_map={"app": ["server", "site-1", "site-1"]}),
    "an app that is not there": _meta(deploy_map={"other": ["@ALL"]}),
    "no server configuration": _without("app/config/config_fed_server.json"),
    "no client configuration": _without("app/config/config_fed_client.json"),
    "min_clients 0": _meta(min_clients=0),
    "min_clients over a million": _meta(min_clients=1_000_001),
    "min_clients that is no number": _meta(min_clients="abc"),
    "more min_clients than sites": _meta(min_clients=3, deploy_map={"app": ["server", "site-1"]}),
    "a resource_spec that is no object": _meta(resource_spec="abc"),
    "a mandatory client that is not deployed": _meta(
        min_clients=1, deploy_map={"app": ["server", "site-1"]}, mandatory_clients=["site-9"]
    ),
}


@contract(
    "SUB-REJECT-01",
    "A definition that is refused",
    "submit_job raises InvalidJobDefinition for a definition that the server refuses, and no job comes of it.",
    Document("submit.fails"),
    Observed(_SEEN, "the rejections of the server's validator"),
)
def refused(trial: Trial) -> None:
    def check(fault: str) -> None:
        folder = trial.folder()
        BROKEN[fault](folder)
        trial.raises(("InvalidJobDefinition",), f"a job with {fault}", trial.session.call, "submit_job", str(folder))
        left = trial.session.call("list_jobs", name_prefix=folder.name)
        same(left, [], f"the jobs after one with {fault} was refused")

    trial.forall(check, fault=st.sampled_from(sorted(BROKEN)))


@contract(
    "SUB-TWICE-01",
    "The same definition again",
    "Submitting the same folder twice gives two jobs.",
    Document("submit"),
    Observed(_SEEN, "each submission has an id of its own"),
)
def twice(trial: Trial) -> None:
    folder = str(trial.folder())
    first, second = trial.session.call("submit_job", folder), trial.session.call("submit_job", folder)
    holds(first != second, "two different ids", (first, second))


@contract(
    "SUB-ROLE-01",
    "A user who may not submit",
    "submit_job raises AuthorizationError for a user whose role may not submit.",
    Document("submit.fails"),
    Observed(_SEEN, "member and org_admin are refused, lead and project_admin are not"),
    needs=(Need.CONTROL,),
)
def roles(trial: Trial) -> None:
    with trial.own_server() as server:
        for role, may in (("member", False), ("org_admin", False), ("lead", True), ("project_admin", True)):
            user = f"{role}@nvidia.com"
            session = trial.adapter.open(user, server.kit(user, role=role))
            folder = str(trial.folder())
            if may:
                holds(session.call("submit_job", folder), f"a {role} to submit", "no id")
            else:
                trial.raises(("AuthorizationError",), f"submit_job of a {role}", session.call, "submit_job", folder)
            session.close()
