"""What can be asked of a running server, from any language: each operation, where it works and where it does not."""

from __future__ import annotations

import base64
import concurrent.futures
import datetime
import io
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from flare_client import Session, new_secure_session
from mock_server import MockServer
from mock_server.broken_kits import BROKEN_KITS
from mock_server.policy import DEFAULT_AUTHORIZATION
from mock_server.transcript import Kind
from tests.mock_server.control.asking import Api
from tests.support import JobMaker, wait_until

ADMIN = "admin@nvidia.com"


def login(server: MockServer, user: str = ADMIN, role: str = "project_admin") -> Session:
    return new_secure_session(user, str(server.kit(user, role=role)))


def job_of(api: Api, name: str) -> dict[str, Any]:
    (found,) = api.get(f"jobs?name={name}")["jobs"]
    job: dict[str, Any] = found
    return job


# --- the server ---------------------------------------------------------------------------------------------------


def test_the_server_says_how_it_stands(api: Api, server: MockServer) -> None:
    api.done("POST", "clock/advance", {"by": "1m"})
    found = api.get("server")
    assert (found["mock"], found["release"], found["admin_port"]) == (True, "2.9", server.admin_port)
    assert found["jobs"] == {"FINISHED:COMPLETED": 1, "RUNNING": 1}
    assert found["description"] == "Two jobs of others."
    assert found["running"] is True


def test_commands_that_came_are_counted(api: Api, server: MockServer) -> None:
    with login(server) as session:
        session.list_jobs()
        session.list_jobs()
    assert api.get("server")["commands"]["list_jobs"] == 2
    assert server.counters["list_jobs"] == 2


def test_a_reset_starts_over_with_another_scenario_sites_and_clock(api: Api, server: MockServer) -> None:
    api.done("POST", "faults", {"action": {"kind": "close"}})
    body = {"scenario": {"workload": [{"name": "other"}]}, "sites": ["a", "b", "c"], "clock": "x100"}
    assert api.done("POST", "reset", body)["description"] == ""
    assert [site["name"] for site in api.get("sites")] == ["a", "b", "c"]
    assert api.get("clock")["kind"] == "scaled"
    assert api.get("faults") == []
    assert [job["name"] for job in api.get("jobs")["jobs"]] == ["other"]
    assert server.scenario.workload[0].name == "other"
    assert api.get("scenario")["content"] == {"workload": [{"name": "other"}]}


def test_a_reset_without_a_body_keeps_what_there_was(api: Api) -> None:
    before = api.get("scenario")
    api.done("POST", "reset")
    assert api.get("scenario") == before


def test_ready_scenarios_are_loaded_by_name(api: Api) -> None:
    names = [one["name"] for one in api.get("scenarios")]
    assert {"instant", "realistic", "busy-cluster"} <= set(names)
    assert "Two jobs run at a time" in api.done("POST", "reset", {"scenario": "busy-cluster"})["description"]


def test_a_scenario_is_loaded_as_the_text_of_a_file(api: Api) -> None:
    api.done("POST", "reset", {"scenario_yaml": "description: from a file\n"})
    assert api.get("server")["description"] == "from a file"


@pytest.mark.parametrize(
    ("body", "field", "text"),
    [
        ({"scenario": "realistc"}, "scenario", "did you mean 'realistic'"),
        ({"scenario": "/etc/passwd"}, "scenario", "expected a ready scenario"),
        ({"scenario": {"jobs": [{"running": "fast"}]}}, "scenario", "jobs[0].running: expected a duration"),
        ({"scenario_yaml": "jobs:\n- running: fast\n"}, "scenario_yaml", ":2: jobs[0].running: expected a duration"),
        ({"clock": "soon"}, "clock", "expected a clock of real, virtual"),
        ({"scenario": "instant", "scenario_yaml": ""}, "body", "but got both"),
        ({"sites": ["a", "a"]}, "sites", "expected each site once"),
        ({"sites": [""]}, "sites", "expected names of sites"),
        ({"sites": ["a b"]}, "sites", "but got 'a b'"),
        ({"sites": ["server"]}, "sites", "'server' is the server"),
        ({"scenario": {}, "clock": "soon"}, "clock", "expected a clock of real, virtual"),
        ({"clock": "x" + "9" * 400}, "clock", "up to 1e+09"),
        ({"scenari": "instant"}, "scenari", "did you mean 'scenario'"),
    ],
)
def test_a_reset_that_cannot_be_names_the_field_and_changes_nothing(
    api: Api, body: dict[str, Any], field: str, text: str
) -> None:
    before = api.get("scenario"), api.get("clock"), api.get("jobs")
    said = api.ask("POST", "reset", body)
    assert said.status == 422
    assert said.fields == [field]
    assert text in said.detail
    assert (api.get("scenario"), api.get("clock"), api.get("jobs")) == before


