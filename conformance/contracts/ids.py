"""What every method that takes a job id does with one that names no job."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from conformance.contract import Document, Level, Observed, contract
from conformance.trial import Trial
from conformance.verdicts import same

METHODS = ("get_job_meta", "abort_job", "delete_job", "clone_job", "download_job_result", "monitor_job")
_SEEN = Observed("2.3.12, 2.4.2, 2.5.2, 2.6.3", "the argument is checked before the server is asked")


def _names_no_job(trial: Trial) -> Callable[[str, object], None]:
    def check(method: str, job_id: object) -> None:
        trial.raises(("JobNotFound",), f"{method}({job_id!r})", trial.session.call, method, job_id)

    return check


@contract(
    "ID-MISSING-01",
    "No id",
    "Every method that takes a job id raises JobNotFound for None and for an empty text.",
    Document("meta.job_id"),
    Document("abort.job_id"),
    Document("delete.job_id"),
    Document("clone.job_id"),
    Document("download.job_id"),
    Document("monitor.job_id"),
    _SEEN,
)
def missing(trial: Trial) -> None:
    trial.forall(_names_no_job(trial), method=st.sampled_from(METHODS), job_id=st.sampled_from([None, ""]), examples=12)


@contract(
    "ID-TYPE-01",
    "No text",
    "Every method that takes a job id raises JobNotFound for a value that is no text.",
    _SEEN,
    level=Level.SHOULD,
)
def wrong_type(trial: Trial) -> None:
    values = st.integers(1, 10**6) | st.just([1]) | st.just({"a": 1}) | st.just(1.5)
    trial.forall(_names_no_job(trial), method=st.sampled_from(METHODS), job_id=values)


@contract(
    "ID-UNKNOWN-01",
    "An id of no job",
    "Every method that takes a job id raises JobNotFound for a well-formed id that no job has.",
    _SEEN,
)
def unknown(trial: Trial) -> None:
    for method in METHODS:
        job_id = trial.names.identifier()
        trial.raises(("JobNotFound",), f"{method} of no job", trial.session.call, method, job_id)


@contract(
    "ID-FORM-01",
    "A malformed id",
    "Every method that takes a job id raises JobNotFound for a text that is no id.",
    _SEEN,
)
def malformed(trial: Trial) -> None:
    words = st.text("abcdef0123456789-", min_size=1, max_size=12).filter(lambda word: not word.startswith("-"))
    trial.forall(_names_no_job(trial), method=st.sampled_from(METHODS), job_id=words)


@contract(
    "ID-PREFIX-01",
    "The begin of an id",
    "The begin of an existing job's id names no job.",
    _SEEN,
)
def prefix(trial: Trial) -> None:
    job_id = trial.submit()
    trial.raises(("JobNotFound",), "the first 8 characters", trial.session.call, "get_job_meta", job_id[:8])


@contract(
    "ID-CASE-01",
    "An id in upper case",
    "get_job_meta finds a job whatever the case of its id.",
    _SEEN,
    level=Level.MAY,
)
def upper_case(trial: Trial) -> None:
    job_id = trial.submit()
    found = trial.session.call("get_job_meta", job_id.upper())
    same(found.get("job_id"), job_id, "the job_id")
