"""From a request to an answer: the checks of an official server in their order, then the handler.

Command known? Token alive? Arguments in order? Allowed? A request that fails two checks is answered by the first, so
an unknown command with a bad token is an unknown command, and an unknown job is reported before a missing right
(observed: 2.3.12-2.6.3).
"""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable

from flare_client.protocol.commands import Argument, CommandSpec, Right
from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.statuses import MetaStatus
from mock_server.answers import Answer, EmptyAnswer, Late, Reply, meta
from mock_server.commands import cells, info, jobs, login, logs, shell, studies, system, training, transfer
from mock_server.commands.asking import ASKING, asked_sites, patience
from mock_server.commands.info import INFO_COMMANDS, check_info_words, check_runs
from mock_server.commands.refusals import submitter_of, unknown_job
from mock_server.commands.registry import HANDLERS
from mock_server.commands.shell import check_shell_command
from mock_server.commands.targets import CLIENT, SERVER, TargetError, read_target
from mock_server.commands.words import split_words
from mock_server.context import Call, Request, ServerContext
from mock_server.sessions import AdminSession
from mock_server.sites.inquiry import inquire

_logger = logging.getLogger("mock_server")
_MOST_IDS = 4096
"""Ids of jobs whose form is remembered."""

_LOGIN_COMMANDS = {
    "_cert_login": login.cert_login,
    "_login": login.password_login,
    "_check_session": login.check_session,
    "_logout": login.log_out,
    "_commands": login.list_commands,
}
"""The commands of scope ``login``: there, but not in the table that a server announces."""

# Importing a module registers its handlers.
COMMAND_MODULES = (cells, info, jobs, logs, shell, studies, system, training, transfer)


def answer(context: ServerContext, request: Request) -> Answer | Late[Answer]:
    """Answer one request; an error inside a command is answered as an official server does, and logged.

    Where sites are asked that take their time, the answer is a late one: what is checked is checked now, and what is to
    be done is done then.
    """
    return _guarded(context, request, lambda: _answer(context, request))


def _guarded(
    context: ServerContext, request: Request, act: Callable[[], Answer | Late[Answer]]
) -> Answer | Late[Answer]:
    try:
        context.engine.advance()
        return act()
    except Exception as problem:  # the outermost frame of a command: the server goes on serving
        _logger.warning("%r failed: %s: %s", request.line[:120], type(problem).__name__, problem, exc_info=True)
        return Reply().error(f"Exception Occurred: {type(problem).__name__}: {problem}")
    finally:
        if request.upload is not None:
            # A command that keeps the file has moved it away.
            request.upload.unlink(missing_ok=True)


def _answer(context: ServerContext, request: Request) -> Answer | Late[Answer]:
    try:
        words = split_words(request.line, context.profile)
    except ValueError as problem:
        return Reply().error(f"Exception Occurred: ValueError: {problem}")
    spec = context.commands.find(words[0])
    login_name = words[0].removeprefix("login.")
    if spec is None and login_name not in _LOGIN_COMMANDS:
        return Reply().error(f'Unknown command "{words[0]}"')
    if words[0] in login.TOKENLESS:
        return _LOGIN_COMMANDS[words[0]](context, request, words)
    if request.token is None:
        return Reply().error("not authenticated - no token")
    session = context.sessions.find(request.token)
    if session is None:
        return login.expired(context)
    context.sessions.refresh(session)
    if spec is None:
        return _LOGIN_COMMANDS[login_name](context, request, words)
    return _run(context, Call(spec, words, request, session))


def _run(context: ServerContext, call: Call) -> Answer | Late[Answer]:
    refusal = _check_arguments(context, call) or _check_right(context, call)
    if refusal is not None:
        return refusal
    if context.scenario.has_slow_sites and call.spec.name in ASKING:
        inquiry = inquire(context, asked_sites(context, call), patience(context, call))
        call.silent = inquiry.silent
        if inquiry.wait > 0:
            return Late(inquiry.wait, lambda: _at_last(context, call))
    return _handle(context, call)


def _at_last(context: ServerContext, call: Call) -> Answer:
    answered = _guarded(context, call.request, lambda: _handle(context, call))
    if isinstance(answered, Late):
        raise TypeError("a handler answers at once")
    return answered


def _handle(context: ServerContext, call: Call) -> Answer:
    answered = HANDLERS[call.spec.name](context, call)
    if isinstance(answered, Reply) and not answered.items:
        # A handler without an item sends the end marker alone, even where it set a meta (observed: 2.3.12).
        return EmptyAnswer()
    return answered


