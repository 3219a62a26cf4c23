"""Sessions beside each other and after each other, and how arguments may be given."""

from __future__ import annotations

import os
from pathlib import Path

from conformance.contract import FROM_28, SOCKET_RELEASES, Document, Level, Observed, contract
from conformance.jobs import JobKind
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.trial import Trial
from conformance.verdicts import holds, same

_ALL = "2.3.12, 2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0"
_LATE = "2.8.3, 2.9.0"


@contract(
    "CONN-TYPE-01",
    "A user name that is no text",
    "A user name that is no text raises AssertionError before any server is looked for.",
    Document("session.username"),
    Observed(_ALL, "username must be str"),
    level=Level.SHOULD,
)
def no_text(trial: Trial) -> None:
    for user in (None, 5, ["admin"]):
        trial.raises(("AssertionError",), f"the user name {user!r}", trial.adapter.open, user, trial.target.kit())


@contract(
    "CONN-TIMEOUT-07",
    "Whole and broken seconds",
    "The timeout of a connection may be an int or a float.",
    Document("secure.timeout"),
    Document("try_connect"),
    Observed(_ALL, "any number"),
)
def any_number(trial: Trial) -> None:
    for timeout in (15, 15.5):
        session = trial.adapter.open(trial.target.user, trial.target.kit(), timeout=timeout)
        same(session.call("try_connect", timeout), None, f"the result of try_connect({timeout!r})")
        session.close()


@contract(
    "CONN-PATH-01",
    "A kit by a relative path",
    "The location of a kit may be relative to the working directory.",
    Document("secure.kit"),
    Observed(_ALL, "any path of a folder"),
)
def relative_kit(trial: Trial) -> None:
    kit = Path(os.path.relpath(trial.target.kit()))
    session = trial.adapter.open(trial.target.user, kit, timeout=15.0)
    folder = trial.folder()
    job_id = session.call("submit_job", str(folder))
    trial.adopt(job_id)
    same(session.call("get_job_meta", job_id)["job_folder_name"], folder.name, "the job_folder_name")
    session.close()


@contract(
    "CONN-TWO-01",
    "Two sessions of one user",
    "Two sessions of one user work beside each other, and closing one leaves the other as it is.",
    Document("secure.returns"),
    Document("close"),
    Observed(_ALL, "each session has a token of its own"),
)
def two_sessions(trial: Trial) -> None:
    with trial.own_session() as one, trial.own_session() as other:
        job_id = one.call("submit_job", str(trial.folder()))
        trial.adopt(job_id)
        same(other.call("get_job_meta", job_id)["job_id"], job_id, "the job of one session, seen in the other")
        one.close()
        same(other.call("get_job_meta", job_id)["job_id"], job_id, "the job, once the first session is closed")
        trial.raises(("SessionClosed",), "list_jobs of the closed session", one.call, "list_jobs")


@contract(
    "CONN-TWO-02",
    "Two users",
    "Sessions of two users in one program are two users: each job belongs to the user of its session.",
    Document("secure.username"),
    Observed(_ALL, "submitter_name is the name in the certificate"),
    needs=(Need.CONTROL,),
)
def two_users(trial: Trial) -> None:
    with trial.own_server() as server:
        users = ("one@nvidia.com", "two@nvidia.com")
        kits = [server.kit(user, role="lead") for user in users]
        sessions = [trial.adapter.open(user, kit) for user, kit in zip(users, kits, strict=True)]
        jobs = [session.call("submit_job", str(trial.folder())) for session in (*sessions, *sessions)]
        owners = [sessions[0].call("get_job_meta", job)["submitter_name"] for job in jobs]
        same(owners, [*users, *users], "the submitters")
        for session in sessions:
            session.close()


@contract(
    "CLOSE-NEW-01",
    "A session after a closed one",
    "After close a new session of the same kit works, and knows the jobs of before.",
    Document("close"),
    Document("secure.returns"),
    Observed(_ALL, "a session is not tied to the one before"),
)
def new_session(trial: Trial) -> None:
    with trial.own_session() as first:
        job_id = first.call("submit_job", str(trial.folder()))
        trial.adopt(job_id)
    with trial.own_session() as second:
        same(second.call("get_job_meta", job_id)["status"], "SUBMITTED", "the status of the job in a new session")


@contract(
    "CLOSE-JOB-01",
    "Jobs outlive their session",
    "Closing a session neither aborts nor holds up its jobs.",
    Document("close"),
    Observed(_ALL, "the job runs on"),
    needs=(Need.RUNNING,),
)
def jobs_go_on(trial: Trial) -> None:
    with trial.own_session() as session:
        job_id = session.call("submit_job", str(trial.folder(JobKind.QUICK)))
        trial.adopt(job_id)
    trial.until(job_id, "FINISHED")
    same(trial.status(job_id), "FINISHED:COMPLETED", "the status of the job")


