"""Commands that ask sites: which sites, how long the server waits for them, and what it says where one is silent."""

from __future__ import annotations

from flare_client.protocol.statuses import MetaStatus, RequestMetaKey
from mock_server.answers import Reply, meta
from mock_server.commands.refusals import runs
from mock_server.commands.targets import SERVER, TargetError, connected, read_clients
from mock_server.context import Call, ServerContext
from mock_server.sites.shell import SHELL_COMMANDS

_OF_TARGETS = frozenset(
    {
        "check_status",
        "show_stats",
        "show_errors",
        "reset_errors",
        "sys_info",
        "report_resources",
        "report_version",
        "show_scopes",
        "shutdown",
        "configure_site_log",
        "configure_job_log",
        "start_app",
        "abort_task",
    }
)
ASKING = _OF_TARGETS | {"report_env", "restart", *SHELL_COMMANDS}
"""The commands that sites answer."""

NO_REPLIES = "No replies"
"""What a server says of a site that was silent, in most commands."""


def asked_sites(context: ServerContext, call: Call) -> tuple[str, ...]:
    """The sites that a command asks; those of a command that is about to be refused are none."""
    name = call.spec.name
    if name in SHELL_COMMANDS:
        return (call.words[1],) if call.words[1] in connected(context) else ()
    if name == "report_env":
        try:
            return read_clients(context, call.words[1:], call.session.study)
        except TargetError:
            return ()
    if name in ("restart", "shutdown") and context.engine.running_jobs():
        return ()  # refused before anybody is asked
    if name in ("start_app", "configure_job_log") and not runs(context, call.found_job()):
        return ()  # likewise
    target = call.target
    if target is None:
        return ()
    if name == "restart" and target.word == SERVER:
        return tuple(connected(context))
    return target.sites


def patience(context: ServerContext, call: Call) -> float:
    """Seconds that the server waits for sites: its own timeout, or what came with the command from 2.4 on."""
    own = context.site_timeout
    if call.spec.name in SHELL_COMMANDS or not context.profile.detailed_meta_statuses:
        return own  # these wait as long as the server does, whatever the client says
    wanted = call.request.meta.get(RequestMetaKey.CMD_TIMEOUT.value)
    return float(wanted) if isinstance(wanted, (int, float)) and wanted else own


def timed_out(context: ServerContext) -> Reply:
    """What a server says where the one site that it asked was silent."""
    text = "no reply from client - timed out"
    if not context.profile.detailed_meta_statuses:
        return Reply().error(text)
    return Reply().error(text, meta(MetaStatus.INTERNAL_ERROR, "client timeout"))
