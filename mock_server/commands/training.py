"""Commands about the system as a whole: status, restart, shutdown, sites coming and going."""

from __future__ import annotations

import time
from collections.abc import Collection

from flare_client.protocol.envelope import Json
from flare_client.protocol.jobs import SERVER_SITE
from flare_client.protocol.statuses import MetaKey, MetaStatus
from mock_server.answers import Reply, meta
from mock_server.commands.asking import NO_REPLIES
from mock_server.commands.refusals import refused_by_site, runs
from mock_server.commands.registry import answers
from mock_server.commands.targets import ALL, connected
from mock_server.context import Call, ServerContext
from mock_server.guards import NOTICE

_NO_RESPONSES = "no responses from clients"


def _local(seconds: float) -> str:
    return time.asctime(time.localtime(seconds))


def _server_status(context: ServerContext, reply: Reply) -> None:
    running = context.engine.running_jobs()
    status = "started" if running else "stopped"
    jobs: list[Json] = [{"app_name": job.app_name, "job_id": job.job_id} for job in running]
    status_meta = meta(
        MetaStatus.OK,
        extra={
            MetaKey.SERVER_STATUS: status,
            MetaKey.SERVER_START_TIME: context.started,
            MetaKey.JOBS: jobs,
        },
    )
    reply.string(f"Engine status: {status}", status_meta)
    reply.table([["JOB_ID", "APP NAME"], *([job.job_id, job.app_name] for job in running)])
    sites = context.engine.connected_sites()
    reply.string(f"Registered clients: {len(sites)} ")
    if not sites:
        return
    now = context.clock.time()
    clients: list[Json] = []
    cells = context.profile.reports_fqcn
    header = ["CLIENT", "FQCN", "FQSN", "LEAF", "TOKEN", "LAST CONNECT TIME"]
    rows: list[list[Json]] = [header if cells else ["CLIENT", "TOKEN", "LAST CONNECT TIME"]]
    for site in sites:
        seen = site.last_seen(now)
        names = [site.name, site.name, site.name, "True"] if cells else [site.name]
        rows.append([*names, site.token, _local(seen)])
        clients.append(
            {"client_name": site.name, "client_last_conn_time": seen} | ({"fqcn": site.name} if cells else {})
        )
    reply.table(rows).with_meta({MetaKey.CLIENTS.value: clients})


def _client_status(context: ServerContext, sites: tuple[str, ...], silent: Collection[str], reply: Reply) -> None:
    rows: list[list[Json]] = [["CLIENT", "APP_NAME", "JOB_ID", "STATUS"]]
    entries: list[Json] = []
    for site in sites:
        if site in silent:
            rows.append([site, "?", "?", "No Reply"])
            entries.append({"client_name": site, "status": MetaStatus.NO_REPLY.value})
            continue
        jobs = [(job, app) for job in context.engine.running_jobs() if (app := job.app_at(site)) is not None]
        if not jobs:
            rows.append([site, "?", "?", "No Jobs"])
            entries.append({"client_name": site, "status": "no_jobs"})
        for job, app in jobs:
            rows.append([site, app, job.job_id, "started"])
            entries.append({"client_name": site, "app_name": app, "job_id": job.job_id, "status": "started"})
    reply.table(rows)
    if context.profile.client_status_in_meta:
        reply.with_meta({MetaKey.CLIENT_STATUS.value: entries})


@answers("check_status")
def check_status(context: ServerContext, call: Call) -> Reply:
    """The state of the server, of sites, or of both."""
    target = call.found_target()
    reply = Reply()
    if target.server:
        _server_status(context, reply)
    if target.sites:
        _client_status(context, target.sites, call.silent, reply)
    elif target.word == ALL:
        reply.error(_NO_RESPONSES)
    return reply.string(NOTICE) if target.server else reply


