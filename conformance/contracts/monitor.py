"""Monitoring a job: why it ends, and what the callback is told. When it polls and gives up is in ``polling``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from conformance.contract import Document, Level, Observed, contract
from conformance.jobs import JobKind
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.trial import Trial
from conformance.verdicts import Violation, holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
_ALL = f"{_SEEN}, 2.7.3, 2.8.3, 2.9.0"

FALSY: list[Any] = [False, None, 0, "", [], 0.0]
TRUTHY: list[Any] = [True, 1, "go", [0], 2.5]


class Callback:
    """Gives answers in turn, the last one for ever, and notes what it was called with and when.

    Args:
        *answers: what it returns, one a call.
        most: a further call raises.
        seconds: how long it takes.
        now: tells the time.
    """

    def __init__(
        self,
        *answers: Any,
        most: int | None = None,
        seconds: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self.answers = answers
        self.most = most
        self.seconds = seconds
        self.calls: list[tuple[Any, ...]] = []
        self.keywords: list[dict[str, Any]] = []
        self.times: list[float] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Note the call, and give the next answer."""
        self.times.append(self._now())
        self.calls.append(args)
        self.keywords.append(kwargs)
        if self.most is not None and len(self.calls) > self.most:
            # A client that never ends would keep the run waiting for the verdict that is clear already.
            raise Violation(f"at most {self.most} calls of the callback", f"call {len(self.calls)}")
        time.sleep(self.seconds)
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
    callback = Callback(True)
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
        callback = Callback(*before, last, most=len(before) + 1)
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
    ended(trial.session.monitor(trial.finished(), cb=Callback(False, most=1)))


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
        callback = Callback(False, most=1)
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
    callback = Callback(True)
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
    callback = Callback(True)
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


@contract(
    "MON-ABORT-01",
    "A job that was aborted",
    "monitor_job of a job that was aborted before returns JOB_FINISHED after one callback, which sees that.",
    Document("monitor.done"),
    Observed(_ALL, "any status that begins with FINISHED is the end"),
)
def aborted_before(trial: Trial) -> None:
    job_id = trial.submit()
    trial.session.call("abort_job", job_id)
    callback = Callback(True, most=1)
    finished(trial.session.monitor(job_id, timeout=30, poll_interval=0.01, cb=callback))
    same([call[2]["status"] for call in callback.calls], ["FINISHED:ABORTED"], "the statuses that the callback saw")


@contract(
    "MON-OUTCOME-01",
    "A job that failed",
    "monitor_job returns JOB_FINISHED for a job that failed, too: the code tells that it is over, not how.",
    Document("monitor.done"),
    Document("monitor.returns"),
    Observed(_ALL, "FINISHED:EXECUTION_EXCEPTION and others begin with FINISHED"),
    needs=(Need.CONTROL,),
)
def failed(trial: Trial) -> None:
    rules = [
        {"match": {"name": f"quick-{outcome}*"}, "queued": 0, "running": 0, "outcome": outcome}
        for outcome in ("EXECUTION_EXCEPTION", "ABNORMAL")
    ]
    with trial.own_server({"jobs": rules}) as server:
        session = trial.adapter.open(ADMIN, server.kit())
        for outcome in ("EXECUTION_EXCEPTION", "ABNORMAL"):
            folder = trial.folder(JobKind.QUICK, name=f"quick-{outcome}")
            job_id = session.call("submit_job", str(folder))
            callback = Callback(True, most=9)
            finished(session.monitor(job_id, timeout=30, poll_interval=0.01, cb=callback))
            same(callback.calls[-1][2]["status"], f"FINISHED:{outcome}", "the last status that the callback saw")
        session.close()


@contract(
    "MON-GONE-02",
    "A job that was deleted before",
    "monitor_job of a job that is not there raises JobNotFound, and the callback is never called.",
    Document("monitor.job_id"),
    Observed(_ALL, "the first poll fails"),
)
def deleted_before(trial: Trial) -> None:
    job_id = trial.submit()
    trial.session.call("delete_job", job_id)
    callback = Callback(False, most=1)
    monitor = trial.session.monitor
    trial.raises(("JobNotFound",), "monitor_job of a deleted job", monitor, job_id, poll_interval=0.01, cb=callback)
    same(len(callback.calls), 0, "the number of callbacks")