def test_a_restart_ends_sessions_and_is_told(api: Api, server: MockServer) -> None:
    with login(server):
        assert len(api.get("sessions")) == 1
        found = api.done("POST", "restart")
        assert [event["what"] for event in found["events"]] == ["restart"]
        assert api.get("sessions") == []


def test_a_server_that_a_client_shut_down_says_so() -> None:
    with MockServer("2.6", control=True) as server:
        api = Api(server)
        with login(server) as session:
            session.shutdown("client")
            session.shutdown("server")
        assert server.wait(30)
        assert api.get("server")["running"] is False
        for path in ("restart", "reset"):
            said = api.ask("POST", path)
            assert (said.status, "a client has shut it down" in said.detail) == (409, True)


# --- the clock ----------------------------------------------------------------------------------------------------


def test_a_virtual_clock_is_moved_by_to_and_to_what_comes_next(api: Api) -> None:
    start = api.get("clock")
    assert (start["kind"], start["speed"], start["next_event"]) == ("virtual", 0.0, start["time"] + 1)
    assert api.done("POST", "clock/advance", {"to_next_event": True})["time"] == start["time"] + 1
    assert api.done("POST", "clock/advance", {"by": "2h"})["time"] == start["time"] + 7201
    assert api.done("POST", "clock/advance", {"to": start["time"] + 8000})["time"] == start["time"] + 8000
    assert job_of(api, "train")["status"] == "FINISHED:COMPLETED"


def test_a_clock_that_goes_by_itself_is_not_moved(api: Api) -> None:
    api.done("POST", "reset", {"clock": "real"})
    said = api.ask("POST", "clock/advance", {"by": 1})
    assert said.status == 409
    assert "expected a virtual clock" in said.detail
    assert "a real one" in said.detail


def test_a_clock_never_goes_back_and_stays_where_nothing_comes(api: Api) -> None:
    now = api.get("clock")["time"]
    said = api.ask("POST", "clock/advance", {"to": now - 1})
    assert (said.status, "never goes back" in said.detail) == (409, True)
    api.done("POST", "reset", {"scenario": {}})
    said = api.ask("POST", "clock/advance", {"to_next_event": True})
    assert (said.status, "nothing will happen" in said.detail) == (409, True)


@pytest.mark.parametrize(
    ("body", "field", "text"),
    [
        ({}, "body", "but got 0 of them"),
        ({"by": "1s", "to": 5}, "body", "but got 2 of them"),
        ({"by": "-1s"}, "by", "expected a duration"),
        ({"by": "1 fortnight"}, "by", "units: ms, s, m, min, h, d"),
        ({"to": "soon"}, "to", "soon"),
        ({"to": 1e300}, "to", "1e+300"),
        ({"to": 253370764801}, "to", "less than or equal to 253370764800"),
        ({"by": True}, "by", "but got True"),
    ],
)
def test_a_move_that_cannot_be_names_the_field(api: Api, body: dict[str, Any], field: str, text: str) -> None:
    said = api.ask("POST", "clock/advance", body)
    assert (said.status, said.fields) == (422, [field])
    assert text in said.detail


@pytest.mark.parametrize("body", [{"by": "10000000d"}, {"to_next_event": True}])
def test_a_move_beyond_what_has_a_date_changes_nothing(api: Api, server: MockServer, body: dict[str, Any]) -> None:
    api.done("POST", "reset", {"scenario": {"workload": [{"name": "late", "at": "10000000d"}]}})
    before = api.get("clock")
    said = api.ask("POST", "clock/advance", body)
    assert (said.status, "expected a time up to 253370764800" in said.detail) == (409, True)
    assert api.get("clock") == before
    with login(server) as session:
        assert session.list_jobs() == []


