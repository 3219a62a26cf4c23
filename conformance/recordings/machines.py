"""What a server told of machines and studies, in the form of scenarios."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from conformance.recordings.calls import Outcome, noted
from conformance.recordings.hiding import Hiding
from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.jobs import SERVER_SITE

_LOG = "log.txt"


@dataclasses.dataclass(frozen=True)
class Machines:
    """The sites, what happened to them, the server and the studies, each as a scenario has it."""

    sites: list[dict[str, Any]]
    events: list[dict[str, Any]]
    server: dict[str, Any]
    studies: list[dict[str, Any]]


def machines(outcomes: Sequence[Outcome], org: str, lead: float, hiding: Hiding) -> Machines:
    """Gather what was told.

    Args:
        outcomes: all answers.
        org: the organisation of sites of which nobody told another.
        lead: seconds from the start of the mock to the first call.
        hiding: takes away what may not stand in a scenario.
    """
    told = [outcome for outcome in outcomes if outcome.raised is None]
    names = _site_names(told)
    studies = list(_studies(told))
    orgs = {site: name for study in studies for name, sites in study["sites"].items() for site in sites}
    plans: dict[str, dict[str, Any]] = {name: {} for name in (SERVER_SITE, *names)}
    for outcome in told:
        for machine, part in _parts(outcome):
            if machine in plans:
                _add(plans[machine], hiding.value(part))
    sites: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for name in names:
        came, *later = _changes(told, name, lead)
        joins = {} if came["at"] == 0.0 else {"joins": came["at"]}
        sites.append({"name": name, "org": orgs.get(name, org), **joins, **plans[name]})
        events += later
    return Machines(sites, sorted(events, key=lambda event: event["at"]), plans[SERVER_SITE], studies)


def _here(told: Sequence[Outcome]) -> Iterator[tuple[float, set[str]]]:
    """Which sites were connected, and when, by each answer that tells of all."""
    for outcome in told:
        method, args, value = outcome.call.method, outcome.call.args, outcome.value
        if method == "get_system_info":
            yield outcome.at, {str(one["name"]) for one in value["client_info"]}
        elif method == "get_connected_client_list":
            yield outcome.at, {str(one["name"]) for one in value}
        elif method == "get_client_env" and not args:
            yield outcome.at, {str(one["site_name"]) for one in value}
        elif method == "get_client_job_status" and not args and value is not None:
            yield outcome.at, {str(one["client_name"]) for one in value}
        elif method == "check_status" and args[0] != "client":
            yield outcome.at, {str(one["client_name"]) for one in value.get("clients", ())}


def _site_names(told: Sequence[Outcome]) -> list[str]:
    return sorted({name for _, names in _here(told) for name in names})


def _changes(told: Sequence[Outcome], site: str, lead: float) -> Iterator[dict[str, Any]]:
    """When a site connected, in the beginning or later, and whatever came after that, as events."""
    is_here = False
    before: float | None = None
    for at, names in _here(told):
        if (site in names) is not is_here:
            is_here = not is_here
            moment = 0.0 if before is None else noted(lead + (before + at) / 2)
            yield {"at": moment, "happens": "connect" if is_here else "disconnect", "site": site}
        before = at


def _add(plan: dict[str, Any], part: dict[str, Any]) -> None:
    for key, value in part.items():
        plan[key] = {**plan.get(key, {}), **value} if key == "files" else value


def _parts(outcome: Outcome) -> Iterator[tuple[str, dict[str, Any]]]:
    """What an answer tells of machines: the name of each, and a part of its plan."""
    method, args, value = outcome.call.method, outcome.call.args, outcome.value
    if method == "show_stats" and isinstance(value, dict):
        yield from ((name, {"statistics": one}) for name, one in value.items() if _is_nested(one))
    elif method == "show_errors" and isinstance(value, dict):
        yield from ((name, {"errors": one}) for name, one in value.items() if one and _is_nested(one))
    elif method == "report_version" and isinstance(value, dict):
        yield from ((name, {"version": str(one["version"])}) for name, one in value.items() if "version" in one)
    elif method == "report_resources" and isinstance(value, dict):
        yield from ((name, {"resources": found}) for name, one in value.items() if (found := _object(one)) is not None)
    elif method == "get_client_env":
        for one in value:
            further = {key: item for key, item in one.items() if key not in _USUAL}
            if further:
                yield str(one.get("site_name")), {"environment": further}
    elif method in ("cat_target", "tail_target_log"):
        path = _LOG if method == "tail_target_log" else str(args[2])
        if isinstance(value, str) and not value.startswith(("cat: ", "tail: ")):
            yield str(args[0]), {"files": {path: value if value.endswith("\n") or not value else f"{value}\n"}}


_USUAL = frozenset({"site_name", "workspace", "secure_mode", "root_url"})
"""What the mock tells of the environment of a site by itself."""


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, dict) for item in value.values())


def _object(text: Any) -> dict[str, Any] | None:
    """Resources, which come as the text of an object."""
    try:
        value = ast.literal_eval(text) if isinstance(text, str) else text
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, dict) else None


def _studies(told: Sequence[Outcome]) -> Iterator[dict[str, Any]]:
    for outcome in told:
        if outcome.call.method == "show_study" and outcome.value.get("name") != DEFAULT_STUDY:
            value = outcome.value
            yield {
                "name": value["name"],
                "sites": {org: list(sites) for org, sites in value.get("site_orgs", {}).items()},
                "users": list(value.get("users", ())),
            }
