"""Wrong monitors."""

from __future__ import annotations

from typing import Any

from conformance.mutants.base import Wrong, client, mutant


def _status(meta: Any) -> str:
    if "status" not in meta:
        raise client().InternalError("expected a status in the meta, but there is none")
    return str(meta["status"])


class Monitor(Wrong):
    """A monitor with a hook at each rule."""

    early = 0.0
    late = 0.0
    zero_is_a_limit = False
    negative_is_a_limit = False
    finish_first = False
    extra_polls = 0
    time_after_poll = False
    looks_a_poll = 1
    callbacks_cost_nothing = False

    def check(self, timeout: float, poll_interval: float) -> None:
        """Look at the arguments, as the release does."""
        if self._session.release in ("2.8", "2.9") and (timeout < 0 or poll_interval <= 0):
            raise client().InvalidArgumentError("timeout must be >= 0, poll_interval > 0")

    def wait(self, seconds: float) -> None:
        """Wait between polls."""
        self.clock.sleep(seconds)

    def ask(self, cb: Any, job_id: str, meta: Any, args: Any, kwargs: Any) -> bool:
        """Call the callback, and say whether to go on."""
        return bool(cb(self, job_id, meta, *args, **kwargs))

    def poll(self, job_id: str, polls: int, cb: Any) -> Any:
        """Ask for the meta, for the so-manieth time."""
        for _ in range(self.looks_a_poll - 1):
            self._session.get_job_meta(job_id)
        return self._session.get_job_meta(job_id)

    def end(self, status: str, polls: int, timeout: float) -> Any:
        """The code for a job that is over."""
        return client().MonitorReturnCode.JOB_FINISHED

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
        self.check(timeout, poll_interval)
        limited = timeout > 0 or (timeout == 0 and self.zero_is_a_limit) or (timeout < 0 and self.negative_is_a_limit)
        started = self.clock.monotonic()

        extra, polls = self.extra_polls, 0

        def over() -> bool:
            # No time at all is over after the first poll, so that what the first poll finds is found all the same.
            return (
                limited
                and (timeout > 0 or polls > 0)
                and self.clock.monotonic() - started > timeout - self.early + self.late
            )

        while True:
            if not self.time_after_poll and over():
                return codes.TIMEOUT
            polls += 1
            meta = self.poll(job_id, polls, cb)
            status = _status(meta)
            finished = status.startswith("FINISHED")
            if finished and self.finish_first:
                return codes.JOB_FINISHED
            asked = self.clock.monotonic()
            if cb is not None and not self.ask(cb, job_id, meta, cb_args, cb_kwargs):
                return codes.ENDED_BY_CB
            if self.callbacks_cost_nothing:
                started += self.clock.monotonic() - asked
            if finished and not extra:
                return self.end(status, polls, timeout)
            if finished:
                extra -= 1
                continue
            if self.time_after_poll and over():
                return codes.TIMEOUT
            self.wait(poll_interval)


@mutant(
    "MON-TIMEOUT-01",
    also={"MON-POLL-02": "it has a timeout of half a second", "MON-TIMEOUT-05": "its time is over before it began"},
)
class TimeoutEarly(Monitor):
    """It gives up half a second before the time is over."""

    early = 0.5


@mutant(
    "MON-TIMEOUT-02",
    also={
        "MON-SLOW-02": "its callback outlasts the time",
        "MON-TIMEOUT-05": "it counts polls up to the end of the time",
    },
)
class TimeoutLate(Monitor):
    """It gives up a second and a half after the time is over."""

    late = 1.5


@mutant("MON-TIMEOUT-05")
class TimeoutAfterPoll(Monitor):
    """It looks at the time after the poll, so it polls once more."""

    time_after_poll = True


@mutant("MON-TIMEOUT-03", also={"MON-DAY-02": "its timeout is 0"})
class ZeroTimesOut(Monitor):
    """It takes a timeout of 0 for no time at all."""

    zero_is_a_limit = True


@mutant(
    "MON-FINISH-02",
    also={"MON-ABORT-01": "its callback counts the polls", "MON-CB-02": "its callback sees the end twice"},
)
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


