"""A whole scenario, and how one is read."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from flare_client.protocol.jobs import SERVER_SITE
from mock_server.faults.rules import Rule
from mock_server.policy import Policy
from mock_server.quantities import Duration
from mock_server.scenarios import loading
from mock_server.scenarios.base import Part, ScenarioError, raise_faults
from mock_server.scenarios.jobs import DEFAULT_RULE, Delay, JobRule
from mock_server.scenarios.pedantic import PedanticField
from mock_server.scenarios.system import (
    ROLES,
    ClockSpec,
    Event,
    Happening,
    SchedulerSpec,
    ServerLimits,
    SiteSpec,
    StudySpec,
    User,
    Work,
    twice,
    unknown_roles,
)
from mock_server.sites import Site
from mock_server.sites.plan import MachinePlan, ServerPlan
from mock_server.studies import Studies, Study

_USUAL_MACHINE = MachinePlan()


class Scenario(Part):
    """Everything about a server that a test may want to choose."""

    jobs: tuple[JobRule, ...] = ()
    """The first rule that matches a job counts; a job that none matches fares as a rule without fields says."""
    limits: ServerLimits = Field(default_factory=ServerLimits)
    scheduler: SchedulerSpec = Field(default_factory=SchedulerSpec)
    clock: ClockSpec = Field(default_factory=ClockSpec)
    users: tuple[User, ...] = ()
    sites: tuple[SiteSpec, ...] | None = None
    server: ServerPlan = Field(default_factory=ServerPlan)
    """The server as a machine: its files, statistics, errors and policy."""
    studies: tuple[StudySpec, ...] = ()
    events: tuple[Event, ...] = ()
    """What happens to the server and its sites, and when."""
    workload: tuple[Work, ...] = ()
    """Jobs of others."""
    faults: tuple[Rule, ...] = ()
    """What goes wrong, and when."""
    pedantic: PedanticField = None
    """What the server does otherwise that it may do so: ``true``, a seed, or more; nothing by default."""
    idle_timeout: Duration | None = None
    """Seconds without a command after which an admin session is over; that of the release by default."""
    seed: int = 0
    """What delays with jitter and probabilities are drawn from."""
    description: str = ""
    """What it is for, in a sentence."""

    @field_validator("users")
    @classmethod
    def _users_once(cls, users: tuple[User, ...]) -> tuple[User, ...]:
        raise_faults(twice(user.name for user in users))
        return users

    @field_validator("sites")
    @classmethod
    def _sites_once(cls, sites: tuple[SiteSpec, ...] | None) -> tuple[SiteSpec, ...] | None:
        raise_faults(twice(site.name for site in sites or ()))
        return sites

    @field_validator("studies")
    @classmethod
    def _studies_once(cls, studies: tuple[StudySpec, ...]) -> tuple[StudySpec, ...]:
        raise_faults(twice(study.name for study in studies))
        return studies

    @model_validator(mode="after")
    def _events_of_known_sites(self) -> Scenario:
        if self.sites is not None:
            known = [site.name for site in self.sites]
            raise_faults(
                (("events", index, "site"), f"expected one of {', '.join(known) or 'no sites'}, but got {event.site!r}")
                for index, event in enumerate(self.events)
                if event.site is not None and event.site not in known
            )
        return self

    @model_validator(mode="after")
    def _roles_of_policies(self) -> Scenario:
        known = [*dict.fromkeys((*ROLES, *(role for one in self._policies() for role in one.get("permissions", ()))))]
        roles = {"users": [user.role for user in self.users], "workload": [work.role for work in self.workload]}
        for name, given in roles.items():
            raise_faults(((name, *place), text) for place, text in unknown_roles(given, known))
        return self

    def _policies(self) -> list[dict[str, Any]]:
        """The policies of the server and of sites, where they have one of their own."""
        machines: list[MachinePlan] = [self.server, *(self.sites or ())]
        return [machine.authorization for machine in machines if machine.authorization is not None]

    def rule_for(self, name: str) -> JobRule:
        """The rule for a job of that name, where rules look at nothing else."""
        return next((rule for rule in self.jobs if rule.match.fits(name, "", "", {})), DEFAULT_RULE)

    def sites_or(self, default: list[Site]) -> list[Site]:
        """The sites that the scenario names, or the given ones where it names none."""
        return default if self.sites is None else [site.site() for site in self.sites]

    def machine(self, name: str) -> MachinePlan:
        """What is planned for ``server`` or a site; for one that the scenario does not name, what is usual."""
        if name == SERVER_SITE:
            return self.server
        return next((site for site in self.sites or () if site.name == name), _USUAL_MACHINE)

    @functools.cached_property
    def has_slow_sites(self) -> bool:
        """Whether any site takes its time to answer commands."""
        return any(site.answers is not None for site in self.sites or ())

    def answers_of(self, name: str) -> Delay | Literal["never"] | None:
        """How long a site takes to answer a command, or that it never does; ``None``: it answers at once."""
        return next((site.answers for site in self.sites or () if site.name == name), None)

    def site_policies(self) -> dict[str, Policy]:
        """The policies of the sites that have one of their own."""
        return {site.name: Policy(site.authorization) for site in self.sites or () if site.authorization is not None}

    @functools.cached_property
    def happenings(self) -> tuple[tuple[float, Happening, str], ...]:
        """What happens to server and sites: seconds after the start, what, and the site or nothing; in order."""
        found = [(when, event.happens, event.site or "") for event in self.events for when in event.moments()]
        for site in self.sites or ():
            found += [(site.joins, Happening.CONNECT, site.name)] if site.joins is not None else []
            found += [(site.leaves, Happening.DISCONNECT, site.name)] if site.leaves is not None else []
        return tuple(sorted(found, key=lambda one: one[0]))

    def first_studies(self) -> Studies:
        """The studies of a server that has just started."""
        return Studies(
            {
                study.name: Study({org: list(sites) for org, sites in study.sites.items()}, list(study.users))
                for study in self.studies
            }
        )

    @classmethod
    def load(cls, path: str | Path) -> Scenario:
        """Read a scenario file.

        Raises:
            ScenarioError: the file cannot be read, or is no scenario.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as problem:
            raise ScenarioError(f"{path}: expected a scenario file, but {problem.strerror}") from problem
        except UnicodeDecodeError as problem:
            raise ScenarioError(f"{path}: expected UTF-8 text, but {problem}") from problem
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, source: str = "<scenario>") -> Scenario:
        """Read a scenario from its text.

        Args:
            text: YAML; an empty text is the scenario of all defaults.
            source: the name for error messages.

        Raises:
            ScenarioError: the text is no scenario.
        """
        content, node = loading.read_yaml(text, source)
        return cls._check(content, source, node)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Scenario:
        """Read a scenario from the content that its file would have.

        Raises:
            ScenarioError: the content is no scenario.
        """
        return cls._check(content, "<scenario>", None)

    @classmethod
    def _check(cls, content: object, source: str, node: Any) -> Scenario:
        faults = [
            loading.fault_text(source, line, path, "expected once, but it stands twice")
            for line, path in loading.doubles(node)
        ]
        if not isinstance(content, dict):
            expected = f"expected a mapping of {', '.join(cls.model_fields)}, but got {content!r:.60}"
            raise ScenarioError(loading.fault_text(source, loading.line_of(node, ()), (), expected))
        try:
            scenario = cls.model_validate(content)
        except ValidationError as problem:
            schema = cls.model_json_schema()
            faults += [words for error in problem.errors() for words in loading.describe(error, source, node, schema)]
        if faults:
            raise ScenarioError("\n".join(dict.fromkeys(faults)))
        return scenario
