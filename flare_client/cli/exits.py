"""How a command ends: exit codes, the kinds of failures, and which error is which.

``docs/flare-command.md`` has the tables for users.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from flare_client import errors


class ExitCode(enum.IntEnum):
    """What a script can go by."""

    FINE = 0
    REFUSED = 1
    """The server says no, or the job did not come to a good end."""
    USAGE = 2
    """The command line is none."""
    UNREACHABLE = 3
    """There is no connection, or no kit to open one with."""
    NOT_ALLOWED = 4
    """The server refuses this user: the login, or what was asked for."""
    TIMEOUT = 5
    """The time given was over before an answer came."""
    FAULT = 70
    """A fault of this program."""
    INTERRUPTED = 130
    """Ctrl-C."""
    TERMINATED = 143
    """SIGTERM."""


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why a command did not do what it was asked to.

    Attributes:
        code: what the process ends with.
        kind: a word for programs, as ``job_not_found``.
        message: what was expected and what came, for people.
        hint: what to try; empty where nobody knows.
        result: what is known all the same, in the form that the command answers in; ``None``: nothing.
    """

    code: ExitCode
    kind: str
    message: str
    hint: str = ""
    result: dict[str, Any] | None = None


class CommandFailed(Exception):
    """A command stops here, for a reason of its own.

    Args:
        failure: the reason.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclasses.dataclass(frozen=True)
class _Rule:
    error: type[BaseException]
    kind: str
    code: ExitCode
    hint: str = ""


_KIT_HINT = "The kit is the folder above `startup`, as the project admin handed it out."
_DOCTOR_HINT = "`flare kit doctor DIR` says all that is wrong with a kit."
_LOGIN_HINT = "`flare kit show` says who the kit is of, and which server it leads to."
_STUDIES_HINT = "Without --study, `flare studies list` shows those that you may work in."
_JOBS_HINT = "`flare jobs list` shows the jobs of the study."

_RULES = (
    # Errors that name a cause are subclasses of official ones: those that say more come first.
    _Rule(errors.KitNotFound, "kit_not_found", ExitCode.UNREACHABLE, _KIT_HINT),
    _Rule(errors.ConfigError, "kit_unusable", ExitCode.UNREACHABLE, _DOCTOR_HINT),
    _Rule(errors.LoginRejected, "login_rejected", ExitCode.NOT_ALLOWED, _LOGIN_HINT),
    _Rule(errors.AuthenticationError, "login_rejected", ExitCode.NOT_ALLOWED),
    _Rule(errors.AuthorizationError, "not_allowed", ExitCode.NOT_ALLOWED),
    _Rule(errors.CommandTimeout, "timeout", ExitCode.TIMEOUT, "The server may have done it all the same."),
    _Rule(errors.JobTimeout, "timeout", ExitCode.TIMEOUT),
    _Rule(TimeoutError, "timeout", ExitCode.TIMEOUT),
    _Rule(errors.SessionExpired, "session_over", ExitCode.UNREACHABLE, "The command may be given again."),
    _Rule(errors.MalformedReply, "server_error", ExitCode.REFUSED),
    _Rule(errors.NoConnection, "no_connection", ExitCode.UNREACHABLE, _LOGIN_HINT),
    _Rule(errors.ServerUnreachable, "no_connection", ExitCode.UNREACHABLE),
    _Rule(errors.SessionClosed, "session_over", ExitCode.UNREACHABLE),
    _Rule(errors.FLCommunicationError, "no_connection", ExitCode.UNREACHABLE),
    _Rule(errors.JobNotFound, "job_not_found", ExitCode.REFUSED, _JOBS_HINT),
    _Rule(errors.JobNotDone, "job_not_done", ExitCode.REFUSED, "`flare jobs wait` waits until a job is over."),
    _Rule(errors.JobNotRunning, "job_not_running", ExitCode.REFUSED, _JOBS_HINT),
    _Rule(errors.InvalidJobDefinition, "job_invalid", ExitCode.REFUSED),
    _Rule(errors.SubmitTokenConflict, "token_conflict", ExitCode.REFUSED, "Another job needs another token."),
    _Rule(errors.SubmitTokenJobDeleted, "token_of_deleted_job", ExitCode.REFUSED, "Submit with another token."),
    _Rule(errors.InvalidTarget, "no_such_site", ExitCode.REFUSED, "`flare system status` shows the connected sites."),
    _Rule(errors.NoClientsAvailable, "no_sites", ExitCode.REFUSED),
    _Rule(
        errors.ClientsStillRunning, "sites_running", ExitCode.REFUSED, "`flare system shutdown all` stops them, too."
    ),
    _Rule(errors.NoReply, "no_reply", ExitCode.REFUSED),
    _Rule(errors.NotInRelease, "not_in_release", ExitCode.REFUSED),
    _Rule(errors.UnsafeArchive, "result_refused", ExitCode.REFUSED, "Nothing of it was kept."),
    _Rule(errors.InternalError, "server_error", ExitCode.REFUSED),
    _Rule(RuntimeError, "server_error", ExitCode.REFUSED),
    # What sessions raise for arguments that no server need see is the official choice.
    _Rule(errors.InvalidArgumentError, "usage", ExitCode.USAGE),
    _Rule(SyntaxError, "usage", ExitCode.USAGE),
    _Rule(ValueError, "usage", ExitCode.USAGE),
    _Rule(OSError, "file_error", ExitCode.REFUSED),
)

_OF_STUDIES = ("AUTH_UNKNOWN_STUDY", "AUTH_STUDY_NOT_CONFIGURED", "AUTH_STUDY_USER_NOT_MAPPED")
"""The codes of a login that is refused for the sake of the study."""
_NOT_AUTHORIZED = "NOT_AUTHORIZED"
"""The code of a refusal about studies that is one of rights."""


def failure_of(problem: Exception) -> Failure:
    """Say what an error means to whoever gave the command."""
    if isinstance(problem, CommandFailed):
        return problem.failure
    if isinstance(problem, errors.CommandError):
        allowed = problem.error_code != _NOT_AUTHORIZED
        code = ExitCode.REFUSED if allowed else ExitCode.NOT_ALLOWED
        return Failure(code, problem.error_code.lower(), problem.message, problem.hint)
    for rule in _RULES:
        if isinstance(problem, rule.error):
            return Failure(rule.code, rule.kind, _words_of(problem), _hint_of(problem, rule))
    return Failure(
        ExitCode.FAULT,
        "fault",
        f"this is a fault of the program: {type(problem).__name__}: {problem}",
        "With --debug it shows where.",
    )


def _words_of(problem: Exception) -> str:
    if type(problem).__module__ == OSError.__module__ and isinstance(problem, OSError) and problem.strerror:
        # The system's own words are "[Errno 13] Permission denied: 'FILE'".
        place = f"expected to read or write {problem.filename}, but: " if problem.filename else ""
        return f"{place}{problem.strerror}"
    return str(problem) or type(problem).__name__


def _hint_of(problem: Exception, rule: _Rule) -> str:
    if isinstance(problem, errors.LoginRejected) and problem.auth_code in _OF_STUDIES:
        return _STUDIES_HINT
    return rule.hint


def kinds() -> frozenset[str]:
    """The kinds of failures that errors of sessions become; those about studies have the server's own, too."""
    return frozenset(rule.kind for rule in _RULES)
