"""What a scenario has happen by itself: to the server and its sites, and jobs that others submit. When, and how often.

Goes on after a restart of the process where it was.
"""

from __future__ import annotations

import collections
from collections.abc import Callable

from mock_server.jobs.agenda import Agenda, Due, OfSystem, OwnJob
from mock_server.jobs.intake import Intake
from mock_server.jobs.journal import BEGAN, SUBMITTED, Kept
from mock_server.jobs.lifecycle import LifeCycle
from mock_server.scenarios import Scenario
from mock_server.scenarios.system import Work


class Happenings:
    """Plans what happens, and lets it happen.

    Args:
        scenario: what is to happen.
        agenda: what is going to happen.
        life: tells of what happens, and what is to be kept of it.
        intake: takes jobs in.
        strike: lets something happen to the server or a site.
    """

    def __init__(
        self,
        scenario: Scenario,
        agenda: Agenda,
        life: LifeCycle,
        intake: Intake,
        strike: Callable[[OfSystem, float], None],
    ) -> None:
        self._scenario = scenario
        self._agenda = agenda
        self._life = life
        self._intake = intake
        self._strike = strike
        self._submitted: collections.Counter[str] = collections.Counter()
        """How many jobs of each work there were."""

    def begin(self, now: float) -> None:
        """Plan everything, from now on."""
        self._life.journal.note(BEGAN, now)
        for after, happens, site in self._scenario.happenings:
            self._agenda.plan(now + after, OfSystem(happens, site))
        for work in self._scenario.workload:
            self._agenda.plan(now + work.at, OwnJob(work, 0, _named(work)))

    def go_on(self, kept: Kept, now: float) -> None:
        """Plan what has not happened yet; what is overdue happens now.

        What was to happen to the server while it was down has nobody to happen to.
        """
        began = kept.facts.get(BEGAN, now)
        self._submitted.update(kept.numbers(SUBMITTED))
        for after, happens, site in self._scenario.happenings:
            if began + after > (kept.time if happens.is_of_a_site else max(kept.time, now)):
                self._agenda.plan(max(began + after, now), OfSystem(happens, site))
        for work in self._scenario.workload:
            name = _named(work)
            number = self._submitted[name]
            if number < work.count:
                self._agenda.plan(max(began + work.at + number * work.every, now), OwnJob(work, number, name))

    def happen(self, due: Due, now: float) -> None:
        """Let something happen that is due."""
        if isinstance(due, OwnJob):
            if due.number + 1 < due.work.count:
                self._agenda.plan(now + due.work.every, OwnJob(due.work, due.number + 1, due.name))
            self._submitted[due.name] = due.number + 1
            self._life.journal.note(SUBMITTED, dict(self._submitted))
            self._intake.submit_own(due.work, due.number, now)
        elif isinstance(due, OfSystem):
            self._life.tell(now, due.happens.value, None, due.site)
            self._strike(due, now)


def _named(work: Work) -> str:
    """What tells a work from the others, also in another process."""
    return work.model_dump_json()
