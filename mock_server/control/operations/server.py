"""The server as a whole: how it stands, and how it starts over."""

from __future__ import annotations

import http
from typing import Any

from mock_server.context import ServerContext
from mock_server.control.models.rights import PolicyView, StudyView
from mock_server.control.models.server import ReadyScenario, ScenarioView, ServerView, StartOver
from mock_server.control.operations.asking import BAD, CONFLICT, AtDesk, OfServer, operations_on, problems
from mock_server.control.problems import FieldFault, Problem
from mock_server.control.views import server_view
from mock_server.scenarios import Scenario, library

router = operations_on("server")


@router.get("/server", responses=problems(CONFLICT))
def look_at_server(server: OfServer) -> ServerView:
    """How the server stands."""
    return server_view(server)


@router.post("/reset", responses=problems(CONFLICT, BAD))
def reset(desk: AtDesk, body: StartOver | None = None) -> ServerView:
    """Start over, as if just started.

    Gone are connections, sessions, jobs, studies, faults, transcript and calls; ports, certificates and kits stay. A
    scenario is loaded so.
    """
    body = body or StartOver()
    with desk.turn:
        try:
            desk.server.reset(scenario=_scenario(body), sites=body.sites, clock=body.clock)
        except ValueError as problem:
            faults = [FieldFault(field=_blamed(body), message=line) for line in str(problem).splitlines()]
            raise Problem(http.HTTPStatus.UNPROCESSABLE_ENTITY, str(problem), faults) from None
        return server_view(desk.server)


def _scenario(body: StartOver) -> Scenario | None:
    if body.scenario_yaml is not None:
        return Scenario.parse(body.scenario_yaml)
    if isinstance(body.scenario, str):
        # By its name alone: a path would have the server read any file.
        return library.ready(body.scenario)
    return None if body.scenario is None else Scenario.from_dict(body.scenario)


def _blamed(body: StartOver) -> str:
    """The field that a fault is of: sites and clock were looked at when the body was read."""
    return "scenario_yaml" if body.scenario_yaml is not None else "scenario"


@router.post("/restart", responses=problems(CONFLICT))
def restart(desk: AtDesk) -> ServerView:
    """Restart as a real server would: connections and sessions are gone, what ran is lost."""
    with desk.turn:
        desk.server.restart()
        return server_view(desk.server)


@router.get("/authorization", responses=problems())
def look_at_policy(server: OfServer) -> PolicyView:
    """Who may do what on the server, as an `authorization.json`; sites have their own in the scenario."""
    content: Any = server.policy.content
    return PolicyView(content=dict(content))


@router.get("/studies", responses=problems(CONFLICT))
def list_studies(server: OfServer) -> list[StudyView]:
    """List the studies but `default`, in which all sites and users are; releases to 2.7 have none."""

    def look(context: ServerContext) -> list[StudyView]:
        return [
            StudyView(
                name=name,
                site_orgs={org: list(sites) for org, sites in study.site_orgs.items()},
                users=list(study.users),
            )
            for name, study in context.studies
        ]

    return server.call(look)


@router.get("/scenario", responses=problems())
def look_at_scenario(server: OfServer) -> ScenarioView:
    """The scenario that is played."""
    return ScenarioView(content=server.scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True))


@router.get("/scenarios", responses=problems())
def list_ready_scenarios() -> list[ReadyScenario]:
    """The ready scenarios that come with the package."""
    return [ReadyScenario(name=name, description=library.ready(name).description) for name in library.names()]