# --- jobs ---------------------------------------------------------------------------------------------------------


def test_jobs_are_listed_with_their_timelines(api: Api, server: MockServer, make_job: JobMaker) -> None:
    with login(server) as session:
        job_id = session.submit_job(str(make_job("mine")))
    api.done("POST", "clock/advance", {"by": "20s"})
    found = api.get("jobs?timeline=true")
    assert found["total"] == found["found"] == 3
    (mine,) = [job for job in found["jobs"] if job["id"] == job_id]
    assert [event["what"] for event in mine["timeline"]] == ["SUBMITTED", "DISPATCHED", "RUNNING", "FINISHED:COMPLETED"]
    times = [event["time"] for event in mine["timeline"]]
    assert times[2] - times[0] == pytest.approx(1)
    assert times[3] - times[2] == pytest.approx(10)
    assert (mine["submitter"], mine["sites"], mine["has_workspace"]) == (ADMIN, ["site-1", "site-2"], True)


def test_jobs_are_chosen_by_status_name_and_submitter(api: Api) -> None:
    api.done("POST", "clock/advance", {"by": "1m"})

    def names(query: str) -> list[str]:
        return [job["name"] for job in api.get(f"jobs?{query}")["jobs"]]

    assert names("status=FINISHED:*") == ["train"]
    assert names("status=RUNNING") == ["long"]
    assert names("name=t*") == ["train"]
    assert names("submitter=ops@*") == ["long"]
    assert names("limit=1") == ["long"]
    assert api.get("jobs?limit=1")["found"] == 2


def test_a_job_is_looked_at_whole(api: Api) -> None:
    job_id = job_of(api, "train")["id"]
    found = api.get(f"jobs/{job_id}")
    assert found["meta"]["job_id"] == job_id
    assert [event["what"] for event in found["timeline"]] == ["SUBMITTED"]
    assert (found["result"], found["logs"]) == ({}, {})


def test_a_job_is_waited_for(api: Api, server: MockServer) -> None:
    job_id = job_of(api, "train")["id"]
    begun = server.clock.time()
    found = api.done("POST", f"jobs/{job_id}/wait", {"status": "RUNNING"})
    assert (found["status"], server.clock.time() - begun) == ("RUNNING", pytest.approx(1))
    assert api.done("POST", f"jobs/{job_id}/wait")["status"] == "FINISHED:COMPLETED"


def test_a_job_is_waited_for_in_real_time(api: Api) -> None:
    api.done("POST", "reset", {"scenario": {"workload": [{"name": "short"}]}, "clock": "x100"})
    job_id = job_of(api, "short")["id"]
    assert api.done("POST", f"jobs/{job_id}/wait", {"timeout": "1h"})["status"] == "FINISHED:COMPLETED"


def test_a_wait_that_comes_to_nothing_says_where_the_job_is(api: Api) -> None:
    job_id = job_of(api, "train")["id"]
    said = api.ask("POST", f"jobs/{job_id}/wait", {"status": "RUNNING", "timeout": "500ms"})
    assert (said.status, "but it is SUBMITTED" in said.detail) == (409, True)
    api.done("POST", "reset", {"clock": "real"})
    job_id = job_of(api, "train")["id"]
    said = api.ask("POST", f"jobs/{job_id}/wait", {"timeout": "100ms"})
    assert (said.status, "but it is SUBMITTED" in said.detail) == (409, True)
    said = api.ask("POST", f"jobs/{job_id}/wait", {"status": "DONE"})
    assert (said.status, said.fields) == (422, ["status"])


def test_jobs_are_aborted_and_deleted(api: Api) -> None:
    api.done("POST", "clock/advance", {"by": "10s"})
    job_id = job_of(api, "long")["id"]
    said = api.ask("DELETE", f"jobs/{job_id}")
    assert (said.status, "is RUNNING" in said.detail) == (409, True)
    assert api.done("POST", f"jobs/{job_id}/abort")["status"] == "FINISHED:ABORTED"
    assert api.done("DELETE", f"jobs/{job_id}") is None
    assert api.ask("GET", f"jobs/{job_id}").status == 404


