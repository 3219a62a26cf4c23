"""Every error a ``Session`` raises.

The first group are the classes of the official API (``nvflare.fuel.flare_api.api_spec``), same names, same bases.
The second group name causes that the official client hides behind one of the first: each is a subclass of the class
that the official client raises in that situation, so that code written for it keeps working, and of the class that
says what happened. ``docs/quirks.md`` lists each with its situation.
"""

from __future__ import annotations

import json


class NoConnection(ConnectionError):
    """No session could be established within the time given.

    Official: an ``Exception`` to 2.7, a ``ConnectionError`` from 2.8 on.
    """


class SessionClosed(Exception):
    """The session is closed, here or on the server."""


class InvalidArgumentError(Exception):
    """An argument has a value that the method does not take."""


class InvalidJobDefinition(Exception):
    """The job definition is no job definition: found here or by the server."""


class JobNotFound(Exception):
    """The job id is missing, malformed or unknown."""


class JobNotRunning(Exception):
    """The operation needs a running job."""


class JobNotDone(Exception):
    """The operation needs a job that is over."""


class JobTimeout(Exception):
    """The job was not over within the time given (releases from 2.8)."""


class InternalError(Exception):
    """The server reported an error that has no class of its own, or answered against the protocol."""


class AuthenticationError(Exception):
    """The server does not accept who the user is.

    Attributes:
        auth_code: the server's code for the reason, as ``AUTH_UNKNOWN_STUDY``; ``None`` where it gives none (official:
            from 2.8 on).
    """

    def __init__(self, message: str = "", auth_code: str | None = None) -> None:
        super().__init__(message)
        self.auth_code = auth_code


class AuthorizationError(Exception):
    """The user may not do this."""


class NoClientsAvailable(Exception):
    """No FL client is connected."""


class ClientsStillRunning(Exception):
    """FL clients are still running."""


class InvalidTarget(Exception):
    """The target is unknown or not connected."""


class NoReply(Exception):
    """The target did not answer."""


class SubmitTokenConflict(Exception):
    """The submit token was used before, for another job definition (releases from 2.8).

    Attributes:
        existing_job_id: the job that it stands for.
    """

    def __init__(self, message: str, existing_job_id: str | None = None) -> None:
        super().__init__(message)
        self.existing_job_id = existing_job_id


class SubmitTokenJobDeleted(Exception):
    """The submit token stands for a job that was deleted (releases from 2.8).

    Attributes:
        job_id: the job.
        state: of the token's record.
        deleted_time: when the job was deleted, as the server says.
    """

    def __init__(
        self, message: str, job_id: str | None = None, state: str | None = None, deleted_time: str | None = None
    ) -> None:
        super().__init__(message)
        self.job_id = job_id
        self.state = state
        self.deleted_time = deleted_time


class CommandError(Exception):
    """A command about studies was refused (releases from 2.8).

    Attributes:
        error_code: the server's code for the reason, as ``STUDY_NOT_FOUND``.
        message: what it says.
        hint: what it proposes.
        exit_code: what a command line should end with.
    """

    def __init__(self, error_code: str, message: str = "", hint: str = "", exit_code: int = 1) -> None:
        super().__init__(message or error_code)
        self.error_code = error_code
        self.message = message or error_code
        self.hint = hint or ""
        self.exit_code = exit_code


class FLCommunicationError(Exception):
    """The server's cell could not be reached, or refused this one (official: ``nvflare.apis.fl_exception``)."""


class ConfigError(Exception):
    """The startup kit is unusable (official: ``nvflare.fuel.common.excepts.ConfigError``)."""


# --- causes ---------------------------------------------------------------------------------------------------


class SessionExpired(InternalError, SessionClosed):
    """The server does not know the session's token: it idled too long, or the server was restarted.

    ``try_connect`` logs in again. The official client raises ``InternalError``.
    """


class ServerUnreachable(InternalError, ConnectionError):
    """The server could not be reached, or closed the connection without an answer.

    The official client raises ``InternalError``.
    """


class ConnectionLost(ServerUnreachable, NoConnection):
    """The connection of the session broke while a command waited, or could not be opened (releases from 2.7).

    The next call opens it again. The official client raises ``ConnectionError`` (2.7) or ``NoConnection``.
    """


class CommandTimeout(ServerUnreachable, NoConnection):
    """The server did not answer a command within the session's command timeout (releases from 2.7).

    The command may have been carried out all the same. The official client raises ``ConnectionError`` (2.7) or
    ``NoConnection``.
    """


class ServerNotReached(NoConnection, FLCommunicationError):
    """No login within the time, at a server of releases from 2.7.

    The official client raises ``FLCommunicationError`` (2.7) or ``NoConnection``.
    """


class MalformedReply(ConnectionError, InternalError):
    """The server answered with something that is no reply. The official client raises ``ConnectionError``."""


class NotConnected(SessionClosed):
    """The session never logged in. The official client raises ``SessionClosed``."""


class LoginRejected(NoConnection, AuthenticationError):
    """The server refused the user or one side refused the other's certificate; waiting would not help.

    The official client raises ``NoConnection`` once the whole time is over.
    """

    def __init__(self, message: str = "", auth_code: str | None = None) -> None:
        super().__init__(message)
        self.auth_code = auth_code


class RegistrationRejected(LoginRejected, FLCommunicationError):
    """The server refused the cell, is not the one that the kit names, or one side refused the other's certificate.

    Of releases from 2.7. The official client raises ``FLCommunicationError``, or ``NoConnection`` from 2.8 on.
    """


class NotInRelease(InternalError, AttributeError):
    """The release of the server has no such operation.

    The official client of that release has no such method (``AttributeError``), or knows no such command
    (``InternalError``).
    """


class UnsafeArchive(InternalError):
    """A downloaded archive would write where it must not, or is a bomb. Nothing of it was kept."""


class KitNotFound(ConfigError, AssertionError):
    """There is no startup kit at that place. The official client raises ``AssertionError``."""


class KitLayoutError(ConfigError, RuntimeError):
    """A folder of the kit is missing. The official client raises ``RuntimeError``."""


class KitTypeError(ConfigError, TypeError):
    """A field of the kit is missing. The official client raises ``TypeError``."""


class KitFileNotFound(ConfigError, FileNotFoundError):
    """``fed_admin.json``, or a file that it names in a kit from 2.7 on, is missing.

    The official client raises ``FileNotFoundError``.
    """


class KitCredentialsUnusable(ConfigError, NoConnection, FLCommunicationError, ValueError):
    """The kit's certificate or key is no PEM, is encrypted, or the two do not fit each other.

    The official client raises ``NoConnection`` once the time is over, ``FLCommunicationError`` in 2.7, and
    ``ValueError`` from 2.7 on where a file is no PEM.
    """


class KitValueError(ConfigError, ValueError):
    """A field of the kit has an unusable value. The official client raises ``ValueError``."""


class KitSchemeUnknown(ConfigError, RuntimeError):
    """The kit asks for a scheme that there is not. The official client raises ``RuntimeError``."""


class KitNotJson(KitValueError, json.JSONDecodeError):
    """A file of the kit is no JSON. The official client raises ``json.JSONDecodeError``, 2.7 ``ConfigError``."""

    def __init__(self, message: str, doc: str = "", pos: int = 0) -> None:
        json.JSONDecodeError.__init__(self, message, doc, pos)
        self.args = (message,)  # which says the place already
