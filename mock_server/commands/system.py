"""Commands about the machines behind the system, as far as simulated ones have something to tell."""

from __future__ import annotations

import time

from flare_client.protocol.envelope import Json
from flare_client.protocol.jobs import SERVER_SITE
from flare_client.protocol.statuses import MetaKey, MetaStatus
from mock_server.answers import Reply, meta
from mock_server.commands.asking import NO_REPLIES
from mock_server.commands.refusals import refused_by_site
from mock_server.commands.registry import answers
from mock_server.commands.targets import ALL, TargetError, read_clients
from mock_server.context import Call, ServerContext
from mock_server.sites.workspace import path_of

_TOTAL = 16 * 1024**3
_USED = 4 * 1024**3
SIMULATED_MEMORY: tuple[tuple[str, str], ...] = (
    ("total", str(_TOTAL)),
    ("available", str(_TOTAL - _USED)),
    ("percent", f"{100 * _USED / _TOTAL:.1f}"),
    ("used", str(_USED)),
    ("free", str(_TOTAL - _USED)),
    *((name, "0") for name in ("active", "inactive", "buffers", "cached", "shared", "slab")),
    ("available_percent", f"{100 - 100 * _USED / _TOTAL:.1f}"),
)
"""What every simulated machine reports, as one on Linux: constants, for they stand for no real machine."""


@answers("sys_info")
def sys_info(context: ServerContext, call: Call) -> Reply:
    """The memory of the machines."""
    target = call.found_target()
    header: list[Json] = ["METRICS", "VALUE"]
    memory: list[list[Json]] = [list(row) for row in SIMULATED_MEMORY]
    reply = Reply()
    if target.server:
        reply.table([header, *memory])
    for site in target.sites:
        reply.string(f"Client: {site}")
        if site in call.silent:
            reply.table([header]).string(f": {NO_REPLIES}")
            continue
        refusal = refused_by_site(context, call, site)
        reply.table([header, *([[refusal, ""]] if refusal else memory)])
    return reply


@answers("report_resources")
def report_resources(context: ServerContext, call: Call) -> Reply:
    """The resources that sites have to give to jobs."""
    target = call.found_target()
    if target.word == ALL and not context.profile.reports_resources_of_all:
        return Reply().string("invalid target type all. Usage: sys_info server|client <client-name>")
    rows: list[list[Json]] = [["SITES", "RESOURCES"]]
    if target.server:
        rows.append(["server", "unlimited"])
    for site in target.sites:
        refusal = NO_REPLIES if site in call.silent else refused_by_site(context, call, site)
        rows.append([site, refusal or str(context.scenario.machine(site).resources)])
    return Reply().table(rows)


@answers("report_env")
def report_env(context: ServerContext, call: Call) -> Reply:
    """Where sites run and what they connect to."""
    try:
        sites = read_clients(context, call.words[1:], call.session.study)
    except TargetError as problem:
        return Reply().error(str(problem), meta(MetaStatus.INVALID_TARGET, str(problem)))
    environments: dict[str, Json] = {
        site: NO_REPLIES
        if site in call.silent
        else {
            "site_name": site,
            "workspace": path_of(context, site) + context.profile.sites.workspace_suffix,
            "secure_mode": context.secure,
            "root_url": context.fl_url,
            **context.scenario.machine(site).environment,
        }
        for site in sites
    }
    rows: list[list[Json]] = [["SITES", "ENV"], *([site, str(told)] for site, told in environments.items())]
    return Reply().table(rows, {MetaKey.CLIENTS.value: list(environments.values())})


@answers("report_version")
def report_version(context: ServerContext, call: Call) -> Reply:
    """The release that the machines run."""
    target = call.found_target()

    def version(machine: str) -> dict[str, Json]:
        return {"version": context.scenario.machine(machine).version or context.profile.official}

    versions: dict[str, Json] = {SERVER_SITE: version(SERVER_SITE)} if target.server else {}
    for site in target.sites:
        refusal = NO_REPLIES if site in call.silent else refused_by_site(context, call, site)
        versions[site] = {"error": refusal} if refusal else version(site)
    return Reply().dict(versions, meta(MetaStatus.OK))


@answers("dead")
def dead(_context: ServerContext, call: Call) -> Reply:
    """Report a site as dead to a job; simulated jobs do not care."""
    if len(call.words) != 3:
        return Reply().error(f"Usage: {call.words[0]} client_name job_id")
    _, client_name, job_id = call.words
    return Reply().string(f"called notify_dead_job for client {client_name=} {job_id=}")


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


@answers("list_sessions")
def list_sessions(context: ServerContext, _call: Call) -> Reply:
    """Who is logged in."""
    rows: list[list[Json]] = [["USER", "ORG", "ROLE", "SESSION ID", "START", "LAST ACTIVE", "IDLE"]]
    now = context.clock.time()
    for one in sorted(context.sessions, key=lambda session: session.user):
        times = [_moment(one.started), _moment(one.last_used), str(now - one.last_used)]
        rows.append([one.user, one.org, one.role or "", one.token, *times])
    return Reply().table(rows)
