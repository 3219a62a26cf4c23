"""Login, logout, the check of a session, and the command list: what works before or about a session."""

from __future__ import annotations

import hmac

from flare_client.protocol.formats import DEFAULT_STUDY, is_study_name
from flare_client.protocol.kit import INSECURE_PASSWORD, INSECURE_USER
from flare_client.protocol.statuses import LOGIN_ACCEPTED, LOGIN_REJECTED, SESSION_INACTIVE, MetaStatus
from mock_server.answers import Reply, meta
from mock_server.context import Request, ServerContext
from mock_server.sessions import AdminSession

INSECURE_ORG = "global"

TOKENLESS = ("_cert_login", "_login", "_check_session")
"""Commands without the token check; the literal names, a qualified one is checked (observed: 2.3.12-2.6.3)."""


def _inactive(text: str) -> Reply:
    return Reply().error(SESSION_INACTIVE).string(text)


def expired(context: ServerContext) -> Reply:
    """The answer to a command with an unknown or expired token."""
    idle = f"{context.sessions.idle_timeout:g}"
    over = context.profile.session_over_text
    return _inactive(f"user not authenticated or session {over} after {idle} seconds of inactivity - logged out")


def _accept(session: AdminSession) -> Reply:
    return Reply().string(LOGIN_ACCEPTED).token(session.token)


def _reject(code: str = "", reason: str = "") -> Reply:
    return Reply().string(f"{LOGIN_REJECTED}: {code}: {reason}" if code else LOGIN_REJECTED)


def cert_login(context: ServerContext, request: Request, words: list[str]) -> Reply:
    """Log in by certificate: the name given must be the name in the certificate, case included."""
    peer = request.peer
    if not peer.is_secure or len(words) != 2 or words[1] != peer.name:
        return _reject()
    study = request.study
    if not context.profile.has_studies:
        return _accept(context.sessions.open(words[1], peer.org, peer.role, ends_at=peer.ends_at))
    if not isinstance(study, str):
        return _reject("AUTH_INVALID_STUDY", "study must be a string")
    if not is_study_name(study):
        return _reject("AUTH_INVALID_STUDY_NAME", f"invalid study name '{study}'")
    if study != DEFAULT_STUDY:
        record = context.studies.get(study)
        if not context.studies.are_kept:
            return _reject("AUTH_STUDY_NOT_CONFIGURED", f"study '{study}' is not configured on the server")
        if record is None:
            return _reject("AUTH_UNKNOWN_STUDY", f"unknown study '{study}'")
        if peer.name not in record.users:
            return _reject("AUTH_STUDY_USER_NOT_MAPPED", f"user '{peer.name}' is not mapped to study '{study}'")
    return _accept(context.sessions.open(words[1], peer.org, peer.role, study, peer.ends_at))


def password_login(context: ServerContext, request: Request, words: list[str]) -> Reply:
    """Log in by password, which insecure servers alone know."""
    if request.peer.is_secure or len(words) != 3:
        return _reject()
    known = hmac.compare_digest(words[1], INSECURE_USER) and hmac.compare_digest(words[2], INSECURE_PASSWORD)
    if not known:
        return _reject()
    return _accept(context.sessions.open(INSECURE_USER, INSECURE_ORG, context.profile.insecure_role))


def check_session(context: ServerContext, request: Request, _words: list[str]) -> Reply:
    """Say whether a session is alive, without refreshing it."""
    if request.token is None and context.profile.cell is not None:
        return Reply().error("invalid_session")
    if request.token and context.sessions.find(request.token):
        return Reply().string("OK")
    idle = f"{context.sessions.idle_timeout:g}"
    return _inactive(f"admin client session timed out after {idle} seconds of inactivity - logging out")


def log_out(context: ServerContext, request: Request, _words: list[str]) -> Reply:
    """End the session of the request's token."""
    context.sessions.close(request.token or "")
    return Reply().string("OK")


def list_commands(context: ServerContext, _request: Request, words: list[str]) -> Reply:
    """The table of commands, or the help of those that are named."""
    if len(words) == 1:
        return Reply().table([list(row) for row in context.commands.rows()])
    reply = Reply()
    for name in words[1:]:
        spec = context.commands.find(name)
        if spec is not None:
            reply.string(f"Command: {spec.full_name}").string(f"Description: {spec.description}")
            reply.string(f"Usage: {spec.usage}\n")
        elif not name.startswith("_"):
            # Commands with a leading underscore are there, but not to be seen.
            text = f"undefined command {name}\n"
            reply.error(text, meta(MetaStatus.ERROR, text))
    return reply