@contract(
    "ARG-NAME-01",
    "Arguments by their names",
    "Every argument may be given by the name that the document has for it.",
    Document("submit.path"),
    Document("meta.job_id"),
    Document("monitor.job_id"),
    Document("clone.job_id"),
    Document("abort.job_id"),
    Document("delete.job_id"),
    Document("download.job_id"),
    Document("try_connect"),
)
def by_name(trial: Trial) -> None:
    session = trial.session
    session.call("try_connect", timeout=5.0)
    job_id = session.call("submit_job", job_definition_path=str(trial.folder()))
    trial.adopt(job_id)
    same(session.call("get_job_meta", job_id=job_id)["job_id"], job_id, "the job_id of get_job_meta")
    listed = session.call("list_jobs", detailed=False, limit=1, id_prefix=job_id, name_prefix="waiting", reverse=True)
    same([job["job_id"] for job in listed], [job_id], "the jobs of list_jobs")
    code = session.call("monitor_job", job_id=job_id, timeout=0.02, poll_interval=0.01, cb=None)
    same(getattr(code, "name", code), "TIMEOUT", "the result of monitor_job")
    trial.adopt(session.call("clone_job", job_id=job_id))
    session.call("abort_job", job_id=job_id)
    location = session.call("download_job_result", job_id=job_id)
    holds(isinstance(location, str) and Path(location).is_dir(), "the folder of the result", location)
    session.call("delete_job", job_id=job_id)
    trial.raises(("JobNotFound",), "get_job_meta of the deleted job", session.call, "get_job_meta", job_id=job_id)


@contract(
    "ARG-PLACE-01",
    "Arguments by their places",
    "The arguments of list_jobs and monitor_job may be given by place, in the order of the document.",
    Document("list.detailed"),
    Document("list.limit"),
    Document("list.id_prefix"),
    Document("list.name_prefix"),
    Document("list.reverse"),
    Document("monitor.timeout"),
    Document("monitor.poll_interval"),
)
def by_place(trial: Trial) -> None:
    name = trial.name(JobKind.WAITING)
    first = trial.submit(JobKind.WAITING, f"{name}-1")
    second = trial.submit(JobKind.WAITING, f"{name}-2")
    found = trial.session.call("list_jobs", False, None, None, name, True)
    same([job["job_id"] for job in found], [second, first], "list_jobs(False, None, None, NAME, True)")
    found = trial.session.call("list_jobs", True, 1, first, name)
    same([job.get("name") for job in found], [f"{name}-1"], "list_jobs(True, 1, ID, NAME)")
    code = trial.session.call("monitor_job", first, 0.02, 0.01)
    same(getattr(code, "name", code), "TIMEOUT", "the result of monitor_job(ID, 0.02, 0.01)")


STUDY = {"studies": [{"name": "trial-7", "sites": {"nvidia": ["site-1", "site-2"]}, "users": [ADMIN]}]}


@contract(
    "STUDY-JOB-01",
    "Jobs of a study",
    "A job that is submitted in a study bears its name in the meta, and one of the default study that of the default.",
    Observed(_LATE, "study in the meta"),
    releases=FROM_28,
    needs=(Need.CONTROL,),
)
def study_of_job(trial: Trial) -> None:
    with trial.own_server(STUDY) as server:
        inside = trial.adapter.open(ADMIN, server.kit(), study="trial-7")
        outside = trial.adapter.open(ADMIN, server.kit())
        for session, expected in ((inside, "trial-7"), (outside, "default")):
            meta = session.call("get_job_meta", session.call("submit_job", str(trial.folder())))
            same(meta.get("study"), expected, "the study of the job")
        inside.close()
        outside.close()


@contract(
    "STUDY-LIST-01",
    "What a study shows",
    "A session sees the jobs of its own study alone: others are neither listed nor found.",
    Observed(_LATE, "session-scoped job listing"),
    releases=FROM_28,
    needs=(Need.CONTROL,),
)
def jobs_of_study(trial: Trial) -> None:
    with trial.own_server(STUDY) as server:
        inside = trial.adapter.open(ADMIN, server.kit(), study="trial-7")
        outside = trial.adapter.open(ADMIN, server.kit())
        jobs = [session.call("submit_job", str(trial.folder())) for session in (inside, outside)]
        for session, own, other in ((inside, jobs[0], jobs[1]), (outside, jobs[1], jobs[0])):
            same([job["job_id"] for job in session.call("list_jobs")], [own], "the jobs of the session's study")
            trial.raises(("JobNotFound",), "get_job_meta of another study's job", session.call, "get_job_meta", other)
        inside.close()
        outside.close()


@contract(
    "STUDY-USER-01",
    "A user who is not of the study",
    "Logging in to a study raises AuthenticationError for a user who does not take part in it.",
    Observed(_LATE, "REJECT: the role alone admits nobody"),
    releases=FROM_28,
    needs=(Need.CONTROL,),
)
def not_of_study(trial: Trial) -> None:
    with trial.own_server(STUDY) as server:
        kit = server.kit("lead@nvidia.com", role="lead")
        user = "lead@nvidia.com"
        trial.raises(("AuthenticationError",), "a login to a study", trial.adapter.open, user, kit, study="trial-7")


@contract(
    "LIST-STUDY-01",
    "The study in the list",
    "Each entry of a list names the study of its job.",
    Observed(_LATE, "study: default"),
    releases=FROM_28,
    level=Level.SHOULD,
)
def study_in_list(trial: Trial) -> None:
    job_id = trial.submit()
    (entry,) = trial.session.call("list_jobs", id_prefix=job_id)
    same(entry.get("study"), "default", "the study of the entry")
    same(trial.meta(job_id).get("study"), "default", "the study in the meta")


@contract(
    "CONN-AGAIN-02",
    "try_connect with no time, connected",
    "try_connect(0) on a session that is connected returns: there is nothing to wait for.",
    Document("try_connect"),
    Observed("2.3.12, 2.4.2, 2.5.2, 2.6.3", "whether the session is ready is asked first"),
    releases=SOCKET_RELEASES,
    level=Level.MAY,
)
def no_time_connected(trial: Trial) -> None:
    with trial.own_session() as session:
        for timeout in (0, -1):
            same(session.call("try_connect", timeout), None, f"the result of try_connect({timeout})")
        session.call("list_jobs", limit=1)