@answers("admin_check_status")
def admin_check_status(context: ServerContext, call: Call) -> Reply:
    """The state of the server, for whoever is about to shut it down."""
    if len(call.words) > 1 and call.words[1] != "server":
        # Sites are not looked up for this command, so none can answer (observed: 2.3.12-2.6.3).
        return Reply().error(_NO_RESPONSES)
    if len(call.words) < 2 and context.profile.detailed_meta_statuses:
        raise IndexError("list index out of range")
    reply = Reply()
    _server_status(context, reply)
    return reply


def _refuse_running(context: ServerContext, what: str) -> Reply | None:
    running = context.engine.running_jobs()
    if not running:
        return None
    text = f"There are still jobs running. Please let them finish or abort_job before {what}."
    if not context.profile.detailed_meta_statuses:
        return Reply().error(text)
    return Reply().error(text, meta(MetaStatus.JOB_RUNNING, running[0].job_id if what == "shutdown" else text))


@answers("shutdown")
def shutdown(context: ServerContext, call: Call) -> Reply:
    """Stop sites or the server; a stopped server is gone until somebody starts it again."""
    refusal = _refuse_running(context, "shutdown")
    if refusal is not None:
        return refusal
    target = call.found_target()
    if target.word == "server" and connected(context):
        status = MetaStatus.CLIENTS_RUNNING if context.profile.detailed_meta_statuses else MetaStatus.ERROR
        return Reply().error("There are still active clients. Shutdown all clients first.", meta(status))
    reply = Reply()
    if target.sites:
        if target.server and not context.profile.detailed_meta_statuses:
            reply.string("Trying to shutdown clients before server...")
        refused = {site: refused_by_site(context, call, site) for site in target.sites}
        said = {
            site: "" if site in call.silent else words or "Shutdown the client..." for site, words in refused.items()
        }
        rows = [[site, words] for site, words in said.items()]
        reply.table([["CLIENT", "RESPONSE"], *rows])
        for site, words in refused.items():
            if words is None:
                context.engine.set_site_connected(site, False)
        if any(refused.values()):
            failed = meta(MetaStatus.ERROR, "failed to shut down all clients")
            return reply.with_meta(failed if context.profile.detailed_meta_statuses else {})
    if target.server:
        if target.word == ALL and context.profile.stops_cellnet_first:
            reply.string("Cellnet Stopped")
        flare = context.profile.reports_fqcn
        reply.string("Flare Server has been shutdown." if flare else "FL app has been shutdown.")
        reply.shutdown(context.profile.goodbye)
        context.shutdown()
    return reply.success()


@answers("restart")
def restart(context: ServerContext, call: Call) -> Reply:
    """Restart sites or the server; the tokens of a restarted server are gone."""
    refusal = _refuse_running(context, "restart")
    if refusal is not None:
        return refusal
    target = call.found_target()
    detailed = context.profile.detailed_meta_statuses
    reply = Reply()
    extra: dict[str, Json] = {}  # told before status and info, as official servers do
    # A server takes its sites along, whatever the target says of them.
    sites = tuple(connected(context)) if target.server else target.sites
    if sites:
        if target.server:
            reply.string("Trying to restart all clients before restarting server...")
        said = {site: refused_by_site(context, call, site) or "Restart the client..." for site in sites}
        told = {site: NO_REPLIES if site in call.silent else words for site, words in said.items()}
        reply.string("".join(f"client:{site} : {words}\n" for site, words in told.items()))
        if detailed:
            silent = dict.fromkeys(call.silent, MetaStatus.NO_REPLY.value)
            extra[MetaKey.CLIENT_STATUS.value] = {site: silent.get(site, words) for site, words in said.items()}
    if target.server:
        reply.string("Server scheduled for restart")
        if detailed:
            extra[MetaKey.SERVER_STATUS.value] = MetaStatus.OK.value
        context.restart()
    return reply.with_meta(extra).success()


@answers("remove_client")
def remove_client(_context: ServerContext, _call: Call) -> Reply:
    """Forget sites, all where none is named; official sites register again by themselves, these at once."""
    return Reply().success()


