"""What a running job counts and what went wrong in it, at the server and at the sites."""

from __future__ import annotations

from flare_client.protocol.envelope import Json
from flare_client.protocol.jobs import SERVER_SITE
from flare_client.protocol.statuses import MetaStatus
from mock_server.answers import Reply, meta
from mock_server.commands.refusals import not_running, refused_by_site, runs
from mock_server.commands.registry import answers
from mock_server.commands.targets import ALL
from mock_server.context import Call, ServerContext
from mock_server.sites.statistics import errors, statistics

INFO_COMMANDS = frozenset({"show_stats", "show_errors", "reset_errors"})

_NO_ERROR = "No Error"
"""What the server says of a job in which nothing went wrong; a site says nothing."""


def check_info_words(context: ServerContext, call: Call) -> Reply | None:
    """Check how many words there are: a job and its targets, a target alone in 2.3."""
    if context.profile.sites.one_target_of_info:
        return Reply().error("syntax error: missing job_id and target") if len(call.words) != 3 else None
    if len(call.words) < 3:
        return Reply().error(f"Usage: {call.spec.usage}", meta(MetaStatus.SYNTAX_ERROR))
    return None


def check_runs(context: ServerContext, call: Call) -> Reply | None:
    """Check that the job runs; that counts before the right to ask."""
    job = call.found_job()
    return None if runs(context, job) else not_running(context, job)


def _told(context: ServerContext, call: Call, machine: str) -> Json:
    """What a machine answers."""
    job = call.found_job()
    is_server = machine == SERVER_SITE
    takes_part = is_server or job.app_at(machine) is not None
    if call.spec.name == "show_stats":
        return statistics(context, job, machine) if takes_part else {}
    if call.spec.name == "show_errors":
        found = errors(context, job, machine) if takes_part else {}
        return _NO_ERROR if is_server and not found else found
    context.reset_errors.add((job.job_id, machine))
    job.errors.pop(machine, None)
    return f"reset the server error stats for job: {job.job_id}" if is_server else {"status": "OK"}


@answers(*INFO_COMMANDS)
def info_of_job(context: ServerContext, call: Call) -> Reply:
    """What the machines tell of a running job."""
    if context.profile.sites.one_target_of_info:
        return _one_by_one(context, call)
    target = call.found_target()
    told: dict[str, Json] = {SERVER_SITE: _told(context, call, SERVER_SITE)} if target.server else {}
    for site in target.sites:
        if refused_by_site(context, call, site) is not None or site in call.silent:
            # Neither a refusal nor silence is JSON, and the official server looks at no reply behind one that is none.
            told[site] = "invalid_reply"
            break
        told[site] = _told(context, call, site)
    return Reply().dict(told)


def _one_by_one(context: ServerContext, call: Call) -> Reply:
    """The answer of 2.3: an item a machine, and nothing at all for ``all``."""
    target, reply = call.found_target(), Reply()
    if target.word == ALL:
        return reply
    if target.server:
        return _add(reply, _told(context, call, SERVER_SITE))
    for site in target.sites:
        reply.string(f"--- Client ---: {site}")
        if refused_by_site(context, call, site) is not None or site in call.silent:
            reply.string("Bad responses from clients")
        else:
            _add(reply, _told(context, call, site))
    return reply


def _add(reply: Reply, told: Json) -> Reply:
    return reply.dict(told) if isinstance(told, dict) else reply.string(str(told))
