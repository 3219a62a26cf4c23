"""The reference client for NVIDIA FLARE's admin API.

``from flare_client import new_secure_session`` replaces the official
``from nvflare.fuel.flare_api.flare_api import new_secure_session``: same signatures, results and errors, releases
2.3-2.9, and neither numpy nor grpc to import.

PYTEST_DONT_REWRITE: for packages of plugins pytest warns where they are imported before it starts, unless they say so.
"""

from flare_client.api import AdminApi, CommandInfo
from flare_client.clock import Clock, MachineClock
from flare_client.errors import (
    AuthenticationError,
    AuthorizationError,
    ClientsStillRunning,
    CommandError,
    CommandTimeout,
    ConfigError,
    ConnectionLost,
    FLCommunicationError,
    InternalError,
    InvalidArgumentError,
    InvalidJobDefinition,
    InvalidTarget,
    JobNotDone,
    JobNotFound,
    JobNotRunning,
    JobTimeout,
    LoginRejected,
    MalformedReply,
    NoClientsAvailable,
    NoConnection,
    NoReply,
    NotConnected,
    NotInRelease,
    RegistrationRejected,
    ServerNotReached,
    ServerUnreachable,
    SessionClosed,
    SessionExpired,
    SubmitTokenConflict,
    SubmitTokenJobDeleted,
    UnsafeArchive,
)
from flare_client.monitoring import basic_cb_with_print
from flare_client.opening import new_insecure_session, new_secure_session, new_session
from flare_client.progress import Progress, Transferred
from flare_client.session import Session
from flare_client.types import ClientInfo, JobInfo, MonitorReturnCode, ServerInfo, SystemInfo, TargetType

__all__ = [
    "AdminApi",
    "AuthenticationError",
    "AuthorizationError",
    "ClientInfo",
    "ClientsStillRunning",
    "Clock",
    "CommandError",
    "CommandInfo",
    "CommandTimeout",
    "ConfigError",
    "ConnectionLost",
    "FLCommunicationError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidJobDefinition",
    "InvalidTarget",
    "JobInfo",
    "JobNotDone",
    "JobNotFound",
    "JobNotRunning",
    "JobTimeout",
    "LoginRejected",
    "MachineClock",
    "MalformedReply",
    "MonitorReturnCode",
    "NoClientsAvailable",
    "NoConnection",
    "NoReply",
    "NotConnected",
    "NotInRelease",
    "Progress",
    "RegistrationRejected",
    "ServerInfo",
    "ServerNotReached",
    "ServerUnreachable",
    "Session",
    "SessionClosed",
    "SessionExpired",
    "SubmitTokenConflict",
    "SubmitTokenJobDeleted",
    "SystemInfo",
    "TargetType",
    "Transferred",
    "UnsafeArchive",
    "basic_cb_with_print",
    "new_insecure_session",
    "new_secure_session",
    "new_session",
]
