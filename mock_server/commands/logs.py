"""Commands about logs: their levels, which change nothing of what simulated machines write, and their text."""

from __future__ import annotations

import argparse
import logging
from typing import NoReturn

from flare_client.protocol.envelope import Json
from flare_client.protocol.jobs import ALL_SITES, SERVER_SITE, JobStatus
from flare_client.protocol.releases import LogEnd
from flare_client.protocol.statuses import MetaStatus
from mock_server.answers import Reply, meta
from mock_server.commands.refusals import refused_by_site
from mock_server.commands.registry import answers
from mock_server.context import Call, ServerContext
from mock_server.jobs.store import Job

_MODES = frozenset({"reload", "full", "concise", "msg_only", "verbose"})
_BAD_CONFIG = "configure_site_log only supports log levels and built-in log modes"
_LOG_FILES = ("log.txt", "log.json")
MAX_LOG_BYTES = 5 * 1024 * 1024
"""Of one log in a reply."""


class _LogParser(argparse.ArgumentParser):
    def __init__(self) -> None:
        super().__init__(prog="get_job_log", add_help=False)
        self.add_argument("job_id", help="Job ID")
        self.add_argument("target", nargs="?", default=SERVER_SITE, help="server, all, or a client site name")
        self.add_argument("log_file_name", nargs="?", default=_LOG_FILES[0], help="log file name")

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}\n{self.format_help()}")


def _is_level(config: str) -> bool:
    if config in _MODES:
        return True
    level = int(config) if config.isdigit() else getattr(logging, config.upper(), None)
    return isinstance(level, int) and 0 <= level <= logging.CRITICAL


def _problem(config: str, context: ServerContext, *, of_site: bool) -> str | None:
    """Why a machine does not take a level for its logs; ``None`` where it does."""
    if _is_level(config):
        return None
    if context.profile.checks_site_log_config:
        return _BAD_CONFIG if of_site else f"ValueError: {_BAD_CONFIG}"
    return f"ValueError: Invalid logging level: {config}"


@answers("configure_site_log")
def configure_site_log(context: ServerContext, call: Call) -> Reply:
    """Set the level of the logs of machines."""
    target = call.found_target()
    config = call.words[-1].strip()
    problem = _problem(config, context, of_site=True)
    if problem is not None and context.profile.checks_site_log_config:
        return Reply().error(problem, meta(MetaStatus.SYNTAX_ERROR, problem))
    if problem is not None and target.server:
        return Reply().error(problem, meta(MetaStatus.INTERNAL_ERROR, problem))
    reply = Reply()
    if target.server:
        reply.string("successfully configured server site log")
    if target.word == SERVER_SITE:
        return reply
    rows: list[list[Json]] = [["CLIENT", "RESPONSE"]]
    for site in target.sites:
        refusal = refused_by_site(context, call, site)
        told = refusal or problem or f"successfully configured {site} log"
        rows.append([site, "" if site in call.silent else told])
    if not target.sites:
        reply.string("no responses from clients")
    return reply.table(rows)


@answers("configure_job_log")
def configure_job_log(context: ServerContext, call: Call) -> Reply:
    """Set the level of the logs of a job that runs."""
    job, target = call.found_job(), call.found_target()
    if job.status is not JobStatus.RUNNING:
        return Reply().error(f"Job {job.job_id} must be running but is {job.status.value}")
    problem = _problem(call.words[-1], context, of_site=False)
    if problem is not None and target.server:
        return Reply().error(problem)
    reply = Reply()
    if target.server:
        reply.string(f"successfully configured server job {job.job_id} log")
    if target.word == SERVER_SITE:
        return reply
    rows: list[list[Json]] = [["CLIENT", "RESPONSE"]]
    said = {site: problem or f"successfully configured {site} job {job.job_id} log" for site in target.sites}
    rows += [[site, "" if site in call.silent else words] for site, words in said.items()]
    if not target.sites:
        reply.string("no responses from clients")
    reply.table(rows)
    if problem is not None and context.profile.sites.tells_failed_sites:
        reply.error("\n".join(f"{site}: {problem}" for site in target.sites))
    return reply


# --- the text of a job's logs -----------------------------------------------------------------------------------


def _cut(text: str, end: LogEnd) -> str:
    raw = text.encode("utf-8")
    if len(raw) <= MAX_LOG_BYTES:
        return text
    if end is LogEnd.FIRST:
        kept = raw[:MAX_LOG_BYTES].decode("utf-8", errors="replace")
        return f"{kept}\n... output truncated after {MAX_LOG_BYTES} bytes ...\n"
    kept = raw[-MAX_LOG_BYTES:].decode("utf-8", errors="replace")
    return f"... output truncated to last {MAX_LOG_BYTES} bytes ...\n{kept}"


def _server_log(files: dict[str, str], name: str) -> str | None:
    """The path of the server's log among the files of a workspace."""
    below = f"{SERVER_SITE}/{name}"
    known = [path for path in (name, below) if path in files]
    return next(iter([*known, *(path for path in files if path.endswith(f"/{below}"))]), None)


def _site_logs(files: dict[str, str], name: str) -> dict[str, str]:
    """The logs of sites among the files of a workspace: those in a folder of the site's name, the topmost first."""
    found: dict[str, str] = {}
    for path in sorted(files, key=lambda one: one.count("/"), reverse=True):
        *_, folder, base = ["", *path.split("/")]
        if base == name and folder and folder != SERVER_SITE:
            found[folder] = files[path]
    return found


def _named_sites(job: Job) -> set[str]:
    named = {site for sites in job.deploy_map.values() for site in sites}
    return {site for site in named if site and site != SERVER_SITE and site.upper() != ALL_SITES}


@answers("get_job_log")
def get_job_log(context: ServerContext, call: Call) -> Reply:
    """The logs of a job that runs or ran; those of sites as far as the job's result has them."""
    try:
        options = _LogParser().parse_args(call.words[1:])
    except ValueError as problem:
        text = f"{type(problem).__name__}: {problem}"
        return Reply().error(text, meta(MetaStatus.SYNTAX_ERROR, text))
    job = call.found_job()
    name = options.log_file_name if options.log_file_name in _LOG_FILES else _LOG_FILES[0]
    end = context.profile.log_end
    files = context.engine.workspace_texts(job)
    sites = {site: _cut(text, end) for site, text in _site_logs(files, name).items()}
    logs: dict[str, Json] = {}
    unavailable: dict[str, Json] = {}
    target = options.target.lower()
    everything = target in ("all", ALL_SITES.lower())
    if everything or target == SERVER_SITE:
        path = _server_log(files, name)
        if path is not None:
            logs[SERVER_SITE] = _cut(files[path], end)
        else:
            unavailable[SERVER_SITE] = "server log not available for this job"
    wanted = sorted(_named_sites(job) | set(sites)) if everything else [options.target]
    for site in wanted if target != SERVER_SITE else ():
        if site in sites:
            logs[site] = sites[site]
        else:
            unavailable[site] = "client log stream not available for this job"
    payload: dict[str, Json] = {"logs": logs} | ({"unavailable": unavailable} if unavailable else {})
    return Reply().dict(payload, meta(MetaStatus.OK))
