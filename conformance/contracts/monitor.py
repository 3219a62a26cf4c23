"""Monitoring a job: why it ends, when it ends, and what the callback is told."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import strategies as st

from conformance.contract import FROM_28, TO_27, Document, Level, Observed, contract
from conformance.jobs import JobKind
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.timing import confirmed, measured, not_after, not_before
from conformance.trial import Trial
from conformance.verdicts import Violation, holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"

MARGIN = 0.5
"""Seconds that a call may take beside what it waits for, on a machine that is not behind."""

FALSY: list[Any] = [False, None, 0, "", [], 0.0]
TRUTHY: list[Any] = [True, 1, "go", [0], 2.5]


class _Callback:
    """Gives answers in turn, the last one for ever, and notes what it was called with and when.

    With ``most``, a further call raises.
    """

    def __init__(self, *answers: Any, most: int | None = None) -> None:
        self.answers = answers
        self.most = most
        self.calls: list[tuple[Any, ...]] = []
        self.keywords: list[dict[str, Any]] = []
        self.times: list[float] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.times.append(time.monotonic())
        self.calls.append(args)
        self.keywords.append(kwargs)
        if self.most is not None and len(self.calls) > self.most:
            # A client that never ends would keep the run waiting for the verdict that is clear already.
            raise Violation(f"at most {self.most} calls of the callback", f"call {len(self.calls)}")
        return self.answers[min(len(self.calls), len(self.answers)) - 1]


def _code(result: Any, name: str, value: int) -> None:
    same((getattr(result, "name", result), getattr(result, "value", None)), (name, value), "the MonitorReturnCode")


def finished(result: Any) -> None:
    """Demand JOB_FINISHED."""
    _code(result, "JOB_FINISHED", 0)


def timed_out(result: Any) -> None:
    """Demand TIMEOUT."""
    _code(result, "TIMEOUT", 1)


def ended(result: Any) -> None:
    """Demand ENDED_BY_CB."""
    _code(result, "ENDED_BY_CB", 2)


@contract(
    "MON-FINISH-01",
    "The job ends",
    "monitor_job returns JOB_FINISHED once the job is over.",
    Document("monitor"),
    Document("monitor.done"),
    Document("monitor.returns"),
    needs=(Need.RUNNING,),
)
def until_finished(trial: Trial) -> None:
    job_id = trial.submit(JobKind.QUICK)
    interval = trial.target.poll_interval
    finished(trial.session.monitor(job_id, timeout=trial.target.patience, poll_interval=interval))
    holds(trial.status(job_id).startswith("FINISHED"), "a job that is over", trial.status(job_id))


@contract(
    "MON-FINISH-02",
    "The job is over already",
    "monitor_job of a job that is over polls once, calls the callback once, and returns JOB_FINISHED.",
    Document("monitor.done"),
    Document("monitor.cb"),
    Observed(_SEEN, "one call of the callback, then JOB_FINISHED"),
    needs=(Need.RUNNING,),
)
def already_finished(trial: Trial) -> None:
    job_id = trial.finished()
    callback = _Callback(True)
    finished(trial.session.monitor(job_id, poll_interval=trial.target.poll_interval, cb=callback))
    same(len(callback.calls), 1, "the number of callbacks")
    finished(trial.session.monitor(job_id, poll_interval=trial.target.poll_interval))


@contract(
    "MON-FINISH-03",
    "The job is aborted meanwhile",
    "monitor_job returns JOB_FINISHED when the job is aborted while it is monitored.",
    Document("monitor.done"),
    Observed("2.6.3", "JOB_FINISHED after an abort from another thread"),
    needs=(Need.CONTROL,),
)
def aborted_meanwhile(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        job_id = session.call("submit_job", str(trial.folder(JobKind.LONG)))
        seen: list[str] = []

        def abort(_same: Any, _job_id: str, meta: dict[str, Any]) -> bool:
            if len(seen) == 1:
                server.abort_job(job_id)
            seen.append(meta["status"])
            return True

        finished(session.monitor(job_id, timeout=30, poll_interval=0.02, cb=abort))
        session.close()
    same(seen[-1], "FINISHED:ABORTED", "the last status that the callback saw")


@contract(
    "MON-END-01",
    "The callback has had enough",
    "monitor_job returns ENDED_BY_CB at the first call that returns something false, and calls no more.",
    Document("monitor.status_cb"),
    Document("monitor.cb_bool"),
    Observed(_SEEN, "truth decides, not the type: None, 0 and '' end it"),
)
def ended_by_callback(trial: Trial) -> None:
    job_id = trial.submit()

    def check(before: list[Any], last: Any) -> None:
        callback = _Callback(*before, last, most=len(before) + 1)
        result = trial.session.monitor(job_id, timeout=30, poll_interval=0.01, cb=callback)
        ended(result)
        same(len(callback.calls), len(before) + 1, "the number of callbacks")

    trial.forall(check, before=st.lists(st.sampled_from(TRUTHY), max_size=3), last=st.sampled_from(FALSY))


@contract(
    "MON-END-02",
    "The callback comes before the end",
    "A callback that returns something false ends the monitoring as ENDED_BY_CB even if the job is over.",
    Document("monitor.cb"),
    Observed(_SEEN, "the callback runs before the status is looked at"),
    needs=(Need.RUNNING,),
    level=Level.SHOULD,
)
def callback_first(trial: Trial) -> None:
    ended(trial.session.monitor(trial.finished(), cb=_Callback(False, most=1)))


@contract(
    "MON-TIMEOUT-01",
    "Never early",
    "monitor_job returns TIMEOUT, and not before the time is over.",
    Document("monitor.timed_out"),
    Document("monitor.timeout"),
)
def never_early(trial: Trial) -> None:
    job_id = trial.submit()

    def check(timeout: float, poll_interval: float) -> None:
        with measured() as spent:
            result = trial.session.monitor(job_id, timeout=timeout, poll_interval=poll_interval)
        timed_out(result)
        not_before(spent, timeout, "TIMEOUT")

    times = st.sampled_from([0.05, 0.1, 0.2, 0.3])
    trial.forall(check, timeout=times, poll_interval=st.sampled_from([0.02, 0.05, 0.15]), examples=6)


@contract(
    "MON-TIMEOUT-02",
    "At most one interval late",
    f"monitor_job returns TIMEOUT at most one poll interval and {MARGIN} s after the time is over.",
    Document("monitor.timeout"),
    Observed(_SEEN, "the time is looked at before each poll, the sleep is not cut short"),
)
def not_late(trial: Trial) -> None:
    job_id = trial.submit()

    def check(timeout: float, poll_interval: float) -> None:
        def once() -> None:
            with measured() as spent:
                timed_out(trial.session.monitor(job_id, timeout=timeout, poll_interval=poll_interval))
            not_after(spent, timeout + poll_interval + MARGIN, "TIMEOUT")

        confirmed(once)

    trial.forall(
        check, timeout=st.sampled_from([0.1, 0.2]), poll_interval=st.sampled_from([0.05, 0.1, 0.3]), examples=4
    )


@contract(
    "MON-TIMEOUT-03",
    "0 is no limit",
    "With a timeout of 0, monitor_job never returns TIMEOUT.",
    Document("monitor.timeout"),
)
def zero_is_never(trial: Trial) -> None:
    job_id = trial.submit()
    callback = _Callback(*[True] * 10, False, most=11)
    ended(trial.session.monitor(job_id, timeout=0, poll_interval=0.02, cb=callback))
    same(len(callback.calls), 11, "the number of callbacks")


@contract(
    "MON-TIMEOUT-04",
    "A negative timeout is no limit",
    "With a negative timeout, monitor_job never returns TIMEOUT.",
    Observed(_SEEN, "any timeout that is not over 0 counts as none"),
    releases=TO_27,
    level=Level.SHOULD,
)
def negative_is_never(trial: Trial) -> None:
    job_id = trial.submit()
    callback = _Callback(*[True] * 5, False, most=6)
    ended(trial.session.monitor(job_id, timeout=-1, poll_interval=0.02, cb=callback))
    same(len(callback.calls), 6, "the number of callbacks")


@contract(
    "MON-TIMEOUT-05",
    "No poll after the time",
    "Once the time is over, monitor_job polls no more: a timeout shorter than the interval allows one poll.",
    Document("monitor.timed_out"),
    Observed(_SEEN, "the time is looked at before the poll"),
    level=Level.SHOULD,
)
def no_poll_after(trial: Trial) -> None:
    job_id = trial.submit()
    callback = _Callback(True)
    timed_out(trial.session.monitor(job_id, timeout=0.2, poll_interval=0.3, cb=callback))
    same(len(callback.calls), 1, "the number of callbacks with timeout 0.2 and poll_interval 0.3")


@contract(
    "MON-TIMEOUT-06",
    "The job ends in time",
    "monitor_job returns JOB_FINISHED, not TIMEOUT, where the job is over at the first poll.",
    Document("monitor.done"),
    Observed(_SEEN, "the first poll comes at once"),
    needs=(Need.RUNNING,),
)
def finished_in_time(trial: Trial) -> None:
    finished(trial.session.monitor(trial.finished(), timeout=5.0, poll_interval=0.01))


@contract(
    "MON-POLL-01",
    "No poll before its time",
    "Between two polls monitor_job waits for the poll interval.",
    Document("monitor.poll_interval"),
)
def interval(trial: Trial) -> None:
    job_id = trial.submit()

    def check(poll_interval: float) -> None:
        callback = _Callback(True, True, False, most=3)
        ended(trial.session.monitor(job_id, timeout=30, poll_interval=poll_interval, cb=callback))
        gaps = [b - a for a, b in zip(callback.times, callback.times[1:], strict=False)]
        holds(min(gaps) >= poll_interval, f"at least {poll_interval} s between callbacks", gaps)

    trial.forall(check, poll_interval=st.sampled_from([0.05, 0.1, 0.2]), examples=3)


@contract(
    "MON-POLL-02",
    "The usual interval",
    "Without a poll interval, monitor_job polls every 2 seconds.",
    Document("monitor.poll_interval"),
    Observed(_SEEN, "the default in the signature"),
    level=Level.SHOULD,
)
def default_interval(trial: Trial) -> None:
    job_id = trial.submit()

    def once() -> None:
        with measured() as spent:
            timed_out(trial.session.monitor(job_id, timeout=0.5))
        not_before(spent, 2.0, "TIMEOUT")
        not_after(spent, 2.0 + MARGIN, "TIMEOUT")

    confirmed(once)


@contract(
    "MON-POLL-03",
    "An interval of 0",
    "With a poll interval of 0, monitor_job polls without a pause.",
    Observed("2.6.3", "TIMEOUT after 0.52 s with timeout 0.5"),
    releases=TO_27,
    level=Level.SHOULD,
)
def no_interval(trial: Trial) -> None:
    job_id = trial.submit()
    callback = _Callback(*[True] * 3, False, most=4)
    ended(trial.session.monitor(job_id, timeout=30, poll_interval=0, cb=callback))
    same(len(callback.calls), 4, "the number of callbacks")


@contract(
    "MON-POLL-04",
    "A negative interval",
    "With a negative poll interval, monitor_job raises ValueError after the first poll.",
    Observed(_SEEN, "raised by the sleep"),
    releases=TO_27,
    level=Level.MAY,
)
def negative_interval(trial: Trial) -> None:
    job_id = trial.submit()
    callback = _Callback(True)
    trial.raises(
        ("ValueError",),
        "monitor_job(poll_interval=-1)",
        trial.session.monitor,
        job_id,
        timeout=5,
        poll_interval=-1,
        cb=callback,
    )
    same(len(callback.calls), 1, "the number of callbacks")


def _refused(trial: Trial, **options: float) -> None:
    callback = _Callback(False)  # a client that takes the options all the same comes to an end
    what = ", ".join(f"{name}={value!r}" for name, value in options.items())
    arguments = {"timeout": 5.0, "poll_interval": 1.0, **options}
    trial.raises(
        ("InvalidArgumentError",),
        f"monitor_job({what})",
        trial.session.monitor,
        trial.submit(),
        cb=callback,
        **arguments,
    )
    same(len(callback.calls), 0, "the number of callbacks")


@contract(
    "MON-ARG-01",
    "A negative timeout is refused",
    "With a negative timeout, monitor_job raises InvalidArgumentError and polls nothing.",
    Observed("2.8.3, 2.9.0", "timeout must be >= 0"),
    releases=FROM_28,
    level=Level.SHOULD,
)
def refuses_negative_timeout(trial: Trial) -> None:
    trial.forall(
        lambda timeout: _refused(trial, timeout=timeout),
        timeout=st.floats(-1e9, -1e-9) | st.integers(-99, -1),
        examples=5,
    )


@contract(
    "MON-ARG-02",
    "A poll interval that is not positive is refused",
    "With a poll interval of 0 or less, monitor_job raises InvalidArgumentError and polls nothing.",
    Observed("2.8.3, 2.9.0", "poll_interval must be > 0"),
    releases=FROM_28,
    level=Level.SHOULD,
)
def refuses_poll_interval(trial: Trial) -> None:
    trial.forall(
        lambda seconds: _refused(trial, poll_interval=seconds), seconds=st.floats(-1e9, 0.0) | st.just(0), examples=5
    )


@contract(
    "MON-CB-01",
    "What the callback is given",
    "The callback is given the session, the job id, the meta, and the further arguments of monitor_job.",
    Document("monitor.cb"),
    Observed(_SEEN, "cb(session, job_id, job_meta, *cb_args, **cb_kwargs)"),
)
def arguments(trial: Trial) -> None:
    job_id = trial.submit()

    def check(args: list[Any], kwargs: dict[str, Any]) -> None:
        callback = _Callback(False, most=1)
        if args:
            ended(trial.session.monitor(job_id, 0.0, 0.01, *args, cb=callback, **kwargs))
        else:
            ended(trial.session.monitor(job_id, poll_interval=0.01, cb=callback, **kwargs))
        same_session, given_id, meta, *rest = callback.calls[0]
        same(same_session, True, "the first argument to be the session itself")
        same(given_id, job_id, "the job id")
        holds(isinstance(meta, dict) and meta.get("job_id") == job_id, "the meta of the job", meta)
        same(rest, args, "the positional arguments")
        same(callback.keywords[0], kwargs, "the keyword arguments")

    values = st.none() | st.booleans() | st.integers(-9, 9) | st.text("abc", max_size=3)
    trial.forall(
        check,
        args=st.lists(values, max_size=3),
        kwargs=st.dictionaries(st.sampled_from(["three", "key", "x1"]), values, max_size=2),
    )


@contract(
    "MON-CB-02",
    "The meta is fresh",
    "Each call of the callback is given the meta of that poll.",
    Document("monitor.cb"),
    needs=(Need.RUNNING,),
)
def fresh_meta(trial: Trial) -> None:
    job_id = trial.submit(JobKind.QUICK)
    callback = _Callback(True)
    interval = trial.target.poll_interval
    finished(trial.session.monitor(job_id, timeout=trial.target.patience, poll_interval=interval, cb=callback))
    statuses = [call[2]["status"] for call in callback.calls]
    holds(statuses[-1].startswith("FINISHED"), "the last call to see the end", statuses)
    holds(not any(s.startswith("FINISHED") for s in statuses[:-1]), "no earlier call to see the end", statuses)


@contract(
    "MON-CB-03",
    "The callback raises",
    "An exception in the callback ends the monitoring and comes out of monitor_job.",
    Observed(_SEEN, "KeyError comes through"),
)
def callback_raises(trial: Trial) -> None:
    class OddError(Exception):
        pass

    def callback(*_: Any, **__: Any) -> Any:
        raise OddError("boom")

    problem = trial.raises(
        ("OddError",),
        "monitor_job whose callback raises OddError",
        trial.session.monitor,
        trial.submit(),
        poll_interval=0.01,
        cb=callback,
    )
    holds("boom" in problem.text, "the text of the exception", problem.text)


@contract(
    "MON-CB-04",
    "The meta is whole",
    "The meta that the callback is given is the one that get_job_meta returns.",
    Document("monitor.cb"),
    Document("meta.returns"),
    Observed(_SEEN, "the poll is a get_job_meta"),
    needs=(Need.RUNNING,),
)
def whole_meta(trial: Trial) -> None:
    job_id = trial.finished()
    callback = _Callback(True)
    finished(trial.session.monitor(job_id, poll_interval=trial.target.poll_interval, cb=callback))
    same(callback.calls[0][2], trial.meta(job_id), "the meta given to the callback")


@contract(
    "MON-GONE-01",
    "The job is deleted meanwhile",
    "monitor_job raises JobNotFound at the poll that finds the job gone.",
    Document("monitor.job_id"),
    Observed(_SEEN, "errors of a poll come through"),
    needs=(Need.CONTROL,),
)
def deleted_meanwhile(trial: Trial) -> None:
    calls: list[str] = []
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        job_id = session.call("submit_job", str(trial.folder()))

        def delete(_same: Any, called_id: str, _meta: dict[str, Any]) -> bool:
            server.delete_job(job_id)
            calls.append(called_id)
            return True

        trial.raises(
            ("JobNotFound",),
            "monitor_job of a job that is deleted at the first callback",
            session.monitor,
            job_id,
            timeout=30,
            poll_interval=0.01,
            cb=delete,
        )
        session.close()
    same(calls, [job_id], "the callbacks")


@contract(
    "BCB-COUNT-01",
    "The sample callback",
    "basic_cb_with_print returns True and counts its calls in cb_run_counter.",
    Document("basic_cb"),
    needs=(Need.BASIC_CB,),
    level=Level.SHOULD,
)
def sample_callback(trial: Trial) -> None:
    def check(status: str, count: int) -> None:
        same(trial.adapter.basic_cb(status, count), (True, count + 1), "what it returns, and the counter")

    statuses = st.sampled_from(["SUBMITTED", "RUNNING", "FINISHED:COMPLETED"])
    trial.forall(check, status=statuses, count=st.integers(0, 9))
