"""What a client may have or not have: the features of the adapter protocol, and which calls need which.

A client need not have every part of the API to be checked. It claims what it has; a check that calls anything else is
skipped with that reason, at the call, so no contract has to say which calls it makes.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from typing import Any

from conformance.verdicts import Unsuitable


class Feature(str, enum.Enum):
    """A part of the API that a client may lack; the value is the word of the protocol."""

    BASIC_CB = "basic_cb"
    DEBUG = "debug"
    THREADS = "threads"
    INSECURE = "insecure"
    STUDY = "study"
    SUBMIT_TOKEN = "submit_token"  # noqa: S105 - a word of the protocol
    SET_TIMEOUT = "set_timeout"
    MONITOR_CALLBACK = "monitor_callback"
    DOWNLOADS = "downloads"
    CELL_INFO = "cell_info"

    def __str__(self) -> str:
        return self.value


MEANINGS: Mapping[Feature, str] = {
    Feature.BASIC_CB: "the sample callback basic_cb_with_print",
    Feature.DEBUG: "the argument debug of the functions that open sessions",
    Feature.THREADS: "a session that several threads may use; requests come while another is open",
    Feature.INSECURE: "new_insecure_session",
    Feature.STUDY: "the argument study of the functions that open sessions (releases from 2.8)",
    Feature.SUBMIT_TOKEN: "the argument submit_token of submit_job and list_jobs (releases from 2.8)",
    Feature.SET_TIMEOUT: "set_timeout and unset_timeout",
    Feature.MONITOR_CALLBACK: "callbacks of monitor_job",
    Feature.DOWNLOADS: "download_job_result",
    Feature.CELL_INFO: "get_cell_conn_info (release 2.3)",
}
"""What each feature stands for, in words."""

CLOCK = "clock"
"""What a client in this process may have beside: sessions that wait on the clock which is put into their attribute
``clock``, an object with ``monotonic()`` and ``sleep(seconds)``. No word of the protocol: a program waits by itself."""

SESSION_FEATURES = frozenset(
    {
        Feature.INSECURE,
        Feature.SUBMIT_TOKEN,
        Feature.SET_TIMEOUT,
        Feature.MONITOR_CALLBACK,
        Feature.DOWNLOADS,
        Feature.CELL_INFO,
    }
)
"""What every whole ``Session`` has, on the releases that know it."""

_OF_METHODS = {
    "download_job_result": Feature.DOWNLOADS,
    "set_timeout": Feature.SET_TIMEOUT,
    "unset_timeout": Feature.SET_TIMEOUT,
    "get_cell_conn_info": Feature.CELL_INFO,
}
_OF_OPTIONS = {"debug": Feature.DEBUG, "study": Feature.STUDY}


def of_call(method: str, kwargs: Mapping[str, Any], *, callback: bool = False) -> set[Feature]:
    """The features that a call of a session's method needs.

    Args:
        method: its name.
        kwargs: its keyword arguments.
        callback: whether it is given a monitor callback.
    """
    needed = {_OF_METHODS[method]} if method in _OF_METHODS else set()
    if "submit_token" in kwargs:
        needed.add(Feature.SUBMIT_TOKEN)
    if callback:
        needed.add(Feature.MONITOR_CALLBACK)
    return needed


def of_opening(secure: bool, further: Mapping[str, Any]) -> set[Feature]:
    """The features that opening a session needs.

    Args:
        secure: whether it is opened with ``new_secure_session``.
        further: arguments beside those that every client has.
    """
    needed = {_OF_OPTIONS[name] for name in further if name in _OF_OPTIONS}
    return needed if secure else needed | {Feature.INSECURE}


def require(needed: Collection[Feature], claimed: Collection[str], client: str) -> None:
    """Let a check go on only with a client that claims what it needs.

    Raises:
        Unsuitable: the client does not claim it.
    """
    missing = sorted(feature.value for feature in needed if feature.value not in claimed)
    if missing:
        words = ", ".join(f"{name} ({MEANINGS[Feature(name)]})" for name in missing)
        raise Unsuitable(f"needs the feature {words}, which {client} does not claim")