def test_files_are_put_into_a_result(api: Api, server: MockServer, make_job: JobMaker, tmp_path: Path) -> None:
    with login(server) as session:
        job_id = session.submit_job(str(make_job("mine")))
        api.done("POST", f"jobs/{job_id}/result", {"files": {"models/best.txt": "first"}, "size": "1KiB"})
        api.done("POST", f"jobs/{job_id}/wait")
        first = Path(session.download_job_result(job_id))
        assert (first / "workspace" / "models" / "best.txt").read_text() == "first"
        assert (first / "workspace" / "result.bin").stat().st_size == 1024
        found = api.done("POST", f"jobs/{job_id}/result", {"files": {"models/best.txt": "second"}})
        assert found["result"] == {"files": {"models/best.txt": "second"}, "size": 1024}
        assert found["timeline"][-1]["what"] == "result"
        again = Path(session.download_job_result(job_id))
        assert (again / "workspace" / "models" / "best.txt").read_text() == "second"


def test_a_result_has_files_of_any_bytes(api: Api, server: MockServer, make_job: JobMaker) -> None:
    weights = bytes(range(256))
    with login(server) as session:
        job_id = session.submit_job(str(make_job("mine")))
        api.done("POST", f"jobs/{job_id}/result", {"files": {"models/best.bin": "none yet"}})
        body = {"binaries": {"models/best.bin": base64.b64encode(weights).decode()}}
        assert api.done("POST", f"jobs/{job_id}/result", body)["result"] == body
        api.done("POST", f"jobs/{job_id}/wait")
        folder = Path(session.download_job_result(job_id))
        assert (folder / "workspace" / "models" / "best.bin").read_bytes() == weights
    said = api.ask("POST", f"jobs/{job_id}/result", {"binaries": {"a": "no base64!"}})
    assert (said.status, said.fields) == (422, ["binaries.a"])
    assert "expected bytes in base64, but got 'no base64!'" in said.detail


def test_a_result_that_cannot_be_names_the_file(api: Api) -> None:
    job_id = job_of(api, "train")["id"]
    said = api.ask("POST", f"jobs/{job_id}/result", {"files": {"../out.txt": "x"}})
    assert (said.status, said.fields) == (422, ["files.../out.txt"])
    api.done("POST", f"jobs/{job_id}/result", {"files": {"a": "x"}})
    said = api.ask("POST", f"jobs/{job_id}/result", {"files": {"a/b": "x"}})
    assert said.status == 409
    assert said.detail == (
        "expected files that can stand beside those that are there, but "
        "expected a path below a folder, but 'a' is a file"
    )
    assert api.get(f"jobs/{job_id}")["result"] == {"files": {"a": "x"}}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("DELETE", ""), ("POST", "/abort"), ("POST", "/wait"), ("POST", "/result")],
)
def test_a_job_that_is_not_there_is_not_found(api: Api, method: str, path: str) -> None:
    said = api.ask(method, f"jobs/nothing{path}", {} if path == "/result" else None)
    assert said.status == 404
    assert "expected a job that is there, but got 'nothing'" in said.detail


# --- sites and sessions -------------------------------------------------------------------------------------------


def test_sites_go_and_come_back(api: Api, server: MockServer) -> None:
    assert api.done("PATCH", "sites/site-1", {"connected": False})["connected"] is False
    with login(server) as session:
        assert [client.name for client in session.get_system_info().client_info] == ["site-2"]
        assert api.done("PATCH", "sites/site-1", {"connected": True})["connected"] is True
        assert len(session.get_system_info().client_info) == 2
    told = [(event["what"], event["detail"]) for event in api.get("server")["events"]]
    assert told == [("disconnect", "site-1"), ("connect", "site-1")]


def test_sites_are_kept_out_and_let_in(api: Api) -> None:
    found = api.done("PATCH", "sites/site-1", {"disabled": True})
    assert (found["disabled"], found["connected"]) == (True, False)
    found = api.done("PATCH", "sites/site-1", {"disabled": False})
    assert (found["disabled"], found["connected"]) == (False, True)


def test_a_site_that_is_not_there_is_not_found(api: Api) -> None:
    said = api.ask("PATCH", "sites/site-9", {"connected": True})
    assert (said.status, "of site-1, site-2, but got 'site-9'" in said.detail) == (404, True)


