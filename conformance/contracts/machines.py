"""Sequences and histories: random calls of one or several users, against a model of the server.

What single calls must do, the other groups say. Here it is their interplay: every answer must be one that the model in
``conformance.machines`` has for the calls so far. A failure comes with the shortest script that was found.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Mapping

from conformance.adapters.base import ClientSession
from conformance.contract import FROM_28, Document, Observed, contract
from conformance.machines import histories, scenes
from conformance.machines.calls import Program
from conformance.machines.linearise import Decision
from conformance.machines.model import Model
from conformance.machines.player import Cast, KnownJobs, play, proceed
from conformance.machines.release import RULES
from conformance.machines.scenes import Crowd, Scene
from conformance.machines.script import Script
from conformance.machines.shrink import Failure, shrink
from conformance.machines.stage import Stage, staged
from conformance.machines.state import State
from conformance.machines.users import LEAD, PROJECT_ADMIN
from conformance.needs import Need
from conformance.trial import Trial
from conformance.verdicts import Inconclusive, Violation

_SEEN = "2.3.12-2.9.0"
SHARE = 3
"""A program is worth so many examples of a property of single calls."""
MIN_PROGRAMS = 2
SHRINK_PLAYS = 300
SHRINK_SECONDS = 60.0
"""Shrinking ends after so many plays, or so many seconds with a client that is slow."""


def _check(trial: Trial, stage: Stage, scene: Scene) -> None:
    """Play programs; the first that parts ways with the model is the failure, as short as it can be made."""
    model = Model(RULES[trial.release], scene.users)
    found: list[Failure] = []

    def check(program: Program) -> None:
        # It is not Hypothesis that shrinks: it does not know which calls need one another, and plays a thousand times.
        failure = None if found else play(stage, model, tuple(enumerate(program)))
        if failure is not None:
            found.append(failure)

    always = [{"program": program} for program in scene.always]
    trial.forall(check, program=scene.programs(), examples=_programs(trial), always=always)
    if found:
        deadline, plays = time.monotonic() + SHRINK_SECONDS, iter(range(SHRINK_PLAYS))
        smallest = shrink(
            found[0],
            lambda steps: play(stage, model, steps),
            lambda: next(plays, None) is not None and time.monotonic() < deadline,
        )
        raise smallest.violation


def _programs(trial: Trial) -> int:
    return max(MIN_PROGRAMS, trial.target.examples // SHARE)


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
        _check(trial, stage, scenes.one_admin(everything=stage.is_exclusive))


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
    with staged(trial) as stage:
        _check(trial, stage, scenes.running_jobs(everything=stage.is_exclusive))


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
        _check(trial, stage, scenes.lists(everything=stage.is_exclusive))


@contract(
    "MODEL-TOKEN-01",
    "Sequences with submit tokens",
    "A token stands for one definition of one user, through submissions, deletions, clones and lists in any order.",
    Observed("2.8.3, 2.9.0", "random sequences against the model"),
    releases=FROM_28,
)
def tokens(trial: Trial) -> None:
    with staged(trial) as stage:
        _check(trial, stage, scenes.tokens(everything=stage.is_exclusive, alone=not stage.is_exclusive))


@contract(
    "MODEL-ROLE-01",
    "Sequences of several users",
    "Users of every role see the same jobs, and may do to each what the policy gives their role, whatever was before.",
    Document("delete"),
    Observed(_SEEN, "random sequences against the model and the default policy"),
    needs=(Need.CONTROL,),
)
def roles(trial: Trial) -> None:
    with staged(trial, needs_control=True) as stage:
        _check(trial, stage, scenes.all_roles(everything=stage.is_exclusive))


@contract(
    "MODEL-SESSION-01",
    "Sequences with sessions that end",
    "Two sessions of a user see the same jobs; one that was closed or has expired stays over until another is opened.",
    Document("close"),
    Observed(_SEEN, "random sequences against the model"),
    needs=(Need.CONTROL,),
)
def sessions(trial: Trial) -> None:
    with staged(trial, needs_control=True) as stage:
        _check(trial, stage, scenes.ending_sessions())


@contract(
    "MODEL-CONC-01",
    "Several sessions at the same time",
    "What several sessions see at the same time can be explained by an order of their calls: none is lost or half.",
    Observed(_SEEN, "the server carries out one command after the other"),
    needs=(Need.CONTROL,),
)
def concurrent_sessions(trial: Trial) -> None:
    users = {"first": PROJECT_ADMIN, "second": PROJECT_ADMIN, "lead": LEAD}
    with staged(trial, needs_control=True) as stage, contextlib.ExitStack() as stack:
        # A client that one thread alone may drive is started once a session.
        together = "threads" in trial.adapter.features
        adapters = [
            trial.adapter
            if together or not number
            else stack.enter_context(contextlib.closing(trial.adapter.another()))
            for number in range(len(users))
        ]
        opened = {
            name: stack.enter_context(contextlib.closing(stage.open(user, adapter)))
            for (name, user), adapter in zip(users.items(), adapters, strict=True)
        }
        drawn = _check_histories(trial, stage, scenes.crowd(users), opened)
    trial.script.instead(drawn)


@contract(
    "MODEL-CONC-02",
    "Several threads on one session",
    "What several threads see through one session at the same time can be explained by an order of their calls.",
    Observed(_SEEN, "eight threads on one session: all answered"),
    needs=(Need.CONTROL, Need.THREADS),
)
def concurrent_threads(trial: Trial) -> None:
    users = {"one": PROJECT_ADMIN, "two": PROJECT_ADMIN, "three": PROJECT_ADMIN}
    with staged(trial, needs_control=True) as stage, contextlib.closing(stage.open(PROJECT_ADMIN)) as session:
        drawn = _check_histories(trial, stage, scenes.crowd(users), dict.fromkeys(users, session))
    trial.script.instead(drawn)


def _check_histories(trial: Trial, stage: Stage, crowd: Crowd, opened: Mapping[str, ClientSession]) -> list[str]:
    """Record histories and look for an order that explains each; the first that has none is the failure.

    Returns:
        What was drawn. What became of it, the calls, depends on which thread is ahead.
    """
    model = Model(RULES[trial.release], crowd.users)
    # Jobs that are submitted at the same time may stand in either order.
    unordered = dataclasses.replace(model, is_ordered=False)
    found: list[Violation | Inconclusive] = []
    drawn: list[str] = []

    def check(before: Program, meanwhile: dict[str, Program]) -> None:
        drawn.append(f"before: {before!r}; meanwhile: {meanwhile!r}")
        if found:
            return  # what happened at the same time once will not do so again, so there is nothing to shrink by playing
        cast = Cast(stage, model, opened)
        lines, known = Script(cast.mark), KnownJobs()
        try:
            state = proceed(cast, model, tuple(enumerate(before)), known, lines, [])
            history = histories.record(cast, known, meanwhile)
            decision = histories.judge(unordered, state, history).decision
            if decision is Decision.UNDECIDED:
                found.append(
                    Inconclusive(f"no order of {len(history)} calls was found in time, nor that there is none")
                )
            elif decision is Decision.IMPOSSIBLE:
                found.append(_unexplained(unordered, lines, state, history))
        except Violation as problem:
            found.append(problem)
        finally:
            stage.clean(known.ids)

    trial.forall(check, before=crowd.before, meanwhile=crowd.meanwhile, examples=_programs(trial))
    if found:
        raise found[0]
    return drawn


def _unexplained(model: Model, before: Script, state: State, history: histories.History) -> Violation:
    state, history = histories.smallest(model, state, history)
    if not state.jobs:
        before = Script(before.mark)
    best = histories.judge(model, state, history).order
    left = [operation for number, operation in enumerate(history) if number not in best]
    script = histories.script(before, history)
    lines = zip(script[-len(history) :], history, strict=True)
    unexplained = [before.plain(f"{line.strip()}: {one.event[1]}") for line, one in lines if one in left]
    return Violation(
        "an order of the calls in which every answer is possible (numbers are the moments of call and answer)",
        f"one that explains {len(best)} of {len(history)} calls, but not {'; '.join(unexplained)}",
        script,
    )
