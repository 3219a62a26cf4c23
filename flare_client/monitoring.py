"""Polling a job until it is over, and the sample callback for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flare_client import errors
from flare_client.clock import Clock
from flare_client.protocol.jobs import JobMetaKey, is_finished
from flare_client.protocol.releases import ReleaseProfile
from flare_client.types import MonitorReturnCode

if TYPE_CHECKING:
    from flare_client.session import Session

Watched = tuple[MonitorReturnCode, "dict[str, Any] | None"]
"""Why it ended, and the last meta where the job is over."""


def poll(
    get_meta: Callable[[], dict[str, Any]],
    profile: ReleaseProfile,
    job_id: str,
    timeout: float,
    poll_interval: float,
    clock: Clock,
    goes_on: Callable[[dict[str, Any]], object] | None,
) -> Watched:
    """Get the meta of a job again and again; see ``Session.monitor_job`` for each round.

    Args:
        get_meta: gets the meta.
        profile: the release, which says what is checked and which statuses are final.
        job_id: for messages.
        timeout: seconds until it gives up.
        poll_interval: seconds between two rounds.
        clock: the time for the timeout and the pauses.
        goes_on: whether to go on after a meta; ``None``: always.
    """
    if profile.checks_polling_options:
        if timeout < 0:
            raise errors.InvalidArgumentError(f"timeout must be >= 0, but it is {timeout}")
        if poll_interval <= 0:
            raise errors.InvalidArgumentError(f"poll_interval must be > 0, but it is {poll_interval}")
    started = clock.monotonic()
    while True:
        if 0 < timeout < clock.monotonic() - started:
            return MonitorReturnCode.TIMEOUT, None
        meta = get_meta()
        if goes_on is not None and not goes_on(meta):
            return MonitorReturnCode.ENDED_BY_CB, None
        status = meta.get(JobMetaKey.STATUS.value)
        if not status:
            raise errors.InternalError(f"missing status in job {job_id}")
        if is_finished(status) or status in profile.older_final_statuses:
            return MonitorReturnCode.JOB_FINISHED, meta
        clock.sleep(poll_interval)


def basic_cb_with_print(
    session: Session,  # noqa: ARG001 - the official signature
    job_id: str,  # noqa: ARG001 - likewise
    job_meta: Any,
    *cb_args: Any,
    **cb_kwargs: Any,
) -> bool:
    """A sample callback for ``monitor_job``: prints the meta of the first rounds of a running job, then dots.

    Args:
        session: the session that monitors.
        job_id: the job.
        job_meta: its meta at this poll.
        *cb_args: ignored.
        **cb_kwargs: must hold ``cb_run_counter``, a dict whose ``count`` is counted up.

    Returns:
        True: monitoring goes on.

    Raises:
        KeyError: ``cb_run_counter`` or its ``count`` is missing.
    """
    counter = cb_kwargs["cb_run_counter"]
    if job_meta["status"] != "RUNNING":
        print(f"\n{job_meta}")
    elif counter["count"] < 3:
        print(job_meta)
    else:
        print(".", end="")
    counter["count"] += 1
    return True