@mutant("MON-END-02", "MON-FINISH-02", also={"MON-*": "its callback is to see the end"})
class FinishBeforeCallback(Monitor):
    """It looks whether the job is over before it calls the callback."""

    finish_first = True


@mutant(
    "MON-POLL-01",
    "MON-POLL-02",
    also={
        "MON-DAY-*": "it polls for days there",
        "MON-POLL-04": "the interval is negative there",
        "MON-SLOW-01": "it waits for the interval, too",
        "MON-TIMEOUT-05": "the interval is longer than the time there",
    },
)
class IgnoresPollInterval(Monitor):
    """It polls every 10 ms, whatever it was told."""

    def wait(self, seconds: float) -> None:
        self.clock.sleep(0.01)


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


@mutant(
    "MON-FINISH-01",
    release="2.9",
    also={
        "MON-CB-02": "it waits for the end",
        "MON-DAY-02": "likewise",
        "MON-FINISH-03": "likewise",
        "ROBUST-MON-05": "likewise",
    },
)
class LateIsTooLate(Monitor):
    """It returns TIMEOUT where the job ends while it is monitored."""

    def end(self, status: str, polls: int, timeout: float) -> Any:
        codes = client().MonitorReturnCode
        return codes.TIMEOUT if polls > 1 else codes.JOB_FINISHED


@mutant("MON-FINISH-03", release="2.9")
class AbortedIsEnded(Monitor):
    """It returns ENDED_BY_CB where the job is aborted while it is monitored."""

    def end(self, status: str, polls: int, timeout: float) -> Any:
        codes = client().MonitorReturnCode
        return codes.ENDED_BY_CB if polls > 1 and status == "FINISHED:ABORTED" else codes.JOB_FINISHED


@mutant("MON-ABORT-01", release="2.9")
class AbortedIsOver(Monitor):
    """It returns TIMEOUT where the job was aborted before."""

    def end(self, status: str, polls: int, timeout: float) -> Any:
        codes = client().MonitorReturnCode
        return codes.TIMEOUT if polls == 1 and status == "FINISHED:ABORTED" else codes.JOB_FINISHED


@mutant("MON-OUTCOME-01", release="2.9")
class FailedIsNotFinished(Monitor):
    """It raises RuntimeError where the job failed."""

    def end(self, status: str, polls: int, timeout: float) -> Any:
        if status in ("FINISHED:EXECUTION_EXCEPTION", "FINISHED:ABNORMAL"):
            raise RuntimeError(f"the job ended as {status}")
        return client().MonitorReturnCode.JOB_FINISHED


IN_TIME = "it has a timeout, and its job is over at the first poll"


@mutant("MON-TIMEOUT-06", release="2.9", also={"MON-ABORT-01": IN_TIME, "MON-OUTCOME-01": IN_TIME})
class NeverAtOnce(Monitor):
    """It returns TIMEOUT where there is a timeout and the job is over at the first poll."""

    def end(self, status: str, polls: int, timeout: float) -> Any:
        codes = client().MonitorReturnCode
        return codes.TIMEOUT if polls == 1 and timeout > 0 else codes.JOB_FINISHED


@mutant("MON-TIMEOUT-04")
class NegativeTimesOut(Monitor):
    """It takes a negative timeout for no time at all."""

    negative_is_a_limit = True


@mutant("MON-POLL-03")
class WantsAnInterval(Monitor):
    """It raises InvalidArgumentError for a poll interval of 0."""

    def check(self, timeout: float, poll_interval: float) -> None:
        if poll_interval == 0:
            raise client().InvalidArgumentError("poll_interval must be > 0")


@mutant("MON-POLL-04")
class ChecksTheInterval(Monitor):
    """It raises ValueError for a negative poll interval before it polls."""

    def check(self, timeout: float, poll_interval: float) -> None:
        if poll_interval < 0:
            raise ValueError("sleep length must be non-negative")


@mutant(
    "MON-POLL-05",
    release="2.9",
    also=dict.fromkeys(("ROBUST-MON-01", "ROBUST-MON-02", "ROBUST-MON-03"), "its second question meets the fault"),
)
class LooksTwice(Monitor):
    """It asks for the meta twice a poll."""

    looks_a_poll = 2


