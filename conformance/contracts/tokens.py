"""Submit tokens and studies (releases from 2.8)."""

from __future__ import annotations

import shutil

from hypothesis import strategies as st

from conformance.contract import FROM_28, Level, Observed, contract
from conformance.jobs import JobKind
from conformance.trial import Trial
from conformance.verdicts import same

_SEEN = "2.8.3, 2.9.0"


@contract(
    "TOKEN-SAME-01",
    "The same submission again",
    "submit_job with token and definition of an earlier submission returns the job of that one, and no job more.",
    Observed(_SEEN, "a retry gives the same job id"),
    releases=FROM_28,
)
def same_submission(trial: Trial) -> None:
    name = trial.name(JobKind.WAITING)
    folder, token = str(trial.folder(name=name)), f"token-{name}"
    first = trial.session.call("submit_job", folder, submit_token=token)
    trial.adopt(first)
    same(trial.session.call("submit_job", folder, submit_token=token), first, "the id of the second submission")
    same([job["job_id"] for job in trial.session.call("list_jobs", name_prefix=name)], [first], "the jobs")


@contract(
    "TOKEN-OTHER-01",
    "Another definition under a token",
    "submit_job with a token of an earlier submission, but another definition, raises SubmitTokenConflict.",
    Observed(_SEEN, "submit_token_conflict"),
    releases=FROM_28,
)
def other_definition(trial: Trial) -> None:
    name = trial.name(JobKind.WAITING)
    folder, token = trial.folder(name=name), f"token-{name}"
    trial.adopt(trial.session.call("submit_job", str(folder), submit_token=token))
    (folder / "app" / "config" / "more.json").write_text("{}")
    trial.raises(
        ("SubmitTokenConflict",),
        "a token used twice",
        trial.session.call,
        "submit_job",
        str(folder),
        submit_token=token,
    )


@contract(
    "TOKEN-GONE-01",
    "The token of a deleted job",
    "submit_job and list_jobs with the token of a deleted job raise SubmitTokenJobDeleted; delete_job counts it.",
    Observed(_SEEN, "submit_token_job_deleted; submit_records_marked_deleted is 1"),
    releases=FROM_28,
)
def deleted_job(trial: Trial) -> None:
    name = trial.name(JobKind.WAITING)
    folder, token = str(trial.folder(name=name)), f"token-{name}"
    job_id = trial.session.call("submit_job", folder, submit_token=token)
    expected = {"job_id": job_id, "submit_records_marked_deleted": 1}
    same(trial.session.call("delete_job", job_id), expected, "the result of delete_job")
    for method, arguments in (("submit_job", (folder,)), ("list_jobs", ())):
        trial.raises(
            ("SubmitTokenJobDeleted",),
            f"{method} with the token of a deleted job",
            trial.session.call,
            method,
            *arguments,
            submit_token=token,
        )


@contract(
    "TOKEN-LIST-01",
    "Jobs by token",
    "list_jobs with a token lists the job that was submitted with it, and with an unused one none.",
    Observed(_SEEN, "list_jobs --submit-token"),
    releases=FROM_28,
)
def by_token(trial: Trial) -> None:
    name = trial.name(JobKind.WAITING)
    job_id = trial.session.call("submit_job", str(trial.folder(name=name)), submit_token=f"token-{name}")
    trial.adopt(job_id)
    listed = trial.session.call("list_jobs", submit_token=f"token-{name}")
    same([job["job_id"] for job in listed], [job_id], "the jobs of the token")
    same(trial.session.call("list_jobs", submit_token=f"unused-{name}"), [], "the jobs of an unused token")


@contract(
    "TOKEN-FORM-01",
    "What may be a token",
    "A token that is no text of 1 to 128 letters, digits and ._:- raises InvalidArgumentError, and nothing is sent.",
    Observed(_SEEN, "checked before anything is sent"),
    releases=FROM_28,
    level=Level.SHOULD,
)
def token_form(trial: Trial) -> None:
    folder = str(trial.folder())

    def check(token: object) -> None:
        trial.raises(
            ("InvalidArgumentError",),
            f"submit_job(submit_token={token!r})",
            trial.session.call,
            "submit_job",
            folder,
            submit_token=token,
        )

    wrong = st.sampled_from(["", " ", "a b", "ä", "a/b", "x" * 129, "tab\t", "line\n"])
    trial.forall(check, token=wrong | st.integers(1, 9), examples=10)


@contract(
    "STUDY-NAME-01",
    "What may be a study",
    "A study whose name is not of small letters, digits, _ and - raises ValueError before anything is sent.",
    Observed(_SEEN, "checked by the constructor"),
    releases=FROM_28,
    level=Level.SHOULD,
)
def study_name(trial: Trial) -> None:
    kit = trial.target.kit()
    for name in ("Upper", "a b", "-a", "a-", "", "x" * 64):
        trial.raises(("ValueError",), f"study={name!r}", trial.adapter.open, trial.target.user, kit, study=name)


@contract(
    "STUDY-UNKNOWN-01",
    "A study that the server does not have",
    "Logging in to a study that the server does not have raises AuthenticationError.",
    Observed(_SEEN, "REJECT: AUTH_STUDY_NOT_CONFIGURED"),
    releases=FROM_28,
)
def unknown_study(trial: Trial) -> None:
    trial.raises(
        ("AuthenticationError",),
        "a login to an unknown study",
        trial.adapter.open,
        trial.target.user,
        trial.target.kit(),
        timeout=10.0,
        study="no-such-study",
    )


@contract(
    "DOWN-RUNNING-01",
    "The result of a job that is not over",
    "download_job_result raises JobNotDone for a job that waits.",
    Observed(_SEEN, "job_running; 2.7 downloads whatever is there"),
    releases=FROM_28,
)
def not_over(trial: Trial) -> None:
    trial.raises(
        ("JobNotDone",),
        "download_job_result of a waiting job",
        trial.session.call,
        "download_job_result",
        trial.submit(),
    )


@contract(
    "DOWN-PLACE-01",
    "A folder of the caller's choice",
    "download_job_result with a destination moves the result there and returns its path.",
    Observed(_SEEN, "the folder is made where there is none"),
    releases=FROM_28,
)
def destination(trial: Trial) -> None:
    job_id = trial.submit()
    trial.session.call("abort_job", job_id)
    place = trial.folder().parent / "results" / "of" / "mine"
    location = trial.session.call("download_job_result", job_id, destination=str(place))
    same(location, str(place / job_id), "the result")
    same((place / job_id / "meta.json").is_file(), True, "that meta.json is there")
    shutil.rmtree(place)
