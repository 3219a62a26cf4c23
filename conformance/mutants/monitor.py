"""Wrong monitors."""

from __future__ import annotations

import time
from typing import Any

from conformance.mutants.base import Wrong, client, mutant


class Monitor(Wrong):
    """A monitor with a hook at each rule."""

    early = 0.0
    late = 0.0
    zero_is_a_limit = False
    finish_first = False
    extra_polls = 0
    time_after_poll = False

    def wait(self, seconds: float) -> None:
        """Wait between polls."""
        time.sleep(seconds)

    def ask(self, cb: Any, job_id: str, meta: Any, args: Any, kwargs: Any) -> bool:
        """Call the callback, and say whether to go on."""
        return bool(cb(self, job_id, meta, *args, **kwargs))

    def monitor_job(
        self,
        job_id: str,
        timeout: float = 0.0,
        poll_interval: float = 2.0,
        cb: Any = None,
        *cb_args: Any,
        **cb_kwargs: Any,
    ) -> Any:
        """Monitor a job, wrong in one point."""
        codes = client().MonitorReturnCode
        limited = timeout > 0 or (timeout == 0 and self.zero_is_a_limit)
        started = time.monotonic()

        def over() -> bool:
            return limited and time.monotonic() - started > timeout - self.early + self.late

        extra = self.extra_polls
        while True:
            if not self.time_after_poll and over():
                return codes.TIMEOUT
            meta = self._session.get_job_meta(job_id)
            finished = str(meta["status"]).startswith("FINISHED")
            if finished and self.finish_first:
                return codes.JOB_FINISHED
            if cb is not None and not self.ask(cb, job_id, meta, cb_args, cb_kwargs):
                return codes.ENDED_BY_CB
            if finished and not extra:
                return codes.JOB_FINISHED
            if finished:
                extra -= 1
                continue
            if self.time_after_poll and over():
                return codes.TIMEOUT
            self.wait(poll_interval)


@mutant("MON-TIMEOUT-01")
class TimeoutEarly(Monitor):
    """It gives up half a second before the time is over."""

    early = 0.5


@mutant("MON-TIMEOUT-02")
class TimeoutLate(Monitor):
    """It gives up a second and a half after the time is over."""

    late = 1.5


@mutant("MON-TIMEOUT-05")
class TimeoutAfterPoll(Monitor):
    """It looks at the time after the poll, so it polls once more."""

    time_after_poll = True


@mutant("MON-TIMEOUT-03")
class ZeroTimesOut(Monitor):
    """It takes a timeout of 0 for no time at all."""

    zero_is_a_limit = True


@mutant("MON-FINISH-02")
class PollsOnceTooOften(Monitor):
    """It polls a finished job once more."""

    extra_polls = 1


@mutant("MON-CB-01")
class DropsCallbackKwargs(Monitor):
    """It does not hand cb_kwargs on."""

    def ask(self, cb: Any, job_id: str, meta: Any, args: Any, kwargs: Any) -> bool:
        return bool(cb(self, job_id, meta, *args))


@mutant("MON-END-01")
class WantsTrueItself(Monitor):
    """It goes on only if the callback returns True itself."""

    def ask(self, cb: Any, job_id: str, meta: Any, args: Any, kwargs: Any) -> bool:
        return cb(self, job_id, meta, *args, **kwargs) is True


@mutant("MON-END-02", "MON-FINISH-02")
class FinishBeforeCallback(Monitor):
    """It looks whether the job is over before it calls the callback."""

    finish_first = True


@mutant("MON-POLL-01", "MON-POLL-02")
class IgnoresPollInterval(Monitor):
    """It polls every 10 ms, whatever it was told."""

    def wait(self, seconds: float) -> None:
        time.sleep(0.01)


@mutant("MON-CB-03")
class SwallowsCallbackErrors(Monitor):
    """It takes an exception of the callback for a wish to end."""

    def ask(self, cb: Any, job_id: str, meta: Any, args: Any, kwargs: Any) -> bool:
        try:
            return bool(cb(self, job_id, meta, *args, **kwargs))
        except Exception:  # noqa: BLE001 - the fault
            return False


@mutant("MON-CB-04")
class ShortensCallbackMeta(Monitor):
    """It gives the callback a meta of two fields."""

    def ask(self, cb: Any, job_id: str, meta: Any, args: Any, kwargs: Any) -> bool:
        return bool(cb(self, job_id, {"job_id": job_id, "status": meta["status"]}, *args, **kwargs))