_NO_NAME = "missing client name"


@answers("disable_client")
def disable_client(context: ServerContext, call: Call) -> Reply:
    """Keep sites out, known or not."""
    names = call.words[1:]
    if not names:
        return Reply().error(_NO_NAME, meta(MetaStatus.SYNTAX_ERROR))
    results: list[Json] = []
    for name in names:
        already, removed = context.engine.disable_site(name)
        results.append(
            {
                "client_name": name,
                "state": "disabled",
                "already_disabled": already,
                "active_session_removed": removed,
                "credential_revoked": False,
                "rejoin_allowed": False,
            }
        )
    return Reply().dict({"clients": results}, meta(MetaStatus.OK))


@answers("enable_client")
def enable_client(context: ServerContext, call: Call) -> Reply:
    """Let sites in again; official ones connect again by themselves, these at once."""
    names = call.words[1:]
    if not names:
        return Reply().error(_NO_NAME, meta(MetaStatus.SYNTAX_ERROR))
    results: list[Json] = [
        {
            "client_name": name,
            "state": "enabled",
            "was_disabled": context.engine.enable_site(name),
            "credential_revoked": False,
            "rejoin_allowed": True,
        }
        for name in names
    ]
    return Reply().dict({"clients": results}, meta(MetaStatus.OK))


@answers("set_timeout")
def set_timeout(context: ServerContext, call: Call) -> Reply:
    """Set how long the server waits for sites (release 2.3); it counts for every session."""
    context.site_timeout = float(call.words[1])
    return Reply().string(f"admin command timeout has been set to: {context.site_timeout}").success()


@answers("show_scopes")
def show_scopes(_context: ServerContext, call: Call) -> Reply:
    """The privacy scopes of the targets; simulated sites have none."""
    target = call.found_target()
    names = ["server", *target.sites] if target.server else list(target.sites)
    rows: list[list[Json]] = [[name, "", "no reply" if name in call.silent else ""] for name in names]
    reply = Reply().table([["SITE", "SCOPES", "DEFAULT"], *rows])
    return reply if target.sites or target.word != ALL else reply.error(_NO_RESPONSES)


# --- the apps of a running job, release 2.3-2.5 -----------------------------------------------------------------


@answers("start_app")
def start_app(context: ServerContext, call: Call) -> Reply:
    """Start the app of a job at sites, where it runs already: sites start what is deployed by themselves."""
    if len(call.words) < 3:
        return Reply().error("Please provide the target name (client / all) for start_app command.")
    job, target = call.found_job(), call.found_target()
    if target.word == SERVER_SITE:
        return Reply().error("start_app command only supports client app start.")
    if not target.sites:
        return Reply().success()
    if not runs(context, job):
        return Reply().error(f"Job: {job.job_id} is not running.")
    wrong = [site for site in target.sites if job.app_at(site) is None]
    if wrong:
        return Reply().error(f"{','.join(wrong)} are not in the job running list.")
    rows = [[site, "" if site in call.silent else "Client app already started."] for site in target.sites]
    return Reply().table([["CLIENT", "RESPONSE"], *rows]).success()


@answers("abort_task")
def abort_task(context: ServerContext, call: Call) -> Reply:
    """Abort the task that sites work on (release 2.3); a simulated job goes on with the next one."""
    job = call.found_job()
    sites = call.target.sites if call.target is not None else ()
    if not sites:
        # The official server names nobody it could ask, and then looks through the answers (2.3.12).
        raise TypeError("'NoneType' object is not iterable")
    works = runs(context, job)
    rows: list[list[Json]] = [["CLIENT", "RESPONSE"]]
    for site in sites:
        takes_part = works and job.app_at(site) is not None
        words = "Abort signal has been sent to the current task." if takes_part else "Client app has not started."
        rows.append([site, "" if site in call.silent else words])
    return Reply().table(rows)
