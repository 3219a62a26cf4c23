"""Strategies that draw programs.

A program is drawn whole and played afterwards, so that it can be played again, in part or on another server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.jobs import JobKind
from conformance.machines.calls import (
    JOB_METHODS,
    Call,
    CallOnJob,
    CloseSession,
    Definition,
    ExpireSessions,
    Fault,
    GetSystemInfo,
    IdPrefix,
    ListJobs,
    MonitorJob,
    NamePrefix,
    Nth,
    OpenSession,
    Program,
    SubmitJob,
    TryConnect,
    Until,
)

OPENING = 2
"""Calls with which a program begins."""
TAILS = ("a", "b", "ab", "B")
TOKENS = ("t1", "t2")
BAD_TOKENS = ("a b", "a/b", 7)
WRONG_IDS = (None, "", 5, "no-such-job", "00000000-0000-4000-8000-000000000000")
_WRONG_LISTS: tuple[dict[str, Any], ...] = (
    {"detailed": "yes"},
    {"limit": "2"},
    {"name_prefix": 3},
    {"id_prefix": ("a",)},
    {"reverse": 1},
)

Calls = SearchStrategy[Call]


def mixed(*weighted: tuple[int, Calls]) -> Calls:
    """Calls of several sorts, each as often as its weight says."""
    sorts = [sort for weight, sort in weighted for _ in range(weight)]
    return st.integers(0, len(sorts) - 1).flatmap(lambda number: sorts[number])


def programs(opening: Calls, steps: Calls, looks: Calls, length: int) -> SearchStrategy[Program]:
    """Programs of at most so many calls.

    Args:
        opening: the calls that a program begins with, so that there is something to work on.
        steps: the calls that follow.
        looks: calls that show what became of the ones before; every other step is followed by one.
        length: how many calls, without these looks.
    """
    first = st.tuples(*[opening] * OPENING)
    pairs = st.lists(st.tuples(steps, st.none() | looks), min_size=length - OPENING, max_size=length - OPENING)
    return st.builds(_flat, first, pairs)


def one_of_each(session: str, kind: JobKind) -> Program:
    """Two submissions, a deletion, an abortion and a clone of what was aborted, with a list after each change."""
    look = ListJobs(session, name_prefix=NamePrefix(kind, ""))
    first, last = Nth(1), Nth(0)
    changes = (
        SubmitJob(session, Definition(kind, "a")),
        SubmitJob(session, Definition(kind, "b")),
        CallOnJob(session, "delete_job", last),
        CallOnJob(session, "abort_job", first),
        CallOnJob(session, "clone_job", first),
    )
    return tuple(call for change in changes for call in (change, look))


def _flat(first: Program, pairs: list[tuple[Call, Call | None]]) -> Program:
    return (*first, *(call for pair in pairs for call in pair if call is not None))


def places() -> SearchStrategy[Nth]:
    """A job by its place; the newest ones are looked at most."""
    return st.integers(0, 4).map(Nth)


def definitions(kinds: Sequence[JobKind]) -> SearchStrategy[Definition]:
    """Good definitions."""
    return st.builds(Definition, st.sampled_from(kinds), st.sampled_from(TAILS))


def submissions(sessions: Sequence[str], kinds: Sequence[JobKind]) -> Calls:
    """Submissions of good definitions."""
    return st.builds(SubmitJob, st.sampled_from(sessions), definitions(kinds))


def submissions_with_tokens(sessions: Sequence[str], kinds: Sequence[JobKind]) -> Calls:
    """Submissions with a token that others may have, too."""
    return st.builds(SubmitJob, st.sampled_from(sessions), definitions(kinds), st.sampled_from(TOKENS))


def calls_on_jobs(sessions: Sequence[str], methods: Sequence[str] = JOB_METHODS) -> Calls:
    """Methods that take a job id."""
    return st.builds(CallOnJob, st.sampled_from(sessions), st.sampled_from(methods), places())


def lists(sessions: Sequence[str], kinds: Sequence[JobKind], *, everything: bool) -> Calls:
    """Lists with any arguments.

    Args:
        sessions: the names of the sessions.
        kinds: the kinds of jobs that there are.
        everything: whether a list without a prefix is of use; it is not where others have jobs on the server.
    """
    names: SearchStrategy[Any] = st.builds(
        NamePrefix, st.sampled_from(kinds), st.sampled_from(("", *TAILS)), st.booleans()
    )
    if everything:
        names = st.none() | st.sampled_from(["", kinds[0].value, kinds[0].value[:3].upper()]) | names
    return st.builds(
        ListJobs,
        st.sampled_from(sessions),
        st.booleans(),
        st.none() | st.integers(-3, 6),
        st.none() | st.builds(IdPrefix, places(), st.integers(10, 36), st.booleans()),
        names,
        st.booleans(),
    )


def looks(sessions: Sequence[str], kinds: Sequence[JobKind], *, everything: bool) -> Calls:
    """The same few questions again and again: an answer that is out of date shows."""
    session = st.sampled_from(sessions)
    prefix = st.none() if everything else st.builds(NamePrefix, st.just(kinds[0]), st.just(""))
    metas: Calls = st.builds(CallOnJob, session, st.just("get_job_meta"), st.integers(0, 1).map(Nth))
    return metas | st.builds(ListJobs, session, name_prefix=prefix)


def short_lists(sessions: Sequence[str], kinds: Sequence[JobKind], *, everything: bool) -> Calls:
    """Lists of all jobs of a kind, or of all that there are."""
    plain = st.builds(
        ListJobs,
        st.sampled_from(sessions),
        st.booleans(),
        name_prefix=st.builds(NamePrefix, st.sampled_from(kinds), st.just("")),
    )
    return st.builds(ListJobs, st.sampled_from(sessions), st.booleans()) | plain if everything else plain


def lists_by_token(sessions: Sequence[str]) -> Calls:
    """Lists of what a token stands for."""
    return st.builds(ListJobs, st.sampled_from(sessions), token=st.sampled_from(TOKENS))


def mistakes(sessions: Sequence[str], *, tokens: bool = False) -> Calls:
    """Calls that must fail, and change nothing."""
    session = st.sampled_from(sessions)
    bad = st.builds(
        Definition,
        st.just(JobKind.WAITING),
        st.sampled_from(TAILS),
        st.sampled_from([Fault.NO_FOLDER, Fault.BAD_RESOURCES]),
    )
    found: Calls = st.builds(CallOnJob, session, st.sampled_from(JOB_METHODS), st.sampled_from(WRONG_IDS))
    found |= st.builds(MonitorJob, session, st.sampled_from(WRONG_IDS), st.just(Until.FIRST))
    found |= st.builds(SubmitJob, session, bad)
    found |= st.builds(lambda name, wrong: ListJobs(name, **wrong), session, st.sampled_from(_WRONG_LISTS))
    if tokens:
        found |= st.builds(SubmitJob, session, definitions([JobKind.WAITING]), st.sampled_from(BAD_TOKENS))
        found |= st.builds(ListJobs, session, token=st.sampled_from(BAD_TOKENS))
    return found


def monitors(sessions: Sequence[str], untils: Sequence[Until] = (Until.FIRST,)) -> Calls:
    """Monitors with a callback."""
    return st.builds(MonitorJob, st.sampled_from(sessions), places(), st.sampled_from(untils))


def trifles(sessions: Sequence[str]) -> Calls:
    """Calls that are always fine."""
    session = st.sampled_from(sessions)
    return st.builds(GetSystemInfo, session) | st.builds(TryConnect, session)


def endings(sessions: Sequence[str]) -> Calls:
    """Ends and new begins of sessions."""
    session = st.sampled_from(sessions)
    one = st.builds(OpenSession, session)
    return mixed((3, st.builds(CloseSession, session)), (4, one), (1, st.builds(ExpireSessions)))
