"""Waiting for machines to stop and to come back: looking at the system again and again, by a session of its own.

Source: the official ``Session`` of 2.8.3 and 2.9.0: two looks a second, a second to connect for each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

from flare_client import errors
from flare_client.conversation import Conversation
from flare_client.operations.system import get_system_info
from flare_client.types import SystemInfo

POLL_SECONDS = 0.5
"""Between two looks."""
_CONNECT_SECONDS = 1.0
_LEAST_CONNECT_SECONDS = 0.1

Look = Callable[[float], SystemInfo]
"""Gets the state of the system; is given the seconds that are left."""


def checked_timeout(timeout: object) -> float:
    """Check how long a change may take.

    Raises:
        ValueError: it is no number, or not positive.
    """
    try:
        seconds = float(timeout)  # type: ignore[arg-type]  # text that is a number counts, as official
    except (TypeError, ValueError):
        seconds = 0.0
    if not seconds > 0:
        raise ValueError(f"timeout must be a positive number where wait is true (wait=False: no wait), not {timeout!r}")
    return seconds


def look_anew(conversation: Conversation, left: float) -> SystemInfo:
    """Look at the system by a session of its own.

    Args:
        conversation: of whom and with whom.
        left: seconds until nobody cares any more.

    Raises:
        NoConnection: the server is not there.
    """
    another = conversation.again()
    try:
        another.log_in(min(_CONNECT_SECONDS, max(left, _LEAST_CONNECT_SECONDS)))
        return get_system_info(another)
    finally:
        another.close()


def connect_times(system: SystemInfo) -> dict[str, float]:
    """When each connected site was last heard of."""
    return {client.name: client.last_connect_time for client in system.client_info}


def await_server_end(conversation: Conversation, timeout: float) -> None:
    """Wait until the server cannot be reached.

    Raises:
        TimeoutError: it still can be after that many seconds.
    """

    def missing(left: float) -> str | None:
        try:
            status = look_anew(conversation, left).server_info.status
        except errors.LoginRejected as problem:
            return str(problem)  # somebody is there to reject it
        except errors.NoConnection:
            return None
        except Exception as problem:  # noqa: BLE001 - the next look may tell
            return str(problem)
        return f"server is still reachable: {status}"

    _wait("server did not stop", timeout, missing)


def await_server_restart(conversation: Conversation, started: float | None, timeout: float) -> None:
    """Wait until the server is back.

    Args:
        conversation: of whom and with whom.
        started: its start time before; ``None`` where nobody knows, and whoever answers will do.
        timeout: seconds that it may take.

    Raises:
        TimeoutError: it was not back in time.
    """
    seen_down = started is None

    def missing(left: float) -> str | None:
        nonlocal seen_down
        try:
            now = look_anew(conversation, left).server_info.start_time
        except errors.LoginRejected as problem:
            return str(problem)
        except errors.NoConnection:
            seen_down = True
            return "server is not reachable yet"
        except Exception as problem:  # noqa: BLE001 - the next look may tell
            return str(problem)
        return None if seen_down or now != started else "server is still running with the previous start time"

    _wait("server did not restart", timeout, missing)


def await_clients_end(look: Look, sites: Collection[str], timeout: float) -> None:
    """Wait until sites are gone; all where none is named.

    Raises:
        TimeoutError: some are still there after that many seconds.
    """

    def missing(left: float) -> str | None:
        connected = connect_times(look(left))
        remaining = sorted(name for name in connected if not sites or name in sites)
        return f"clients are still connected: {', '.join(remaining)}" if remaining else None

    _wait("clients did not stop", timeout, missing)


def await_clients_restart(look: Look, before: Mapping[str, float], timeout: float) -> None:
    """Wait until sites have registered again.

    Args:
        look: gets the state of the system.
        before: when each was last heard of before they were restarted; those that were not connected are not there.
        timeout: seconds that it may take.

    Raises:
        TimeoutError: some are not back in time.
    """

    def missing(left: float) -> str | None:
        try:
            connected = connect_times(look(left))
        except errors.NoConnection:
            return "server is not reachable yet"
        except Exception as problem:  # noqa: BLE001 - the next look may tell
            return str(problem)
        waiting = sorted(name for name, heard in before.items() if connected.get(name) in (None, heard))
        return f"clients have not reconnected: {', '.join(waiting)}" if waiting else None

    if before:
        _wait("clients did not restart", timeout, missing)


def _wait(failure: str, timeout: float, missing: Callable[[float], str | None]) -> None:
    """Look until nothing is missing.

    Args:
        failure: what happened if it never comes to that.
        timeout: seconds until then.
        missing: says what is missing; is given the seconds that are left.
    """
    deadline = time.monotonic() + timeout
    last: str | None = failure
    while (left := deadline - time.monotonic()) > 0:
        last = missing(left)
        if last is None:
            return
        time.sleep(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))
    raise TimeoutError(f"{failure} within {timeout} seconds; last error: {last}")