@mutant("MON-SLOW-01", release="2.9")
class KeepsThePace(Monitor):
    """It waits for the interval less the time that the callback took."""

    spent = 0.0

    def ask(self, cb: Any, job_id: str, meta: Any, args: Any, kwargs: Any) -> bool:
        before = self.clock.monotonic()
        goes_on = super().ask(cb, job_id, meta, args, kwargs)
        # Only of callbacks that take their time: the interval of others is no shorter for that.
        self.spent = self.clock.monotonic() - before if self.clock.monotonic() - before > 0.1 else 0.0
        return goes_on

    def wait(self, seconds: float) -> None:
        self.clock.sleep(max(0.0, seconds - self.spent))


@mutant("MON-SLOW-02", release="2.9")
class StopsTheClock(Monitor):
    """It does not count the time that callbacks take."""

    callbacks_cost_nothing = True


@mutant("MON-CB-02", release="2.9", also={"MON-FINISH-03": "it looks at the last status that the callback saw"})
class ShowsTheFirstMeta(Monitor):
    """It gives the callback the meta of the first poll, always."""

    first: Any = None

    def poll(self, job_id: str, polls: int, cb: Any) -> Any:
        meta = super().poll(job_id, polls, cb)
        if polls == 1:
            self.first = meta
        return meta

    def ask(self, cb: Any, job_id: str, meta: Any, args: Any, kwargs: Any) -> bool:
        return super().ask(cb, job_id, self.first, args, kwargs)


@mutant("MON-GONE-01", release="2.9")
class GoneIsFinished(Monitor):
    """It returns JOB_FINISHED where the job is deleted while it is monitored."""

    polls = 0

    def poll(self, job_id: str, polls: int, cb: Any) -> Any:
        self.polls = polls
        return super().poll(job_id, polls, cb)

    def monitor_job(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().monitor_job(job_id, *args, **kwargs)
        except client().JobNotFound:
            if self.polls < 2:
                raise
            return client().MonitorReturnCode.JOB_FINISHED


@mutant("MON-GONE-02", release="2.9")
class TellsTheCallback(Monitor):
    """It calls the callback with no meta where there is no such job."""

    def poll(self, job_id: str, polls: int, cb: Any) -> Any:
        try:
            return super().poll(job_id, polls, cb)
        except client().JobNotFound:
            if polls == 1 and cb is not None:
                cb(self, job_id, {})
            raise


def _counts_by_two(_session: Any, _job_id: str, _meta: Any, *_args: Any, **kwargs: Any) -> bool:
    kwargs["cb_run_counter"]["count"] += 2
    return True


@mutant("BCB-COUNT-01", release="2.9")
class CountsByTwo(Wrong):
    """Its sample callback counts every call twice."""

    basic_cb_with_print = staticmethod(_counts_by_two)


@mutant("MON-DAY-01")
class NoMoreThanAnHour(Wrong):
    """It takes a timeout of more than an hour for one of an hour."""

    def monitor_job(self, job_id: str, timeout: float = 0.0, *args: Any, **kwargs: Any) -> Any:
        return super().monitor_job(job_id, min(timeout, 3600.0), *args, **kwargs)


@mutant("MON-DAY-02", release="2.9")
class GoesHomeInTheEvening(Monitor):
    """Without a timeout it takes a job for finished that it has watched for eight hours."""

    stays = 8 * 3600.0

    def check(self, timeout: float, poll_interval: float) -> None:
        super().check(timeout, poll_interval)
        self.leaves_at = float("inf") if timeout > 0 else self.clock.monotonic() + self.stays

    def poll(self, job_id: str, polls: int, cb: Any) -> Any:
        meta = super().poll(job_id, polls, cb)
        return {**meta, "status": "FINISHED:COMPLETED"} if self.clock.monotonic() > self.leaves_at else meta


@mutant("MON-DAY-03", also={"MON-DAY-01": "its intervals are longer than it was told", "MON-DAY-02": "likewise"})
class GrowsTired(Monitor):
    """It waits a little longer after each poll, as some do for the server's sake."""

    def poll(self, job_id: str, polls: int, cb: Any) -> Any:
        self.polls = polls
        return super().poll(job_id, polls, cb)

    def wait(self, seconds: float) -> None:
        super().wait(seconds * (1 + self.polls / 50))
