"""Random sequences of calls on two servers, and the shortest that differs.

A sequence is drawn whole, played on the official server and on the mock, each without jobs at the begin, and compared
call by call. Hypothesis draws and shrinks. A job is named by its place among those that the sequence made, so that a
sequence means something with any of its calls left out. Owns: what is drawn, and how it is played.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.lab.fidelity.comparison import Compared, Likeness, likeness, shown
from conformance.lab.fidelity.peer import Seen
from conformance.lab.fidelity.probe import ADMIN, SETTLED, Chapter, Folder, Job, Probe
from conformance.lab.fidelity.probes import is_in
from conformance.lab.fidelity.record import Sequences
from conformance.lab.jobs import QUICK, SLOW, WAITING

_USERS = (ADMIN, ADMIN, ADMIN, "lead", "other", "member", "orgadmin")
_LENGTH = 10
_ROUNDS = 4
_NTH = "#"
_CHAPTER = Chapter("sequence", "calls in random order", (), users=("orgadmin", "lead", "member", "other"))


@dataclasses.dataclass(frozen=True)
class Nth:
    """A job by its place among those that a sequence has made so far; further on it begins anew."""

    place: int


class Plays(Protocol):
    """A server that plays one probe after the other; a ``Stage``."""

    def begin(self, users: Iterable[str]) -> None:
        """Remove every job, forget their names, and open the sessions of some users."""

    def make(self, one: Probe) -> Seen:
        """Make a probe, and return what came of it, normalised."""


class Differs(AssertionError):
    """A sequence had another outcome on the mock.

    Attributes:
        script: the calls up to the one that differs, as lines.
        compared: that one.
    """

    def __init__(self, script: str, compared: Compared) -> None:
        super().__init__(f"{script}\nofficial: {compared.official}\nmock: {compared.mock}")
        self.script = script
        self.compared = compared


# --- what is drawn ----------------------------------------------------------------------------------------------------


def _probes(*methods: str) -> SearchStrategy[Probe]:
    return st.builds(
        lambda method, user, place: Probe(method, (Nth(place),), user=user),
        st.sampled_from(methods),
        st.sampled_from(_USERS),
        st.integers(0, 3),
    )


_SUBMIT = st.builds(
    lambda name, user: Probe("submit_job", (Folder(name),), user=user, makes=_NTH, until=SETTLED),
    st.sampled_from([WAITING, WAITING, "Alpha-1", "beta-1", QUICK, SLOW]),
    st.sampled_from((ADMIN, ADMIN, "lead", "other")),
)
_BAD_SUBMIT = st.builds(
    lambda name, user: Probe("submit_job", (Folder(name),), user=user),
    st.sampled_from(["app-not-there", "min-clients-zero", "no-meta"]),
    st.sampled_from(_USERS),
)
_ON_A_JOB = _probes(
    "get_job_meta", "get_job_meta", "download_job_result", "list_job_components", "get_job_status", "get_job_logs"
)
_DELETE = _probes("delete_job")
_ABORT = _probes("abort_job").map(lambda one: dataclasses.replace(one, until="FINISHED"))
_CLONE = st.builds(
    lambda user, place: Probe("clone_job", (Nth(place),), user=user, makes=_NTH, until=SETTLED),
    st.sampled_from(_USERS),
    st.integers(0, 3),
)
_LIST = st.builds(
    lambda user, limit, reverse, prefix, detailed: Probe(
        "list_jobs", (detailed, limit, None, prefix, reverse), user=user
    ),
    st.sampled_from(_USERS),
    st.none() | st.integers(-2, 4),
    st.booleans(),
    st.none() | st.sampled_from(["wait", "ALPHA", "beta", "quick", "x"]),
    st.booleans(),
)
_LOOK = st.builds(
    lambda method, user: Probe(method, user=user),
    st.sampled_from(["get_system_info", "get_connected_client_list", "get_client_job_status"]),
    st.sampled_from(_USERS),
)


def steps() -> SearchStrategy[Probe]:
    """One call, most of them about jobs."""
    sorts = [
        *[_SUBMIT] * 4,
        _BAD_SUBMIT,
        *[_ON_A_JOB] * 4,
        *[_DELETE] * 2,
        *[_ABORT] * 2,
        *[_CLONE] * 2,
        *[_LIST] * 3,
        _LOOK,
    ]
    return st.integers(0, len(sorts) - 1).flatmap(lambda number: sorts[number])


def sequences(length: int = _LENGTH) -> SearchStrategy[list[Probe]]:
    """Sequences of at most so many calls, the first of which make jobs."""
    return st.builds(
        lambda first, rest: [*first, *rest], st.lists(_SUBMIT, max_size=2), st.lists(steps(), max_size=length)
    )


# --- how it is played -------------------------------------------------------------------------------------------------


def play(steps_: Sequence[Probe], official: Plays, mock: Plays, known: Callable[[Compared], bool]) -> None:
    """Play a sequence on both servers.

    Args:
        steps_: the calls; those about a job where there is none yet are left out.
        official: the official server.
        mock: the mock.
        known: whether a difference is explained; the sequence goes on after it.

    Raises:
        Differs: at the first call that differs and is not explained.
    """
    for server in (official, mock):
        server.begin((ADMIN, *_CHAPTER.users))
    lines, made = list[str](), 0
    for step in steps_:
        if made == 0 and any(isinstance(word, Nth) for word in step.args):
            continue
        one = _settled(step, made)
        theirs, ours = official.make(one), mock.make(one)
        lines.append(f"{one.user}: {one.makes + ' = ' if one.makes else ''}{one.call}")
        found = Compared(_CHAPTER.key(one), one.method, likeness(theirs, ours), shown(theirs), shown(ours))
        if found.likeness is not Likeness.SAME_VALUE and not known(found):
            raise Differs("\n".join(lines), found)
        made += bool(one.makes and not theirs.raised)


def _settled(step: Probe, made: int) -> Probe:
    """A call with names for the jobs that it is about, and for the one that it makes."""
    args = tuple(Job(f"job{one.place % made + 1}") if isinstance(one, Nth) else one for one in step.args)
    return dataclasses.replace(step, args=args, makes=f"job{made + 1}" if step.makes else "")


def search(
    release: str,
    official: Plays,
    mock: Plays,
    known: Callable[[Compared], bool],
    *,
    examples: int,
    number: int,
    progress: Callable[[str], None],
) -> Sequences:
    """Play random sequences until so many were played or some differing ones are found.

    Args:
        release: calls that it does not have are left out.
        official: the official server.
        mock: the mock.
        known: whether a difference is explained.
        examples: how many to play.
        number: the seed.
        progress: told of what differs.
    """
    differing: dict[str, Differs] = {}
    played, calls = 0, 0

    def is_known(one: Compared) -> bool:
        return one.key in differing or known(one)

    def run_round(round_seed: int) -> None:
        @seed(round_seed)
        @settings(
            max_examples=max(1, examples - played),
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        @given(sequences())
        def run(drawn: list[Probe]) -> None:
            nonlocal played, calls
            here = [one for one in drawn if is_in(one, release)]
            played, calls = played + 1, calls + len(here)
            play(here, official, mock, is_known)

        run()

    for count in range(_ROUNDS):
        try:
            run_round(number + count)
            break
        except Differs as problem:
            differing[problem.compared.key] = problem
            progress(f"a sequence differs:\n{problem}")
        if played >= examples:
            break
    return Sequences(played, calls, number, tuple((str(one), "") for one in differing.values()))
