"""Monitoring a job: how often it is polled, and when the time is over."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.contract import FROM_28, TO_27, Document, Level, Observed, contract
from conformance.contracts.monitor import Callback, ended, finished, timed_out
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.timing import confirmed, measured, not_after, not_before
from conformance.trial import Trial
from conformance.verdicts import holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
_ALL = f"{_SEEN}, 2.7.3, 2.8.3, 2.9.0"

MARGIN = 0.5
"""Seconds that a call may take beside what it waits for, on a machine that is not behind."""


@contract(
    "MON-POLL-05",
    "One question a poll",
    "monitor_job asks the server once a poll, by get_job_meta, and calls the callback once for each.",
    Document("monitor.poll_interval"),
    Document("monitor.cb"),
    Observed(_ALL, "the poll is a get_job_meta"),
    needs=(Need.CONTROL,),
)
def one_question(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        job_id = session.call("submit_job", str(trial.folder()))
        before = server.received("get_job_meta")
        callback = Callback(True, True, True, False, most=4)
        ended(session.monitor(job_id, timeout=30, poll_interval=0.01, cb=callback))
        asked = server.received("get_job_meta") - before
        same((asked, len(callback.calls)), (4, 4), "the numbers of questions and callbacks")
        session.close()


@contract(
    "MON-SLOW-01",
    "A slow callback and the interval",
    "The poll interval begins when the callback has returned: a slow callback makes polls rarer.",
    Document("monitor.poll_interval"),
    Document("monitor.cb"),
    Observed(_ALL, "the sleep comes after the callback"),
)
def slow_callback(trial: Trial) -> None:
    work, interval = 0.12, 0.1
    callback = Callback(True, True, False, most=3, seconds=work)
    ended(trial.session.monitor(trial.submit(), timeout=30, poll_interval=interval, cb=callback))
    gaps = [after - before for before, after in zip(callback.times, callback.times[1:], strict=False)]
    holds(min(gaps) >= work + interval, f"at least {work + interval:.2f} s between callbacks", gaps)


@contract(
    "MON-SLOW-02",
    "A slow callback and the timeout",
    "The time that a callback takes counts: monitor_job returns TIMEOUT after a callback that outlasts the time.",
    Document("monitor.timeout"),
    Observed(_ALL, "the time is taken from the begin of monitor_job"),
)
def outlasting_callback(trial: Trial) -> None:
    callback = Callback(True, most=1, seconds=0.3)
    timed_out(trial.session.monitor(trial.submit(), timeout=0.2, poll_interval=0.01, cb=callback))


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
    callback = Callback(*[True] * 10, False, most=11)
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
    callback = Callback(*[True] * 5, False, most=6)
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
    callback = Callback(True)
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
        callback = Callback(True, True, False, most=3)
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
    callback = Callback(*[True] * 3, False, most=4)
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
    callback = Callback(True)
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
    callback = Callback(False)  # a client that takes the options all the same comes to an end
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