def test_sessions_are_listed_and_expire(api: Api, server: MockServer) -> None:
    with login(server) as first, login(server, "lead@nvidia.com", "lead") as second:
        found = api.get("sessions")
        assert [(one["number"], one["user"], one["role"]) for one in found] == [
            (1, ADMIN, "project_admin"),
            (2, "lead@nvidia.com", "lead"),
        ]
        assert all(one["mark"].startswith("<session ") for one in found)
        assert api.done("DELETE", "sessions/1") == {"expired": 1}
        # The server says so to the client, whose thread may hear it a moment later.
        wait_until(lambda: not first._conversation.connection.ready)
        with pytest.raises(Exception, match=r"[Ss]ession"):
            first.list_jobs()
        assert len(second.list_jobs()) == 1
        said = api.ask("DELETE", "sessions/1")
        assert (said.status, "of 2, but got '1'" in said.detail) == (404, True)
        assert api.done("DELETE", "sessions") == {"expired": 1}
        assert api.get("sessions") == []


def test_no_answer_holds_a_token(api: Api, server: MockServer) -> None:
    with login(server) as session:
        session.list_jobs()
        tokens = server.call(lambda context: [session.token for session in context.sessions])
        for path in ("sessions", "server", "calls", "transcript", "jobs"):
            assert tokens[0].encode() not in api.ask("GET", path).content


# --- faults -------------------------------------------------------------------------------------------------------


def test_faults_are_injected_listed_paused_and_cleared(api: Api, server: MockServer) -> None:
    rule = {"action": {"kind": "reply", "error": "no luck"}, "command": "list_jobs"}
    made = api.done("POST", "faults", rule)
    assert (made["commands"], made["at"], made["direction"], made["when"]) == (
        "list_jobs",
        "command",
        "answer",
        {"command": "list_jobs"},
    )
    with login(server) as session:
        with pytest.raises(Exception, match="no luck"):
            session.list_jobs()
        assert api.get(f"faults/{made['number']}")["fired"] == 1
        assert api.done("PATCH", f"faults/{made['number']}", {"paused": True})["paused"] is True
        assert len(session.list_jobs()) == 1
        found = api.done("PATCH", f"faults/{made['number']}", {"paused": False})
        assert (found["paused"], found["fired"], found["seen"]) == (False, 1, 1)
        with pytest.raises(Exception, match="no luck"):
            session.list_jobs()
        assert api.done("DELETE", f"faults/{made['number']}") == {"cleared": 1}
        assert len(session.list_jobs()) == 1
    assert server.faults.rules == []


def test_faults_of_a_scenario_are_there_too_and_numbers_do_not_come_again(api: Api, server: MockServer) -> None:
    api.done("POST", "reset", {"scenario": {"faults": [{"action": {"kind": "close"}, "command": "clone_job"}]}})
    (of_scenario,) = api.get("faults")
    with server.faults.inject("delay", seconds=1.0):
        numbers = [one["number"] for one in api.get("faults")]
        assert len(set(numbers)) == 2
        assert api.done("DELETE", "faults") == {"cleared": 2}
    assert api.done("POST", "faults", {"action": {"kind": "close"}})["number"] not in numbers
    assert of_scenario["action"] == {"kind": "close"}


@pytest.mark.parametrize(
    ("body", "field", "text"),
    [
        ({"action": {"kind": "delay"}}, "action.seconds", "it is not there"),
        ({"action": {"kind": "delay", "seconds": 1, "sec": 1}}, "action.sec", "did you mean 'seconds'"),
        ({"action": {"kind": "dealy", "seconds": 1}}, "action", "did you mean 'delay'"),
        ({"action": {"kind": "delay", "seconds": "1y"}}, "action.seconds", "expected a duration"),
        ({"command": "list_jobs"}, "action", "it is not there"),
        ({"action": {"kind": "close"}, "nth": 0}, "nth", "but got 0"),
        ({"action": {"kind": "close"}, "probability": 2}, "probability", "but got 2"),
        ({"action": {"kind": "close"}, "nth": 1, "from_nth": 2}, "body", "expected nth or from_nth"),
        (
            {"action": {"kind": "certificate", "wrong": "name"}, "at": "command"},
            "body",
            "at connect, but got 'command'",
        ),
        ([], "body", "but got []"),
    ],
)
def test_a_fault_that_cannot_be_names_the_field(api: Api, body: Any, field: str, text: str) -> None:
    said = api.ask("POST", "faults", body)
    assert said.status == 422, said.content
    assert field in said.fields
    assert text in said.detail
    assert api.get("faults") == []


