"""Plays a scenario through without a client and without waiting, and tells what happened."""

from __future__ import annotations

import itertools
import re
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from flare_client.protocol.jobs import SERVER_SITE
from flare_client.protocol.releases import LATEST, profile_for
from mock_server.clock import DEFAULT_START, ManualClock
from mock_server.jobs.engine import JobEngine
from mock_server.jobs.outcomes import Occurrence
from mock_server.quantities import read_duration
from mock_server.scenarios import Scenario
from mock_server.scenarios.jobs import DEFAULT_RULE, JobRule
from mock_server.scenarios.system import Work
from mock_server.scenarios.timeline import Moment, Timeline
from mock_server.sites import Site

DEFAULT_LENGTH = 7 * 86400.0
"""Seconds that are played at most, where nobody says how many."""
DEFAULT_SITES = ("site-1", "site-2")

_WORK = re.compile(r"(?P<name>[^@*]+)(?:\*(?P<count>[0-9]+))?(?:@(?P<at>[^@/]+)(?:/(?P<every>[^@/]+))?)?")


def play(
    scenario: Scenario,
    work: Sequence[Work] = (),
    *,
    release: str = LATEST.release,
    length: float = DEFAULT_LENGTH,
) -> Timeline:
    """Play a scenario on a virtual clock.

    Args:
        scenario: the scenario.
        work: the jobs that are submitted beside its workload; where there is neither, one for each of its rules.
        release: the release to play.
        length: seconds after which nothing is looked at any more.
    """
    if not work and not scenario.workload:
        work = list(usual_work(scenario.jobs))
    scenario = scenario.model_copy(update={"workload": (*scenario.workload, *work)})
    start = scenario.clock.start or DEFAULT_START
    clock, moments = ManualClock(start), []
    sites = scenario.sites_or([Site(name, "nvidia") for name in DEFAULT_SITES])

    def note(seen: Occurrence) -> None:
        job = seen.job
        subject, detail = (job.name, seen.detail) if job is not None else (seen.detail or SERVER_SITE, "")
        number = job.sequence if job is not None else None
        # To the microsecond: the sums of delays are not exact, and a picture of them need not be.
        moments.append(Moment(round(seen.time - start, 6), subject, seen.what, detail, number))

    numbers = itertools.count(1)
    with tempfile.TemporaryDirectory(prefix="flare-mock-play-") as folder:
        engine = JobEngine(
            profile_for(release),
            clock,
            scenario,
            Path(folder) / "jobs",
            sites,
            new_id=lambda: str(uuid.UUID(int=next(numbers), version=4)),
            witness=note,
        )
        connected = tuple((site.name, site.connected) for site in sites)
        clock.advance(length)
        engine.advance()
        went_on = engine.next_event_at() is not None
    end = length if went_on else max((moment.time for moment in moments), default=0.0)
    return Timeline(tuple(moments), end, connected)


def usual_work(rules: Sequence[JobRule]) -> Iterator[Work]:
    """One job for each rule, that fits it as far as globs say how; one job where there are no rules."""
    names: dict[str, int] = {}
    for rule in rules or (DEFAULT_RULE,):
        name = _example(rule.match.name) or "job"
        names[name] = number = names.get(name, 0) + 1
        meta = {key: _example(glob) for key, glob in rule.match.meta.items()}
        submitter = _example(rule.match.submitter) or "lead@nvidia.com"
        yield Work(name=name if number == 1 else f"{name}-{number}", submitter=submitter, meta=meta)


def _example(glob: str) -> str:
    """A text that a glob fits, as a name may be."""
    text = re.sub(r"\[[^]]*\]", lambda found: found[0][1:2], glob).replace("?", "x")
    inside = text.strip("*").replace("*", "-")
    end = "1" if text.endswith("*") and inside and not inside[-1].isalnum() else ""
    return (inside + end).lstrip("._-")


def read_work(text: str) -> Work:
    """Read jobs as the command line says them.

    Args:
        text: ``NAME``, ``NAME*COUNT``, ``NAME@TIME``, or all of it: ``NAME*COUNT@TIME/EVERY``.

    Raises:
        ValueError: the text says something else.
    """
    match = _WORK.fullmatch(text)
    if match is None:
        raise ValueError(f"expected jobs as NAME, NAME*3, NAME@10s or NAME*3@10s/5s, but got {text!r}")
    return Work(
        name=match["name"],
        count=int(match["count"] or 1),
        at=read_duration(match["at"] or 0),
        every=read_duration(match["every"] or 0),
    )
