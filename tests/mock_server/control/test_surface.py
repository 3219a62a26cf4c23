"""The surface's own life: asked for or not, with and without its extra, its start, its end, and much at once."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mock_server import MockServer, ServerError
from mock_server.control.settings import CONTROL_FILE
from tests.mock_server.control.asking import Api

_ROOT = Path(__file__).parents[3]


def test_who_does_not_ask_for_it_does_not_import_it() -> None:
    code = """
import sys
from mock_server import MockServer
with MockServer("2.6") as server:
    pass
heavy = {"fastapi", "starlette", "uvicorn", "anyio", "mock_server.control.surface"} & set(sys.modules)
assert not heavy, heavy
with MockServer("2.6", control=True) as server:
    assert "fastapi" in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=_ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_a_server_without_it_says_how_to_have_it() -> None:
    with MockServer("2.6") as server, pytest.raises(ServerError, match=r"use MockServer\(control=True\)"):
        _ = server.control
    with pytest.raises(ServerError, match="expected a server that runs"):
        _ = MockServer("2.6", control=True).control


def test_without_its_extra_the_error_says_what_to_install(
    workspace: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("mock_server.control.", "uvicorn"))]:
        if name != "mock_server.control.settings":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    server = MockServer("2.6", control=True, workspace=workspace())
    with pytest.raises(ServerError, match=r"expected the extra `control`.*pip install 'flare-conformance\[control\]'"):
        server.start()
    assert not server.is_running


def test_a_port_that_is_taken_is_an_error_and_nothing_is_left(workspace: Callable[[], Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = MockServer("2.6", control=port, workspace=workspace())
        threads = threading.active_count()
        with pytest.raises(ServerError, match=f"expected port {port} of 127.0.0.1 for the control surface"):
            server.start()
    assert not server.is_running
    assert threading.active_count() == threads
    with server:
        assert server.control.url == f"http://127.0.0.1:{port}"
        assert Api(server).get("clock")["kind"] == "real"


def test_its_file_tells_where_it_is_and_is_its_owners_alone(workspace: Callable[[], Path]) -> None:
    folder = workspace()
    with MockServer("2.6", control=True, workspace=folder) as server:
        file = folder / CONTROL_FILE
        assert server.control.file == file
        found = json.loads(file.read_text())
        assert (found["url"], found["token"]) == (server.control.url, server.control.token)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert server.control.page == f"{server.control.url}/#token={server.control.token}"
    assert not file.exists()


def test_the_file_of_a_server_that_came_after_stays(workspace: Callable[[], Path]) -> None:
    folder = workspace()
    first = MockServer("2.6", control=True, workspace=folder)
    first.start()
    file = first.control.file
    other = file.read_text().replace(first.control.token, "token-of-another-server")
    file.write_text(other)
    first.stop()
    assert file.read_text() == other


def test_a_token_is_another_one_each_time(workspace: Callable[[], Path]) -> None:
    server = MockServer("2.6", control=True, workspace=workspace())
    tokens = []
    for _ in range(2):
        with server:
            tokens.append(server.control.token)
    assert tokens[0] != tokens[1]
    assert min(map(len, tokens)) >= 32


def test_it_ends_with_the_server_also_while_somebody_listens(workspace: Callable[[], Path]) -> None:
    before = set(threading.enumerate())  # of servers that modules share
    server = MockServer("2.6", control=True, workspace=workspace())
    server.start()
    api = Api(server)
    host, _, port = api.address.partition(":")
    listening = http.client.HTTPConnection(host, int(port), timeout=60)
    listening.request("GET", "/v1/changes", headers={"Authorization": f"Bearer {api.token}"})
    answer = listening.getresponse()
    assert answer.readline() == b"event: change\n"
    server.stop()
    answer.read()  # it ends
    listening.close()
    assert not [one for one in threading.enumerate() if one not in before and one.name.startswith("flare-mock")]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def test_changes_are_told_as_they_happen(api: Api, server: MockServer) -> None:
    host, _, port = api.address.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("GET", "/v1/changes", headers={"Authorization": f"Bearer {api.token}"})
    answer = connection.getresponse()
    assert answer.getheader("content-type", "").startswith("text/event-stream")

    def following() -> dict[str, int]:
        while not (line := answer.readline()).startswith(b"data: "):
            assert line
        found: dict[str, int] = json.loads(line.removeprefix(b"data: "))
        return found

    before = following()
    assert set(before) == {"clock", "jobs", "sites", "sessions", "faults", "transcript", "server"}
    steps = {
        "clock": lambda: server.clock.advance(0.5),  # type: ignore[attr-defined] # a virtual one
        "faults": lambda: server.faults.inject("close", command="nothing"),
        "sites": lambda: server.set_site_connected("site-1", False),
        "jobs": lambda: server.delete_job(server.job_metas()[0]["job_id"]),
        "server": server.restart,
    }
    for part, step in steps.items():
        step()
        now = following()
        assert now[part] != before[part], part
        before = now
    connection.close()


def test_due_events_happen_while_somebody_watches(api: Api, server: MockServer) -> None:
    server.reset(scenario={"jobs": [{"queued": "1s", "running": "1s"}], "workload": [{"name": "a"}]}, clock="x100")
    host, _, port = api.address.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("GET", "/v1/changes", headers={"Authorization": f"Bearer {api.token}"})
    answer = connection.getresponse()
    # Nobody else asks the server anything.
    while not server.chronicle.of_job(1) or not server.chronicle.of_job(1)[-1].what.startswith("FINISHED"):
        assert answer.readline()
    connection.close()


def test_many_may_ask_at_once(api: Api) -> None:
    def work(number: int) -> int:
        made = api.done("POST", "faults", {"action": {"kind": "close"}, "command": f"none-{number}"})["number"]
        api.get("jobs?timeline=true")
        api.get("transcript")
        api.done("DELETE", f"faults/{made}")
        return int(made)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(work, range(40)))
    assert len(set(numbers)) == 40
    assert api.get("faults") == []


def test_resets_from_many_sides_leave_a_server_that_works(api: Api) -> None:
    names = ["instant", "realistic", "busy-cluster"] * 3
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda name: api.done("POST", "reset", {"scenario": name}), names))
    description = api.get("server")["description"]
    assert description in {one["description"] for one in api.get("scenarios")}


def test_a_timeline_keeps_its_beginning_and_its_end(api: Api) -> None:
    stages = [
        {"from": "RUNNING", "delay": "1s", "repeat": 700, "log": ["round"]},
        {"from": "RUNNING", "to": "FINISHED:COMPLETED"},
    ]
    api.done(
        "POST", "reset", {"scenario": {"jobs": [{"stages": stages}], "workload": [{"name": "a"}]}, "clock": "virtual"}
    )
    api.done("POST", "clock/advance", {"by": "1h"})
    (job,) = api.get("jobs?timeline=true")["jobs"]
    words = [event["what"] for event in job["timeline"]]
    assert words[:3] == ["SUBMITTED", "DISPATCHED", "RUNNING"]
    assert words[-1] == "FINISHED:COMPLETED"
    assert len(words) == 500
