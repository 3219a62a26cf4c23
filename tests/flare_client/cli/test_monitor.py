"""Watching jobs: what is told, how it ends, and what it outlives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flare_client import ServerUnreachable, Session
from mock_server import MockServer
from tests.flare_client.cli.command import QUICK, Flare
from tests.support import JobMaker


def test_each_status_is_told_once_and_the_last_line_is_the_answer(flare: Flare, make_job: JobMaker) -> None:
    job_id = flare.ask("jobs", "submit", str(make_job("hello"))).result["job_id"]
    done = flare.ask("jobs", "monitor", job_id, *QUICK)
    *events, answer = done.documents
    statuses = [event["job_status"] for event in events]
    assert len(set(statuses)) == len(statuses)
    assert statuses[-1] == "FINISHED:COMPLETED"
    assert {event["job_id"] for event in events} == {job_id}
    assert answer["result"]["finished"] is True
    assert answer["result"]["meta"]["status"] == answer["result"]["job_status"] == "FINISHED:COMPLETED"


def test_a_job_that_fails_is_exit_code_1(flare: Flare, make_job: JobMaker) -> None:
    done = flare("jobs", "submit", str(make_job("bad-one")), "--monitor", *QUICK)
    job_id = done.out.splitlines()[0]
    assert done.code == 1
    assert f"expected job {job_id} to end as FINISHED:COMPLETED, but it is FINISHED:EXECUTION_EXCEPTION" in done.err
    done = flare.ask("jobs", "wait", job_id)
    assert (done.code, done.error["kind"]) == (1, "job_failed")
    assert done.documents[-1]["result"]["meta"]["job_id"] == job_id
    assert flare("jobs", "wait", job_id).out == ""


def test_a_job_that_is_not_over_in_time_is_exit_code_5(flare: Flare, make_job: JobMaker) -> None:
    done = flare.ask("jobs", "submit", str(make_job("long")), "--monitor", "--timeout", "0.2", "--every", "60")
    assert (done.code, done.error["kind"]) == (5, "timeout")
    assert "to be over within 0.2 s" in done.error["message"]
    assert done.documents[0]["event"] == "submitted"
    result = done.documents[-1]["result"]
    assert (result["job_id"], result["finished"]) == (done.documents[0]["job_id"], False)


def test_a_submission_that_is_watched_ends_like_the_job(flare: Flare, make_job: JobMaker) -> None:
    done = flare.ask("jobs", "submit", str(make_job("hello")), "--monitor", *QUICK)
    assert [event["event"] for event in done.documents[:-1]][:2] == ["submitted", "job_status"]
    assert done.result["job_status"] == "FINISHED:COMPLETED"


def test_waiting_prints_the_end_alone(flare: Flare, make_job: JobMaker) -> None:
    job_id = flare.ask("jobs", "submit", str(make_job("hello"))).result["job_id"]
    done = flare("jobs", "wait", job_id, *QUICK)
    assert (done.code, done.out, done.err) == (0, "FINISHED:COMPLETED\n", "")


def test_the_log_is_told_line_by_line(make_job: JobMaker, tmp_path: Path) -> None:
    stages = [
        {"from": "RUNNING", "delay": "40ms", "repeat": 3, "log": {"server": ["round finished"]}},
        {"from": "RUNNING", "to": "FINISHED:COMPLETED"},
    ]
    with MockServer("2.9", scenario={"jobs": [{"stages": stages}]}) as server:
        flare = Flare(server.kit(directory=tmp_path))
        job_id = flare.ask("jobs", "submit", str(make_job("hello"))).result["job_id"]
        done = flare.ask("jobs", "monitor", job_id, *QUICK, "--logs", "server")
        lines = [event["line"] for event in done.documents if event.get("event") == "log"]
        assert lines.count("round finished") == 3
        text = flare("jobs", "monitor", job_id, "--logs", "server").out
        assert text.count("server: round finished\n") == 3


def test_the_end_of_a_log_that_is_put_away_late_is_told(make_job: JobMaker, tmp_path: Path) -> None:
    stages = [
        {"from": "RUNNING", "delay": "300ms", "log": {"server": ["first round"]}},
        {"from": "RUNNING", "log": {"server": ["last round"]}},
        {"from": "RUNNING", "to": "FINISHED:COMPLETED", "saves": False},
        {"from": "FINISHED:COMPLETED", "delay": "100ms", "saves": True},
    ]
    with MockServer("2.9", scenario={"jobs": [{"stages": stages}]}) as server:
        flare = Flare(server.kit(directory=tmp_path))
        job_id = flare.ask("jobs", "submit", str(make_job("hello"))).result["job_id"]
        done = flare.ask("jobs", "monitor", job_id, "--every", "0.05", "--logs", "server")
        lines = [event["line"] for event in done.documents if event.get("event") == "log"]
        assert lines.count("last round") == 1


def test_a_log_that_never_came_is_told(flare_of: Callable[..., Flare], make_job: JobMaker) -> None:
    flare = flare_of("2.9")
    job_id = flare.ask("jobs", "submit", str(make_job("hello"))).result["job_id"]
    done = flare.ask("jobs", "monitor", job_id, *QUICK, "--logs", "site-9")
    assert done.code == 0, "the job is fine"
    (missing,) = (event for event in done.documents if event.get("event") == "no_log")
    assert (missing["job_id"], missing["site"]) == (job_id, "site-9")
    assert "no log of site-9: " in flare("jobs", "monitor", job_id, "--logs", "site-9").out


def test_logs_of_a_release_that_keeps_none_are_an_error(flare_of: Callable[..., Flare], make_job: JobMaker) -> None:
    flare = flare_of("2.6")
    job_id = flare.ask("jobs", "submit", str(make_job("long"))).result["job_id"]
    done = flare.ask("jobs", "monitor", job_id, *QUICK, "--logs", "server")
    assert (done.code, done.error["kind"]) == (1, "not_in_release")


@pytest.mark.parametrize(
    ("release", "happens", "again"),
    # A session of 2.9 finds its way back to a restarted server by itself.
    [("2.6", MockServer.restart, 1), ("2.9", MockServer.restart, 0), ("2.9", MockServer.expire_sessions, 1)],
)
def test_it_goes_on_where_the_session_was_lost(
    release: str,
    happens: Callable[[MockServer], None],
    again: int,
    make_job: JobMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with MockServer(release, scenario={"jobs": [{"queued": "1d"}]}) as server:
        flare = Flare(server.kit(directory=tmp_path))
        job_id = flare.ask("jobs", "submit", str(make_job("hello"))).result["job_id"]
        official = Session.get_job_meta
        looks = []

        def get_job_meta(session: Session, one: str) -> dict[str, object]:
            looks.append(one)
            if len(looks) == 2:
                happens(server)
            if len(looks) == 5:
                raise KeyboardInterrupt
            return official(session, one)

        monkeypatch.setattr(Session, "get_job_meta", get_job_meta)
        done = flare.ask("jobs", "monitor", job_id, *QUICK)
    assert (done.code, len(looks)) == (130, 5), "it looked on until it was told to stop"
    assert [event["event"] for event in done.documents[:-1]] == ["job_status", *["reconnect"] * again]


def test_a_connection_that_stays_broken_is_exit_code_3(
    flare_of: Callable[..., Flare], make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    flare = flare_of("2.9")
    job_id = flare.ask("jobs", "submit", str(make_job("long"))).result["job_id"]
    official = Session.get_job_meta
    looks = []

    def get_job_meta(session: Session, one: str) -> dict[str, object]:
        looks.append(one)
        if len(looks) > 1:
            raise ServerUnreachable("the line is dead")
        return official(session, one)

    monkeypatch.setattr(Session, "get_job_meta", get_job_meta)
    done = flare.ask("jobs", "monitor", job_id, *QUICK)
    assert (done.code, done.error["kind"], done.error["message"]) == (3, "no_connection", "the line is dead")
    assert [one.get("event") for one in done.documents] == ["job_status", "reconnect", None]
