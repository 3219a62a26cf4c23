"""Sequences and histories: random calls of one or several users, against a model of the server.

What single calls must do, the other groups say. Here it is their interplay: every answer must be one that the model in
``conformance.machines`` has for the calls so far. A failure comes with the shortest script that was found.
"""

from __future__ import annotations

from hypothesis import errors as hypothesis_errors

from conformance.contract import FROM_28, Document, Observed, contract
from conformance.jobs import JobKind
from conformance.machines import programs
from conformance.machines.calls import Program, Until
from conformance.machines.model import Model
from conformance.machines.player import play
from conformance.machines.programs import Calls
from conformance.machines.release import RULES
from conformance.machines.stage import Stage, staged
from conformance.machines.users import LEAD, MEMBER, ORG_ADMIN, OTHER_LEAD, PROJECT_ADMIN, User
from conformance.needs import Need
from conformance.trial import Trial
from conformance.verdicts import Violation

_SEEN = "2.3.12-2.9.0"

ONE = {"admin": PROJECT_ADMIN}
ROLES = {"admin": PROJECT_ADMIN, "orgadmin": ORG_ADMIN, "lead": LEAD, "member": MEMBER, "other": OTHER_LEAD}
TWICE = {"first": PROJECT_ADMIN, "second": PROJECT_ADMIN}

CALLS = 24
"""Calls of a program, at most."""
SHARE = 5
"""A program is worth so many examples of a property of single calls."""

_WAITING = [JobKind.WAITING]


