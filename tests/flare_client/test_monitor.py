"""``monitor_job`` round by round, on a clock that only moves when it is slept on."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client import MonitorReturnCode, Session, basic_cb_with_print, errors
from flare_client.protocol.releases import profile_for
from mock_server import MockServer
from tests.flare_client.stopped_time import StoppedTime


class ScriptedSession(Session):
    """A session whose polls are answered from a list; the last answer repeats."""

    def __init__(
        self, clock: StoppedTime, answers: list[Any], *, request: float = 0.0, release: str = "2.6"
    ) -> None:  # no kit, no server
        self.clock = clock
        self.answers = answers
        self.request = request
        self.polls: list[float] = []
        self._connection = cast(Any, SimpleNamespace(profile=profile_for(release)))

    def get_job_meta(self, job_id: str) -> dict[str, Any]:
        assert job_id == "id"
        self.polls.append(self.clock.now - 1000.0)
        self.clock.now += self.request
        answer = self.answers[min(len(self.polls), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return {"status": answer} if isinstance(answer, str) else answer


Scripted = Callable[..., ScriptedSession]


@pytest.fixture
def clock() -> StoppedTime:
    return StoppedTime()


@pytest.fixture
def scripted(clock: StoppedTime) -> Scripted:
    return lambda *answers, **options: ScriptedSession(clock, list(answers), **options)


class Recorder:
    """A callback that notes its arguments and lets monitoring go on."""

    def __init__(self) -> None:
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> bool:
        self.calls.append((args, kwargs))
        return True


def test_a_job_is_polled_until_it_is_over(scripted: Scripted, clock: StoppedTime) -> None:
    session = scripted("SUBMITTED", "DISPATCHED", "RUNNING", "FINISHED:COMPLETED")
    assert session.monitor_job("id") is MonitorReturnCode.JOB_FINISHED
    assert session.polls == [0, 2, 4, 6]
    assert clock.slept == [2.0, 2.0, 2.0]


def test_a_job_that_is_over_is_polled_once_without_sleeping(scripted: Scripted, clock: StoppedTime) -> None:
    assert scripted("FINISHED:ABORTED").monitor_job("id", timeout=1e-9) is MonitorReturnCode.JOB_FINISHED
    assert clock.slept == []


@pytest.mark.parametrize("status", ["FINISHED:SOMETHING_NEW", "FINISHED"])
def test_any_status_that_begins_with_finished_ends_it(scripted: Scripted, status: str) -> None:
    assert scripted(status).monitor_job("id") is MonitorReturnCode.JOB_FINISHED


def test_the_timeout_is_looked_at_before_each_poll(scripted: Scripted) -> None:
    session = scripted("RUNNING")
    assert session.monitor_job("id", timeout=5) is MonitorReturnCode.TIMEOUT
    assert session.polls == [0, 2, 4]


def test_a_timeout_that_is_just_reached_is_not_over(scripted: Scripted) -> None:
    session = scripted("RUNNING")
    assert session.monitor_job("id", timeout=4.0) is MonitorReturnCode.TIMEOUT
    assert session.polls == [0, 2, 4]


def test_an_interval_is_not_cut_short_by_the_timeout(scripted: Scripted, clock: StoppedTime) -> None:
    assert scripted("RUNNING").monitor_job("id", timeout=1, poll_interval=60) is MonitorReturnCode.TIMEOUT
    assert clock.slept == [60]


def test_the_time_of_requests_counts(scripted: Scripted) -> None:
    session = scripted("RUNNING", request=3.0)
    assert session.monitor_job("id", timeout=7) is MonitorReturnCode.TIMEOUT
    assert session.polls == [0, 5]


@pytest.mark.parametrize("timeout", [0, 0.0, -1])
def test_no_timeout_means_no_limit(scripted: Scripted, timeout: float) -> None:
    session = scripted(*["RUNNING"] * 500, "FINISHED:COMPLETED")
    assert session.monitor_job("id", timeout=timeout) is MonitorReturnCode.JOB_FINISHED
    assert len(session.polls) == 501


def test_the_callback_gets_everything_and_is_called_at_each_poll(scripted: Scripted) -> None:
    note = Recorder()
    session = scripted("RUNNING", "FINISHED:COMPLETED")
    code = session.monitor_job("id", 0, 1, note, "x", 2, key="v")
    assert code is MonitorReturnCode.JOB_FINISHED
    assert note.calls == [
        ((session, "id", {"status": status}, "x", 2), {"key": "v"}) for status in ("RUNNING", "FINISHED:COMPLETED")
    ]


@pytest.mark.parametrize("answer", [False, None, 0, "", []])
@pytest.mark.parametrize("status", ["RUNNING", "FINISHED:COMPLETED"])
def test_the_callback_ends_it_with_anything_false_even_when_the_job_is_over(
    scripted: Scripted, answer: object, status: str
) -> None:
    assert scripted(status).monitor_job("id", cb=lambda *_: answer) is MonitorReturnCode.ENDED_BY_CB


def test_the_timeout_comes_before_the_callback(scripted: Scripted) -> None:
    note = Recorder()
    session = scripted("RUNNING")
    code = session.monitor_job("id", timeout=1, cb=note)
    assert code is MonitorReturnCode.TIMEOUT
    assert len(note.calls) == 1


def test_what_the_callback_raises_comes_out(scripted: Scripted) -> None:
    def fail(*_: object) -> bool:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        scripted("RUNNING").monitor_job("id", cb=fail)


def test_what_a_poll_raises_comes_out(scripted: Scripted) -> None:
    session = scripted("RUNNING", errors.JobNotFound("gone"))
    with pytest.raises(errors.JobNotFound, match="gone"):
        session.monitor_job("id")
    assert len(session.polls) == 2


@pytest.mark.parametrize("meta", [{}, {"status": ""}, {"status": None}])
def test_a_meta_without_status_is_an_error_after_the_callback(scripted: Scripted, meta: dict[str, Any]) -> None:
    note = Recorder()
    with pytest.raises(errors.InternalError, match="missing status in job id"):
        scripted(meta).monitor_job("id", cb=note)
    assert [args[2] for args, _ in note.calls] == [meta]


def test_a_negative_interval_fails_after_the_first_poll(scripted: Scripted) -> None:
    session = scripted("RUNNING")
    with pytest.raises(ValueError, match="non-negative"):
        session.monitor_job("id", poll_interval=-1)
    assert len(session.polls) == 1


@given(
    timeout=st.floats(0.01, 50),
    interval=st.floats(0.01, 20),
    request=st.floats(0, 5),
    polls_to_finish=st.integers(1, 30),
)
def test_it_never_ends_early_and_at_most_one_interval_and_one_request_late(
    timeout: float, interval: float, request: float, polls_to_finish: int
) -> None:
    clock = StoppedTime()
    session = ScriptedSession(clock, ["RUNNING"] * (polls_to_finish - 1) + ["FINISHED:COMPLETED"], request=request)
    code = session.monitor_job("id", timeout=timeout, poll_interval=interval)
    took = clock.now - 1000.0
    assert took <= timeout + interval + request + 1e-6
    if code is MonitorReturnCode.TIMEOUT:
        assert took > timeout
        assert len(session.polls) < polls_to_finish
    else:
        assert code is MonitorReturnCode.JOB_FINISHED
        assert len(session.polls) == polls_to_finish
    assert all(start <= timeout + 1e-6 for start in session.polls)


def test_return_codes_are_numbers_too() -> None:
    assert [(code.name, int(code)) for code in MonitorReturnCode] == [
        ("JOB_FINISHED", 0),
        ("TIMEOUT", 1),
        ("ENDED_BY_CB", 2),
    ]


def test_the_sample_callback_prints_three_metas_of_a_running_job_then_dots(
    scripted: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    counter = {"count": 0}
    session = scripted(*["RUNNING"] * 5, "FINISHED:COMPLETED")
    assert session.monitor_job("id", cb=basic_cb_with_print, cb_run_counter=counter) is MonitorReturnCode.JOB_FINISHED
    running = "{'status': 'RUNNING'}\n"
    assert capsys.readouterr().out == running * 3 + "..\n{'status': 'FINISHED:COMPLETED'}\n"
    assert counter == {"count": 6}


def test_the_sample_callback_needs_its_counter(scripted: Scripted) -> None:
    with pytest.raises(KeyError, match="cb_run_counter"):
        scripted("RUNNING").monitor_job("id", cb=basic_cb_with_print)


def test_a_bad_id_is_refused_at_the_first_poll() -> None:
    """The real ``get_job_meta`` checks before it needs a connection."""
    with MockServer() as server:
        session = Session("a", str(server.kit("a@b.c")))
    with pytest.raises(errors.JobNotFound):
        session.monitor_job("")


@pytest.mark.parametrize("release", ["2.8", "2.9"])
@pytest.mark.parametrize("options", [{"timeout": -1}, {"timeout": -0.1}, {"poll_interval": 0}, {"poll_interval": -1}])
def test_options_are_checked_before_the_first_poll_from_2_8_on(
    scripted: Scripted, release: str, options: dict[str, float]
) -> None:
    session = scripted("RUNNING", release=release)
    with pytest.raises(errors.InvalidArgumentError, match=f"{next(iter(options))} must be"):
        session.monitor_job("id", **options)
    assert session.polls == []


@pytest.mark.parametrize("status", ["FINISHED_OK", "FINISHED_EXCEPTION", "ABORTED", "ABANDONED", "FAILED"])
def test_older_final_statuses_end_it_from_2_8_on(scripted: Scripted, status: str) -> None:
    assert scripted(status, release="2.9").monitor_job("id") is MonitorReturnCode.JOB_FINISHED
    patient = scripted(status, "FINISHED:COMPLETED", release="2.7")
    assert patient.monitor_job("id") is MonitorReturnCode.JOB_FINISHED
    assert len(patient.polls) == (1 if status.startswith("FINISHED") else 2)