def test_every_kind_of_fault_is_told_with_its_fields(api: Api) -> None:
    found = {one["kind"]: one for one in api.get("fault-kinds")}
    assert found["delay"]["fields"]["required"] == ["seconds"]
    assert found["restart"]["at"] == ["command", "upload", "download"]
    assert all(one["summary"].endswith(".") for one in found.values())
    assert all(one["possible"] for one in found.values())


def test_a_server_of_an_older_release_says_what_cannot_go_wrong_there() -> None:
    with MockServer("2.6", control=True) as server:
        api = Api(server)
        impossible = [one["kind"] for one in api.get("fault-kinds") if not one["possible"]]
        assert impossible == ["lose_acknowledgements", "wrong_signature"]
        said = api.ask("POST", "faults", {"action": {"kind": "wrong_signature"}})
        assert (said.status, "is of 2.7 and later" in said.detail) == (409, True)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_fault_that_is_not_there_is_not_found(api: Api, method: str) -> None:
    said = api.ask(method, "faults/99", {"paused": True} if method == "PATCH" else None)
    assert said.status == 404
    said = api.ask(method, "faults/first", {"paused": True} if method == "PATCH" else None)
    assert (said.status, said.fields) == (422, ["number"])


def test_a_fault_is_waited_for(api: Api, server: MockServer) -> None:
    number = api.done("POST", "faults", {"action": {"kind": "reply", "error": "no"}, "command": "list_jobs"})["number"]
    said = api.ask("POST", f"faults/{number}/wait", {"timeout": "10ms"})
    assert said.status == 409
    assert said.detail == f"expected fault {number} to have struck 1 times within 0.01 s, but got 0"
    with login(server) as session, concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.done, "POST", f"faults/{number}/wait", {"times": 2, "timeout": "1m"})
        for _ in range(2):
            with pytest.raises(Exception, match="no"):
                session.list_jobs()
        assert waiting.result()["fired"] == 2
    assert api.done("POST", f"faults/{number}/wait")["fired"] == 2
    assert api.ask("POST", f"faults/{number}/wait", {"times": 0}).fields == ["times"]


def test_who_waits_for_a_fault_is_told_when_it_is_removed(api: Api) -> None:
    number = api.done("POST", "faults", {"action": {"kind": "close"}, "command": "nothing"})["number"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.ask, "POST", f"faults/{number}/wait", {"timeout": "1m"})
        api.done("DELETE", f"faults/{number}")
        assert waiting.result().status == 404


# --- what came ----------------------------------------------------------------------------------------------------


def test_calls_are_chosen_by_command_and_user(api: Api, server: MockServer, make_job: JobMaker) -> None:
    with login(server) as session:
        session.submit_job(str(make_job("mine")))
        session.list_jobs()
        assert [call["name"] for call in api.get("calls?limit=1")["calls"]] == ["list_jobs"]
    found = api.get("calls?command=submit_*")
    assert (found["found"], found["calls"][0]["name"], found["calls"][0]["status"]) == (1, "submit_job", "ok")
    assert found["calls"][0]["upload_size"] > 0
    assert api.get("calls?user=nobody")["found"] == 0


def test_the_transcript_is_filtered(api: Api, server: MockServer) -> None:
    with login(server) as session:
        session.list_jobs()
    wait_until(lambda: server.transcript.entries()[-1].detail.get("event") == "closed")
    everything = api.get("transcript?limit=10000")
    assert everything["last"] == everything["entries"][-1]["number"]
    numbers = [entry["number"] for entry in everything["entries"]]
    assert numbers == sorted(numbers)
    commands = api.get("transcript?kind=command")["entries"]
    assert {entry["kind"] for entry in commands} == {"command"}
    both = api.get("transcript?kind=command&kind=connection")["entries"]
    assert {entry["kind"] for entry in both} == {"command", "connection"}
    assert {entry["direction"] for entry in api.get("transcript?direction=in")["entries"]} == {"in"}
    assert api.get("transcript?user=nobody")["found"] == 0
    words = api.get("transcript?text=LIST_jobs%20ok&kind=command")
    assert words["found"] >= 1
    assert all("list_jobs" in str(entry).lower() for entry in words["entries"])
    assert api.get(f"transcript?since={everything['last']}")["entries"] == []
    assert [entry["number"] for entry in api.get("transcript?limit=2")["entries"]] == numbers[-2:]
    assert {entry["connection"] for entry in api.get("transcript?connection=0")["entries"]} <= {0}


