"""Lists of jobs: which jobs, in which order, in which detail."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from conformance.contract import Document, Level, Observed, contract
from conformance.jobs import JobKind
from conformance.trial import Trial
from conformance.verdicts import holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
SUMMARY_KEYS = {"job_id", "job_name", "status", "submit_time", "duration"}


def _jobs(trial: Trial, count: int = 4) -> tuple[str, list[str]]:
    """Jobs with a prefix of their own, and that prefix; so that other jobs on the server do not matter."""
    prefix = f"waiting-{trial.names.word()}-"
    return prefix, [trial.submit(JobKind.WAITING, f"{prefix}Job{number}") for number in range(count)]


def _ids(trial: Trial, **options: Any) -> list[str]:
    found = trial.session.call("list_jobs", **options)
    holds(isinstance(found, list), "a list of jobs", found)
    return [job["job_id"] for job in found]


@contract(
    "LIST-SUMMARY-01",
    "A short list",
    "list_jobs returns a list of dicts with job_id, job_name, status, submit_time and duration.",
    Document("list"),
    Document("list.returns"),
    Observed(_SEEN, "a list, where the document says a dict"),
)
def summary(trial: Trial) -> None:
    name = trial.name(JobKind.WAITING)
    job_id = trial.submit(JobKind.WAITING, name)
    (entry,) = trial.session.call("list_jobs", name_prefix=name)
    holds(set(entry) >= SUMMARY_KEYS, f"the keys {sorted(SUMMARY_KEYS)}", sorted(entry))
    same((entry["job_id"], entry["job_name"], entry["status"]), (job_id, name, "SUBMITTED"), "id, name and status")


@contract(
    "LIST-DETAIL-01",
    "A detailed list",
    "With detailed=True, list_jobs returns the whole metas.",
    Document("list.detailed"),
)
def detailed(trial: Trial) -> None:
    name = trial.name(JobKind.WAITING)
    job_id = trial.submit(JobKind.WAITING, name)
    (entry,) = trial.session.call("list_jobs", detailed=True, name_prefix=name)
    same((entry.get("job_id"), entry.get("name")), (job_id, name), "job_id and name")
    holds("deploy_map" in entry and "job_name" not in entry, "a meta, not a summary", sorted(entry))


@contract(
    "LIST-ORDER-01",
    "The order",
    "Jobs are listed by the time of submission, oldest first; with reverse=True newest first.",
    Document("list.reverse"),
    Observed(_SEEN, "ascending submit_time"),
)
def order(trial: Trial) -> None:
    prefix, ids = _jobs(trial)
    same(_ids(trial, name_prefix=prefix), ids, "the order")
    same(_ids(trial, name_prefix=prefix, reverse=True), ids[::-1], "the reverse order")


@contract(
    "LIST-LIMIT-01",
    "Which jobs a limit keeps",
    "With a limit, list_jobs returns the newest so many jobs, in the order asked for.",
    Document("list.limit"),
    Observed(_SEEN, "the last N of the ascending list, the first N of the descending one"),
)
def limit(trial: Trial) -> None:
    prefix, ids = _jobs(trial)

    def check(most: int, reverse: bool) -> None:
        newest = ids[-most:]
        expected = newest[::-1] if reverse else newest
        same(_ids(trial, name_prefix=prefix, limit=most, reverse=reverse), expected, f"the newest {most}")

    trial.forall(check, most=st.integers(1, 7), reverse=st.booleans())


@contract(
    "LIST-LIMIT-02",
    "No limit",
    "With a limit of 0 or None, list_jobs returns every job.",
    Document("list.limit"),
)
def no_limit(trial: Trial) -> None:
    prefix, ids = _jobs(trial)
    for most in (0, None):
        same(_ids(trial, name_prefix=prefix, limit=most), ids, f"the jobs with limit={most}")


@contract(
    "LIST-LIMIT-03",
    "A negative limit",
    "A negative limit leaves out so many of the oldest jobs.",
    Observed(_SEEN, "-1 of 4 leaves 3: the limit is used as a slice"),
    level=Level.MAY,
)
def negative_limit(trial: Trial) -> None:
    prefix, ids = _jobs(trial)
    same(_ids(trial, name_prefix=prefix, limit=-1), ids[1:], "the jobs with limit=-1")
    same(_ids(trial, name_prefix=prefix, limit=-1, reverse=True), ids[:0:-1], "the jobs with limit=-1 in reverse")


@contract(
    "LIST-LAW-01",
    "All arguments together",
    "A list holds the jobs that fit every prefix, of those the newest so many, in the order and detail asked for.",
    Document("list"),
    Document("list.limit"),
    Document("list.detailed"),
    Document("list.reverse"),
    Observed(_SEEN, "filters are ANDed, the limit counts what is left of them, the order comes last"),
)
def together(trial: Trial) -> None:
    prefix = f"waiting-{trial.names.word()}-"
    # The newest ones fit no narrower prefix: a limit that is applied before the filters keeps the wrong jobs.
    names = [f"{prefix}{tail}" for tail in ("a1", "b1", "a2", "b2", "a3", "c1", "c2")]
    jobs = [(trial.submit(JobKind.WAITING, name), name) for name in names]

    def check(tail: str, case: int, of: int | None, most: int | None, reverse: bool, detailed: bool) -> None:
        id_prefix = None if of is None else _mix_case(jobs[of][0][:20], case)
        fitting = [
            (job_id, name)
            for job_id, name in jobs
            if name.startswith(prefix + tail) and (of is None or job_id.startswith(jobs[of][0][:20]))
        ]
        kept = fitting[-most:] if most else fitting
        entries = trial.session.call(
            "list_jobs",
            detailed=detailed,
            limit=most,
            id_prefix=id_prefix,
            name_prefix=_mix_case(prefix + tail, case),
            reverse=reverse,
        )
        found = [(entry.get("job_id"), entry.get("name" if detailed else "job_name")) for entry in entries]
        same(found, kept[::-1] if reverse else kept, "the ids and names")

    trial.forall(
        check,
        # Three fit, older than two that do not; two of them are asked for.
        always=[{"tail": "a", "case": 0, "of": None, "most": 2, "reverse": True, "detailed": True}],
        tail=st.sampled_from(["", "a", "b", "a2", "c", "d"]),
        case=st.integers(0, 2**20 - 1),
        of=st.none() | st.integers(0, 6),
        most=st.none() | st.integers(0, 8),
        reverse=st.booleans(),
        detailed=st.booleans(),
    )


def _mix_case(text: str, pattern: int) -> str:
    return "".join(c.upper() if pattern >> i & 1 else c.lower() for i, c in enumerate(text))


@contract(
    "LIST-NAME-01",
    "Jobs by the begin of their name",
    "name_prefix keeps the jobs whose name begins so, whatever the case.",
    Document("list.name_prefix"),
    Observed(_SEEN, "compared in lower case"),
)
def name_prefix(trial: Trial) -> None:
    prefix, ids = _jobs(trial, 3)
    other = trial.submit(JobKind.WAITING, f"waiting-{trial.names.word()}-other")

    def check(length: int, case: int) -> None:
        wanted = _mix_case(f"{prefix}Job"[:length], case)
        found = _ids(trial, name_prefix=wanted)
        same(found, ids, f"the jobs with name_prefix={wanted!r}")
        holds(other not in found, "no job of another name", found)

    trial.forall(check, length=st.integers(14, 18), case=st.integers(0, 2**18 - 1))


@contract(
    "LIST-NAME-02",
    "A name that only holds the prefix",
    "name_prefix looks at the begin of the name alone.",
    Document("list.name_prefix"),
)
def name_inside(trial: Trial) -> None:
    prefix, _ = _jobs(trial, 1)
    same(_ids(trial, name_prefix=prefix[3:]), [], "the jobs whose name begins with a later part of it")


@contract(
    "LIST-ID-01",
    "Jobs by the begin of their id",
    "id_prefix keeps the jobs whose id begins so, whatever the case.",
    Document("list.id_prefix"),
    Observed(_SEEN, "compared in lower case"),
)
def id_prefix(trial: Trial) -> None:
    job_id = trial.submit()

    def check(length: int, case: int) -> None:
        found = _ids(trial, id_prefix=_mix_case(job_id[:length], case))
        same(found, [job_id], f"the jobs with the first {length} characters of an id")

    trial.forall(check, length=st.integers(13, 36), case=st.integers(0, 2**36 - 1))


@contract(
    "LIST-BOTH-01",
    "Both prefixes",
    "A job must fit both prefixes where both are given.",
    Document("list.id_prefix"),
    Document("list.name_prefix"),
)
def both(trial: Trial) -> None:
    prefix, ids = _jobs(trial, 2)
    same(_ids(trial, name_prefix=prefix, id_prefix=ids[1]), [ids[1]], "the job that fits both")
    same(_ids(trial, name_prefix=f"{prefix}Job0", id_prefix=ids[1]), [], "the jobs that fit both")


@contract(
    "LIST-NONE-01",
    "No job fits",
    "list_jobs returns an empty list where no job fits.",
    Document("list.returns"),
    Observed(_SEEN, "an empty list"),
)
def nothing(trial: Trial) -> None:
    trial.submit()
    same(_ids(trial, name_prefix=f"none-{trial.names.identifier()}"), [], "the jobs of a name that none has")


@contract(
    "LIST-ARG-01",
    "Arguments of the wrong type",
    "list_jobs raises ValueError for an argument of the wrong type.",
    Document("list.detailed"),
    Observed(_SEEN, "found without the server"),
    level=Level.SHOULD,
)
def wrong_types(trial: Trial) -> None:
    wrong: dict[str, list[Any]] = {
        "detailed": ["yes", 1, 0],
        "reverse": [1, "no"],
        "limit": ["2", 1.5, [1]],  # 1.0 is a whole number where a language has but one kind of them
        "id_prefix": [3, ["a"]],
        "name_prefix": [3, 1.5],
    }
    for name, values in wrong.items():
        for value in values:
            trial.raises(
                ("ValueError",), f"list_jobs({name}={value!r})", trial.session.call, "list_jobs", **{name: value}
            )