def _check(
    trial: Trial, stage: Stage, users: dict[str, User], opening: Calls, steps: Calls, length: int = CALLS
) -> None:
    """Play programs; the shortest script that parts ways with the model is the failure."""
    model = Model(RULES[trial.release], users)
    drawn = programs.programs(opening, steps, length)
    found: list[Violation] = []

    def check(program: Program) -> None:
        try:
            play(stage, model, program)
        except Violation as problem:
            found.append(problem)
            raise

    try:
        trial.forall(check, program=drawn, examples=max(2, trial.target.examples // SHARE))
    except hypothesis_errors.Flaky:
        # It does not come again with the same calls: a matter of time, and a violation all the same.
        raise min(found, key=lambda problem: len(problem.script)) from None


@contract(
    "MODEL-SEQ-01",
    "Sequences of one admin",
    "Whatever an admin calls, in any order, right or wrong, each answer is one that the calls before it allow.",
    Document("submit"),
    Document("list"),
    Document("meta"),
    Document("abort"),
    Document("delete"),
    Document("clone"),
    Document("download"),
    Observed(_SEEN, "random sequences against the model"),
)
def sequences(trial: Trial) -> None:
    with staged(trial) as stage:
        opening = programs.submissions(["admin"], _WAITING)
        steps = programs.mixed(
            (3, opening),
            (4, programs.calls_on_jobs(["admin"])),
            (4, programs.calls_on_jobs(["admin"], ("clone_job", "delete_job", "abort_job"))),
            (4, programs.short_lists(["admin"], _WAITING, everything=stage.is_exclusive)),
            (2, programs.mistakes(["admin"])),
            (1, programs.looks(["admin"])),
            (1, programs.monitors(["admin"])),
        )
        _check(trial, stage, ONE, opening, steps)


@contract(
    "MODEL-STATE-01",
    "Sequences with jobs that run",
    "Sequences hold with jobs that start and end: statuses only go ahead, and each call fits the status of its job.",
    Document("abort"),
    Document("delete.running"),
    Document("monitor"),
    Observed(_SEEN, "random sequences against the model"),
    needs=(Need.RUNNING,),
)
def states(trial: Trial) -> None:
    kinds = [JobKind.LONG, JobKind.QUICK]
    with staged(trial) as stage:
        opening = programs.submissions(["admin"], kinds)
        steps = programs.mixed(
            (1, opening),
            (4, programs.calls_on_jobs(["admin"])),
            (4, programs.calls_on_jobs(["admin"], ("abort_job", "delete_job", "get_job_meta"))),
            (4, programs.monitors(["admin"], (Until.STARTED, Until.STARTED, Until.END, Until.FIRST))),
            (3, programs.short_lists(["admin"], kinds, everything=stage.is_exclusive)),
            (1, programs.looks(["admin"])),
        )
        _check(trial, stage, ONE, opening, steps, CALLS // 2)


@contract(
    "MODEL-LIST-01",
    "Lists of a changing store",
    "Whatever was submitted, cloned and deleted before, list_jobs lists what fits its arguments, as the model does.",
    Document("list"),
    Document("list.limit"),
    Document("list.reverse"),
    Document("list.id_prefix"),
    Document("list.name_prefix"),
    Observed(_SEEN, "random sequences against the model"),
)
def listing(trial: Trial) -> None:
    with staged(trial) as stage:
        opening = programs.submissions(["admin"], _WAITING)
        steps = programs.mixed(
            (2, opening),
            (5, programs.calls_on_jobs(["admin"], ("clone_job", "clone_job", "delete_job"))),
            (10, programs.lists(["admin"], _WAITING, everything=stage.is_exclusive)),
        )
        _check(trial, stage, ONE, opening, steps)


@contract(
    "MODEL-TOKEN-01",
    "Sequences with submit tokens",
    "A token stands for one definition of one user, through submissions, deletions, clones and lists in any order.",
    Observed("2.8.3, 2.9.0", "random sequences against the model"),
    releases=FROM_28,
)
def tokens(trial: Trial) -> None:
    with staged(trial) as stage:
        users = {"admin": PROJECT_ADMIN, "lead": LEAD} if stage.is_exclusive else ONE
        names = sorted(users)
        opening = programs.submissions_with_tokens(names, _WAITING)
        steps = programs.mixed(
            (5, opening),
            (5, programs.lists_by_token(names)),
            (4, programs.calls_on_jobs(names, ("delete_job", "clone_job"))),
            (2, programs.short_lists(names, _WAITING, everything=stage.is_exclusive)),
            (1, programs.submissions(names, _WAITING)),
            (1, programs.mistakes(names, tokens=True)),
        )
        _check(trial, stage, users, opening, steps)


@contract(
    "MODEL-ROLE-01",
    "Sequences of several users",
    "Users of every role see the same jobs, and may do to each what the policy gives their role, whatever was before.",
    Document("delete"),
    Observed(_SEEN, "random sequences against the model and the default policy"),
    needs=(Need.CONTROL,),
)
def roles(trial: Trial) -> None:
    names = list(ROLES)
    with staged(trial, needs_control=True) as stage:
        opening = programs.submissions(["lead", "other", "admin"], _WAITING)
        steps = programs.mixed(
            (2, programs.submissions(names, _WAITING)),
            (10, programs.calls_on_jobs(names)),
            (3, programs.short_lists(names, _WAITING, everything=stage.is_exclusive)),
            (1, programs.mistakes(names)),
            (1, programs.looks(names)),
        )
        _check(trial, stage, ROLES, opening, steps)


@contract(
    "MODEL-SESSION-01",
    "Sequences with sessions that end",
    "Two sessions of a user see the same jobs; one that was closed or has expired stays over until another is opened.",
    Document("close"),
    Observed(_SEEN, "random sequences against the model"),
    needs=(Need.CONTROL,),
)
def sessions(trial: Trial) -> None:
    names = list(TWICE)
    with staged(trial, needs_control=True) as stage:
        opening = programs.submissions(names, _WAITING)
        steps = programs.mixed(
            (1, opening),
            (4, programs.calls_on_jobs(names)),
            (4, programs.short_lists(names, _WAITING, everything=True)),
            (4, programs.endings(names)),
            (1, programs.looks(names)),
            (1, programs.mistakes(names)),
        )
        _check(trial, stage, TWICE, opening, steps, CALLS // 2)