def _check_arguments(context: ServerContext, call: Call) -> Reply | None:
    if call.spec.argument is Argument.SHELL:
        return check_shell_command(context, call)
    if call.spec.argument is Argument.JOB_ID:
        if call.spec.name not in INFO_COMMANDS:
            return _find_job(context, call, 1) or _check_job_targets(context, call)
        wrong = check_info_words(context, call) or _find_job(context, call, 1) or _check_job_targets(context, call)
        return wrong or check_runs(context, call)
    return _check_target_arguments(context, call)


def _check_target_arguments(context: ServerContext, call: Call) -> Reply | None:
    if call.spec.argument is Argument.JOB_SETTING:
        if len(call.words) < 4:
            return Reply().error("syntax error: please provide job_id, target_type, and config")
        return _find_job(context, call, 1) or _find_targets(context, call, call.words[2:-1])
    if call.spec.argument is Argument.SITE_SETTING:
        if len(call.words) < 3:
            return Reply().error("syntax error: please provide target_type and config")
        return _find_targets(context, call, call.words[1:-1])
    if call.spec.argument is Argument.JOB_FILE:
        if len(call.words) < 4:
            return Reply().error(f"Usage: {call.spec.usage}", meta(MetaStatus.SYNTAX_ERROR))
        return _find_job(context, call, 2)
    if call.spec.argument is Argument.TARGETS:
        return _find_targets(context, call, call.words[1:])
    if call.spec.argument is Argument.SITES:
        return _find_targets(context, call, [CLIENT, *call.words[1:]])
    return None


@functools.lru_cache(_MOST_IDS)
def _is_uuid4(text: str) -> bool:
    try:
        return uuid.UUID(text).version == 4
    except ValueError:
        return False


def _find_job(context: ServerContext, call: Call, position: int) -> Reply | None:
    if len(call.words) <= position:
        return Reply().error("syntax error: missing job_id", meta(MetaStatus.SYNTAX_ERROR, "missing job_id"))
    job_id = call.words[position].lower()
    if context.profile.checks_job_id_form and not _is_uuid4(job_id):
        return Reply().error(f"invalid job_id {job_id}", meta(MetaStatus.INVALID_JOB_ID, job_id))
    job = context.engine.get(job_id)
    if job is None or (context.profile.has_studies and job.study != call.session.study):
        return unknown_job(context, job_id)
    call.job = job
    return None


_JOB_TARGETS = frozenset(
    {"abort_job", "delete_job", "clone_job", "get_job_meta", "download_job", "list_job", "start_app", "abort_task"}
    | {"download_job_components"}
    | INFO_COMMANDS
)


def _check_job_targets(context: ServerContext, call: Call) -> Reply | None:
    if len(call.words) <= 2 or call.spec.name not in _JOB_TARGETS:
        return None
    try:
        call.target = read_target(context, call.words[2:], call.session.study)
    except TargetError as problem:
        status = MetaStatus.INVALID_TARGET if context.profile.detailed_meta_statuses else MetaStatus.SYNTAX_ERROR
        return Reply().error(str(problem), meta(status, str(problem)))
    return None


def _find_targets(context: ServerContext, call: Call, words: list[str]) -> Reply | None:
    try:
        call.target = read_target(context, words, call.session.study)
    except TargetError as problem:
        status = MetaStatus.INVALID_TARGET if context.profile.detailed_meta_statuses else MetaStatus.ERROR
        return Reply().error(str(problem), meta(status, str(problem)))
    return None


def _check_right(context: ServerContext, call: Call) -> Reply | None:
    spec, user = call.spec, call.user
    if spec.argument is Argument.SHELL and call.words[1] != SERVER:
        return None  # the site answers for itself, in any study
    asks_server = context.studies.are_kept and call.session.study != DEFAULT_STUDY
    if (
        spec.argument in (Argument.TARGETS, Argument.SITE_SETTING)
        and not call.found_target().server
        and not asks_server
    ):
        # What runs at sites alone is for the sites to allow; each answers for itself. In a study the server is asked.
        return None
    if context.policy.allows(spec.right, user, site_org=context.org, submitter=submitter_of(call), command=spec.name):
        return None
    return _refuse(context, spec, call.session)


def _refuse(context: ServerContext, spec: CommandSpec, session: AdminSession) -> Reply:
    if spec.right in (Right.STUDY_ADMIN_ROLE, Right.KNOWN_ROLE):
        return Reply().error(f"NOT_AUTHORIZED for {session.role}", meta(MetaStatus.NOT_AUTHORIZED))
    if spec.right is Right.PROJECT_ADMIN_ROLE:
        text = (
            f"{context.profile.refusal_of_roles} for {session.role}"
            if context.profile.detailed_meta_statuses
            else "Not authorized as project_admin."
        )
        return Reply().error(text, meta(MetaStatus.NOT_AUTHORIZED))
    reason = f"user '{session.user}' is not authorized for '{spec.name}'"
    return Reply().error(f"Authorization Error: {reason}", meta(MetaStatus.NOT_AUTHORIZED, reason))
