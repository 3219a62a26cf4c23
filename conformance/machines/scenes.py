"""Scenes: who calls, and which calls in which proportion. A contract plays programs of one scene."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.jobs import JobKind
from conformance.machines import programs
from conformance.machines.calls import Program, Until
from conformance.machines.programs import Calls
from conformance.machines.users import LEAD, MEMBER, ORG_ADMIN, OTHER_LEAD, PROJECT_ADMIN, User

CALLS = 20
"""Calls of a program, at most."""
FEWER_CALLS = 14
"""The same where jobs run or sessions are opened again, which takes time."""
ACTS = 4
"""Calls of a session that is one of several at the same time, beside a submission at the begin."""

_WAITING = [JobKind.WAITING]
_CHANGING = ("clone_job", "delete_job", "abort_job")
_ADMIN: dict[str, User] = {"admin": PROJECT_ADMIN}


@dataclasses.dataclass(frozen=True)
class Scene:
    """What programs are drawn from.

    Attributes:
        users: the user of each session, by its name.
        opening: the calls that a program begins with.
        steps: the calls that follow.
        looks: calls that show what became of the ones before.
        length: how many calls a program has, beside these looks.
        always: programs that are played in every run, before those that are drawn.
    """

    users: Mapping[str, User]
    opening: Calls
    steps: Calls
    looks: Calls
    length: int = CALLS
    always: tuple[Program, ...] = ()

    def programs(self) -> SearchStrategy[Program]:
        """Programs of this scene."""
        return programs.programs(self.opening, self.steps, self.looks, self.length)


def one_admin(*, everything: bool) -> Scene:
    """One admin, all methods, jobs that wait.

    Args:
        everything: here and below: whether there are no jobs but those of the program, so that a list of all is of use.
    """
    names = list(_ADMIN)
    opening = programs.submissions(names, _WAITING)
    steps = programs.mixed(
        (3, opening),
        (4, programs.calls_on_jobs(names)),
        (4, programs.calls_on_jobs(names, _CHANGING)),
        (4, programs.short_lists(names, _WAITING, everything=everything)),
        (2, programs.mistakes(names)),
        (1, programs.trifles(names)),
        (1, programs.monitors(names)),
    )
    looks = programs.looks(names, _WAITING, everything=everything)
    return Scene(_ADMIN, opening, steps, looks, always=(programs.one_of_each(names[0], JobKind.WAITING),))


def running_jobs(*, everything: bool) -> Scene:
    """One admin, jobs that start and end."""
    names, kinds = list(_ADMIN), [JobKind.LONG, JobKind.QUICK]
    opening = programs.submissions(names, kinds)
    steps = programs.mixed(
        (1, opening),
        (3, programs.calls_on_jobs(names)),
        (4, programs.calls_on_jobs(names, ("abort_job", "delete_job", "get_job_meta"))),
        (6, programs.monitors(names, (Until.STARTED, Until.END, Until.FIRST))),
        (2, programs.short_lists(names, kinds, everything=everything)),
        (1, programs.trifles(names)),
    )
    return Scene(_ADMIN, opening, steps, programs.looks(names, kinds, everything=everything), FEWER_CALLS)


def lists(*, everything: bool) -> Scene:
    """One admin who lists jobs with any arguments while they come and go."""
    names = list(_ADMIN)
    opening = programs.submissions(names, _WAITING)
    steps = programs.mixed(
        (2, opening),
        (5, programs.calls_on_jobs(names, ("clone_job", "clone_job", "delete_job"))),
        (10, programs.lists(names, _WAITING, everything=everything)),
    )
    return Scene(_ADMIN, opening, steps, programs.looks(names, _WAITING, everything=everything))


def tokens(*, everything: bool, alone: bool) -> Scene:
    """Submissions with tokens, of one user or two.

    Args:
        everything: as above.
        alone: whether there is the admin alone.
    """
    users = _ADMIN if alone else {**_ADMIN, "lead": LEAD}
    names = sorted(users)
    opening = programs.submissions_with_tokens(names, _WAITING)
    steps = programs.mixed(
        (5, opening),
        (5, programs.lists_by_token(names)),
        (4, programs.calls_on_jobs(names, ("delete_job", "clone_job"))),
        (2, programs.short_lists(names, _WAITING, everything=everything)),
        (1, programs.submissions(names, _WAITING)),
        (1, programs.mistakes(names, tokens=True)),
    )
    return Scene(users, opening, steps, programs.looks(names, _WAITING, everything=everything))


def all_roles(*, everything: bool) -> Scene:
    """A user of each role, and one of another organisation."""
    users = {**_ADMIN, "orgadmin": ORG_ADMIN, "lead": LEAD, "member": MEMBER, "other": OTHER_LEAD}
    names = list(users)
    opening = programs.submissions(["lead", "other", "admin"], _WAITING)
    steps = programs.mixed(
        (2, programs.submissions(names, _WAITING)),
        (10, programs.calls_on_jobs(names)),
        (3, programs.short_lists(names, _WAITING, everything=everything)),
        (1, programs.mistakes(names)),
        (1, programs.trifles(names)),
    )
    return Scene(users, opening, steps, programs.looks(names, _WAITING, everything=everything))


def ending_sessions() -> Scene:
    """Two sessions of one admin that are closed, expire and are opened again, on a server without other jobs."""
    users = {"first": PROJECT_ADMIN, "second": PROJECT_ADMIN}
    names = list(users)
    opening = programs.submissions(names, _WAITING)
    steps = programs.mixed(
        (1, opening),
        (4, programs.calls_on_jobs(names)),
        (4, programs.short_lists(names, _WAITING, everything=True)),
        (4, programs.endings(names)),
        (1, programs.trifles(names)),
        (1, programs.mistakes(names)),
    )
    return Scene(users, opening, steps, programs.looks(names, _WAITING, everything=True), FEWER_CALLS)


@dataclasses.dataclass(frozen=True)
class Crowd:
    """What is drawn where several sessions are used at the same time.

    Attributes:
        users: the user of each session, by its name.
        before: the calls that come before, one after the other.
        meanwhile: the calls of each session.
    """

    users: Mapping[str, User]
    before: SearchStrategy[Program]
    meanwhile: SearchStrategy[dict[str, Program]]


def crowd(users: Mapping[str, User]) -> Crowd:
    """Sessions that submit, look, clone, abort and delete jobs that wait, at the same time.

    Downloads and monitors are left out: they are several commands each, and so have no one moment.

    Args:
        users: the user of each session; the first one has jobs before.
    """
    first = next(iter(users))
    before: SearchStrategy[Program]
    before = st.tuples(programs.submissions([first], _WAITING), programs.calls_on_jobs([first], ("clone_job",)))

    def acts(name: str) -> SearchStrategy[Program]:
        steps = programs.mixed(
            (3, programs.calls_on_jobs([name], ("get_job_meta", *_CHANGING))),
            (2, programs.short_lists([name], _WAITING, everything=True)),
            (1, programs.submissions([name], _WAITING)),
        )
        return st.tuples(programs.submissions([name], _WAITING), *[steps] * ACTS)

    return Crowd(users, before, st.fixed_dictionaries({name: acts(name) for name in users}))