def test_the_transcript_is_read_backwards_part_by_part(api: Api, server: MockServer) -> None:
    with login(server) as session:
        session.list_jobs()
    wait_until(lambda: server.transcript.entries()[-1].detail.get("event") == "closed")
    numbers = [entry.number for entry in server.transcript.entries()]
    read: list[int] = []
    before = ""
    while len(read) < len(numbers):
        found = api.get(f"transcript?limit=3{before}")
        assert found["found"] == len(numbers) - len(read), "what a reset made it forget is not counted"
        read = [entry["number"] for entry in found["entries"]] + read
        before = f"&before={read[0]}"
    assert read == numbers
    assert api.get(f"transcript?limit=3{before}") == {"last": numbers[-1], "found": 0, "entries": []}
    commands = api.get("transcript?kind=command")["entries"]
    older = api.get(f"transcript?kind=command&before={commands[-1]['number']}")["entries"]
    assert older == commands[:-1]


def test_each_kind_of_entry_can_be_asked_for(api: Api, server: MockServer) -> None:
    api.done("POST", "reset", {"scenario": {"pedantic": {"seed": 7, "share": 1.0}}})
    assert api.get("server")["pedantic"] == 7
    with login(server) as session:
        session.list_jobs()
    for kind in Kind:
        assert {entry["kind"] for entry in api.get(f"transcript?kind={kind.value}")["entries"]} <= {kind.value}
    assert api.get("transcript?kind=variation")["found"] > 0


def test_the_transcript_is_text_for_people(api: Api, server: MockServer) -> None:
    with login(server) as session:
        session.list_jobs()
    said = api.ask("GET", "transcript?kind=command", Accept="text/plain")
    assert said.headers["content-type"].startswith("text/plain")
    assert said.content.decode().splitlines() == [
        str(entry) for entry in server.transcript.entries() if entry.kind.value == "command"
    ]


@pytest.mark.parametrize("query", ["kind=commands", "limit=0", "limit=100000", "since=-1", "sinse=1", "connection=x"])
def test_a_wrong_parameter_is_named(api: Api, query: str) -> None:
    said = api.ask("GET", f"transcript?{query}")
    assert said.status == 422
    assert said.fields[0].startswith(query.partition("=")[0])


# --- kits ---------------------------------------------------------------------------------------------------------


def test_a_kit_is_written_and_fetched(api: Api, tmp_path: Path) -> None:
    made = api.done("POST", "kits", {"name": "me@here.org", "org": "here", "role": "lead"})
    assert made in api.get("kits")
    with new_secure_session("me@here.org", made["path"]) as session:
        assert len(session.list_jobs()) == 1
    with zipfile.ZipFile(io.BytesIO(api.ask("GET", "kits/me@here.org").content)) as archive:
        archive.extractall(tmp_path)
        modes = {Path(info.filename).name: stat.S_IMODE(info.external_attr >> 16) for info in archive.infolist()}
    assert modes["client.key"] == 0o600
    with new_secure_session("me@here.org", str(tmp_path / "me@here.org")) as session:
        assert len(session.list_jobs()) == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"name": "../../out"}, "expected a name that a folder can have"),
        ({"name": ".."}, "expected a name that a folder can have"),
        ({"name": ""}, "name"),
        ({"name": "a\u0000b"}, "expected a name that a folder can have"),
        ({"name": "me@here.org", "role": ""}, "role: expected"),
        ({"name": "me@here.org", "directory": "/tmp"}, "expected no such field"),
        ({}, "it is not there"),
        ({"name": "me@here.org", "broken": "expird"}, "did you mean 'expired'"),
        ({"name": "me@here.org", "not_after": 1e300}, "not_after: expected"),
    ],
)
def test_a_kit_that_cannot_be_is_refused(api: Api, body: dict[str, Any], text: str) -> None:
    said = api.ask("POST", "kits", body)
    assert (said.status, text in said.detail) == (422, True), said.content


