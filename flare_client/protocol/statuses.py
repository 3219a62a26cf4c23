"""The status words of replies, and how a client judges a reply by them.

Source: the official client of 2.3.12, 2.4.2, 2.5.2 and 2.6.3, driven against scripted replies.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from flare_client.protocol.envelope import Item, ItemType


class MetaStatus(str, enum.Enum):
    """The ``status`` of a reply's meta."""

    OK = "ok"
    ERROR = "error"
    SYNTAX_ERROR = "syntax_error"
    NOT_AUTHENTICATED = "not_authenticated"
    NOT_AUTHORIZED = "not_authorized"
    INVALID_JOB_DEFINITION = "invalid_job_def"
    INVALID_JOB_ID = "invalid_job_id"
    JOB_RUNNING = "job_running"
    JOB_NOT_RUNNING = "job_not_running"
    CLIENTS_RUNNING = "clients_running"
    NO_JOBS = "no_jobs"
    NO_JOB_COMPONENTS = "no_job_components"
    """From 2.8 on; misspelt before, see ``ReleaseProfile.no_components_status``."""
    NO_REPLY = "no_reply"
    NO_CLIENTS = "no_clients"
    INTERNAL_ERROR = "internal_error"
    INVALID_TARGET = "invalid_target"
    SUBMIT_TOKEN_CONFLICT = "submit_token_conflict"
    """From 2.8 on, as the next."""
    SUBMIT_TOKEN_JOB_DELETED = "submit_token_job_deleted"

    def __str__(self) -> str:
        return self.value


NO_CLIENTS = "no clients available"
"""The info beside ``invalid_target`` where no site is connected."""


class MetaKey(str, enum.Enum):
    """The keys of a reply's meta."""

    STATUS = "status"
    INFO = "info"
    JOB_ID = "job_id"
    JOB_META = "job_meta"
    JOBS = "jobs"
    JOB_DOWNLOAD_URL = "job_download_url"
    FILES = "files"
    TX_ID = "tx_id"
    FOLDER_NAME = "folder_name"
    CMD_NAME = "cmd_name"
    SOURCE_FQCN = "source_fqcn"
    SERVER_STATUS = "server_status"
    SERVER_START_TIME = "server_start_time"
    CLIENTS = "clients"
    CLIENT_NAME = "client_name"
    CLIENT_LAST_CONNECT_TIME = "client_last_conn_time"
    CLIENT_STATUS = "client_status"
    APP_NAME = "app_name"
    FQCN = "fqcn"
    JOB_COMPONENTS = "job_components"
    CODE = "code"
    SUBMIT_RECORDS_DELETED = "submit_records_marked_deleted"
    SUBMIT_RECORD_STATE = "submit_record_state"
    DELETED_TIME = "deleted_time"

    def __str__(self) -> str:
        return self.value


class RequestMetaKey(str, enum.Enum):
    """The keys of a request's meta; releases from 2.4 (``cmd_props``: 2.5) read them."""

    CMD_TIMEOUT = "cmd_timeout"
    CUSTOM_PROPS = "custom_props"
    CMD_PROPS = "cmd_props"

    def __str__(self) -> str:
        return self.value


class ApiStatus(str, enum.Enum):
    """What an official client makes of the items of a reply, apart from its meta; equal to its word, as official."""

    SUCCESS = "SUCCESS"
    ERROR_PROTOCOL = "ERROR_PROTOCOL"
    ERROR_CERT = "ERROR_CERT"
    ERROR_AUTHENTICATION = "ERROR_AUTHENTICATION"
    ERROR_AUTHORIZATION = "ERROR_AUTHORIZATION"
    ERROR_SYNTAX = "ERROR_SYNTAX"
    ERROR_RUNTIME = "ERROR_RUNTIME"
    ERROR_INVALID_CLIENT = "ERROR_INVALID_CLIENT"
    ERROR_INACTIVE_SESSION = "ERROR_INACTIVE_SESSION"
    ERROR_SERVER_CONNECTION = "ERROR_SERVER_CONNECTION"


SESSION_INACTIVE = "session_inactive"
"""The word by which a server says that a token is unknown or has expired."""

LOGIN_ACCEPTED = "OK"
LOGIN_REJECTED = "REJECT"

_TELLTALES: tuple[tuple[str, ApiStatus], ...] = (
    (SESSION_INACTIVE, ApiStatus.ERROR_INACTIVE_SESSION),
    ("wrong server", ApiStatus.ERROR_SERVER_CONNECTION),
    ("Failed to communicate", ApiStatus.ERROR_SERVER_CONNECTION),
    ("invalid client", ApiStatus.ERROR_INVALID_CLIENT),
    ("unknown site", ApiStatus.ERROR_INVALID_CLIENT),
    ("not authorized", ApiStatus.ERROR_AUTHORIZATION),
)


def api_status(items: Iterable[Item]) -> ApiStatus:
    """Judge the items of a reply as official clients of 2.3-2.6 do.

    A ``success`` item anywhere settles it. Otherwise the words of the text items decide, first telltale first,
    and an error without a telltale counts as success: only the meta tells then.
    """
    listed = list(items)
    if not listed:
        return ApiStatus.ERROR_RUNTIME
    if any(item.type is ItemType.SUCCESS for item in listed):
        return ApiStatus.SUCCESS
    text = "".join(str(item.data) for item in listed if item.type in (ItemType.STRING, ItemType.ERROR))
    return next((status for telltale, status in _TELLTALES if telltale in text), ApiStatus.SUCCESS)


def says_goodbye(items: Iterable[Item]) -> bool:
    """Whether a reply tells the client to close its session: a ``shutdown`` item that no ``error`` item precedes.

    Official clients of 2.3-2.6 read the items in order and stop at the first of either kind.
    """
    telling = (ItemType.SHUTDOWN, ItemType.ERROR)
    return next((item.type for item in items if item.type in telling), None) is ItemType.SHUTDOWN