def test_a_broken_kit_is_written_listed_and_fetched(api: Api, tmp_path: Path) -> None:
    right = api.done("POST", "kits", {"name": "both@here.org", "role": "lead"})
    made = api.done("POST", "kits", {"name": "both@here.org", "role": "lead", "broken": "expired"})
    assert (right["broken"], made["broken"]) == (None, "expired")
    assert [kit for kit in api.get("kits") if kit["name"] == "both@here.org"] == [right, made]
    with pytest.raises(Exception, match="expired"):
        new_secure_session("both@here.org", made["path"], timeout=5.0)
    for query, holds in (("", True), ("?broken=expired", False)):
        content = io.BytesIO(api.ask("GET", f"kits/both@here.org{query}").content)
        with zipfile.ZipFile(content) as archive:
            certificate = x509.load_pem_x509_certificate(archive.read("both@here.org/startup/client.crt"))
        ended = certificate.not_valid_after_utc < datetime.datetime.now(datetime.timezone.utc)
        assert ended is not holds
    said = api.ask("GET", "kits/both@here.org?broken=wrong-ca")
    assert (said.status, "expected a kit" in said.detail) == (404, True)
    assert api.ask("GET", "kits/both@here.org?brokn=expired").fields == ["brokn"]


def test_a_certificate_is_as_one_asks(api: Api) -> None:
    body = {"name": "me@here.org", "org": "here", "common_name": "you@here.org", "not_before": 1e9, "not_after": 2e9}
    made = api.done("POST", "kits", body)
    certificate = x509.load_pem_x509_certificate(Path(made["path"], "startup", "client.crt").read_bytes())
    (name,) = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert (name.value, certificate.not_valid_before_utc.timestamp()) == ("you@here.org", 1e9)
    assert certificate.not_valid_after_utc.timestamp() == 2e9
    said = api.ask("POST", "kits", {"name": "me@here.org", "not_before": 2e9, "not_after": 1e9})
    assert said.status == 409


def test_what_can_be_broken_is_told_and_what_cannot_is_refused(api: Api) -> None:
    found = {one["name"]: one for one in api.get("broken-kits")}
    assert list(found) == list(BROKEN_KITS)
    assert found["expired"]["what"] == "The certificate ended yesterday."
    assert [name for name, one in found.items() if not one["possible"]] == ["missing-address", "unsigned"]
    said = api.ask("POST", "kits", {"name": "me@here.org", "broken": "unsigned"})
    assert (said.status, "expected a kit of release 2.7" in said.detail) == (409, True)


def test_a_kit_is_whole_when_many_write_it(api: Api) -> None:
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        roles = ["lead", "member", "org_admin"] * 6
        paths = list(pool.map(lambda role: api.done("POST", "kits", {"name": "a@b", "role": role})["path"], roles))
    assert len(set(paths)) == 1
    kit = Path(paths[0]) / "startup"
    public = x509.load_pem_x509_certificate((kit / "client.crt").read_bytes()).public_key()
    key = load_pem_private_key((kit / "client.key").read_bytes(), None)
    assert key.public_key() == public


# --- rights and studies -------------------------------------------------------------------------------------------


def test_the_policy_of_the_server_is_shown(api: Api) -> None:
    assert api.get("authorization")["content"] == DEFAULT_AUTHORIZATION
    policy = {"format_version": "1.0", "permissions": {"project_admin": "any"}}
    api.done("POST", "reset", {"scenario": {"server": {"authorization": policy}}})
    assert api.get("authorization")["content"] == policy


def test_studies_are_listed_as_they_change(api: Api, server: MockServer) -> None:
    study = {"name": "brain", "sites": {"nvidia": ["site-1"]}, "users": [ADMIN]}
    api.done("POST", "reset", {"scenario": {"studies": [study]}})
    assert api.get("studies") == [{"name": "brain", "site_orgs": {"nvidia": ["site-1"]}, "users": [ADMIN]}]
    with login(server) as session:
        session.remove_study("brain")
    assert api.get("studies") == []


@pytest.mark.parametrize("name", ["nobody", "..%2F..%2Fpki", "..", "%2e%2e"])
def test_a_kit_that_is_not_there_is_not_found(api: Api, name: str) -> None:
    assert api.ask("GET", f"kits/{name}").status in (404, 405)
