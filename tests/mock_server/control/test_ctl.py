"""``flare-mock ctl``: finds a server, asks it, shows what it says, and ends with a code that scripts can go by."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from flare_client import new_secure_session
from mock_server import MockServer
from mock_server.cli import main
from mock_server.control.settings import CONTROL_FILE
from mock_server.ctl import ctl, observation
from mock_server.ctl.connection import Connection, Unreachable
from mock_server.ctl.options import Session
from tests.mock_server.control.asking import Api


def run(api: Api, *words: str) -> Result:
    env = {"FLARE_MOCK_URL": api.server.control.url, "FLARE_MOCK_TOKEN": api.token}
    return CliRunner().invoke(main, ["ctl", *words], env=env)


def done(api: Api, *words: str) -> str:
    result = run(api, *words)
    assert (result.exit_code, result.exception) == (0, None), result.output
    return result.output


def answer(api: Api, *words: str) -> Any:
    return json.loads(done(api, *words, "--json"))


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("words", list(commands(ctl)), ids=" ".join)
def test_each_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    text = CliRunner().invoke(main, ["ctl", *words, "--help"]).output
    assert f"Example: flare-mock ctl {' '.join(words)}" in text
    assert "--json" in text
    assert "FLARE_MOCK_URL" in text


def test_the_server_the_clock_and_a_reset(api: Api) -> None:
    text = done(api, "status")
    assert text.startswith("MOCK server of release 2.9 on 127.0.0.1:")
    assert "scenario: Two jobs of others." in text
    assert "virtual" in done(api, "clock", "show")
    begun = answer(api, "clock", "show")["time"]
    assert answer(api, "clock", "advance", "2h")["time"] == begun + 7200
    assert "nothing will happen" in done(api, "clock", "next")  # the end of the long job was the last
    assert answer(api, "reset", "--scenario", "instant", "--clock", "x100", "--site", "a")["commands"] == {}
    assert [site["name"] for site in answer(api, "sites", "list")] == ["a"]
    assert "x" not in done(api, "clock", "show").split()[2]
    assert answer(api, "scenario")["description"]
    assert "realistic" in done(api, "scenario", "--ready")


def test_a_file_of_ones_own_is_loaded_and_its_faults_have_lines(api: Api, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("description: mine\n")
    assert "scenario: mine" in done(api, "reset", "--scenario", str(path))
    path.write_text("jobs:\n- running: fast\n")
    result = run(api, "reset", "--scenario", str(path))
    assert result.exit_code == 1
    assert ":2: jobs[0].running: expected a duration" in result.output
    path.write_bytes(b"\xff")
    assert "expected UTF-8 text" in run(api, "reset", "--scenario", str(path)).output
    assert run(api, "reset", "--scenario", str(tmp_path / "none.yaml")).exit_code == 2


def test_jobs(api: Api, tmp_path: Path) -> None:
    done(api, "clock", "advance", "5s")
    assert "train" in done(api, "jobs", "list")
    assert "1 more: --limit" in done(api, "jobs", "list", "--limit", "1")
    (job,) = answer(api, "jobs", "list", "--name", "train")["jobs"]
    file = tmp_path / "best.txt"
    file.write_text("weights")
    added = answer(api, "jobs", "result", job["id"], "--file", f"a.txt={file}", "--text", "b.txt=x", "--size", "1KiB")
    assert added["result"] == {"files": {"a.txt": "weights", "b.txt": "x"}, "size": 1024}
    assert "RUNNING" in done(api, "jobs", "wait", job["id"], "--status", "RUNNING")
    assert "FINISHED:ABORTED" in done(api, "jobs", "abort", job["id"])
    assert "DISPATCHED" in done(api, "jobs", "show", job["id"])
    assert done(api, "jobs", "delete", job["id"]) == f"deleted {job['id']}\n"
    assert "no such jobs" in done(api, "jobs", "list", "--name", "train")


def test_a_result_takes_files_that_are_no_texts(api: Api, tmp_path: Path) -> None:
    (job,) = answer(api, "jobs", "list", "--name", "train")["jobs"]
    file = tmp_path / "best.bin"
    file.write_bytes(b"\x00\xff")
    words = ("--file", f"a.bin={file}", "--sized", "models/b.bin=2KiB")
    added = answer(api, "jobs", "result", job["id"], *words)
    assert added["result"] == {"binaries": {"a.bin": "AP8="}, "sizes": {"models/b.bin": 2048}}
    file.write_bytes(b"\xff" * 8 * 1024 * 1024)
    result = run(api, "jobs", "result", job["id"], *words)
    assert (result.exit_code, "at most 8,388,608 bytes" in result.output) == (1, True), result.output


def test_studies_and_rights(api: Api, server: MockServer) -> None:
    assert "no studies but default" in done(api, "studies")
    server.reset(scenario={"studies": [{"name": "brain", "sites": {"a": ["s-1", "s-2"]}, "users": ["me@here.org"]}]})
    assert "brain  s-1, s-2  me@here.org" in done(api, "studies")
    assert json.loads(done(api, "authorization"))["permissions"]["project_admin"] == "any"


def test_nothing_is_left_out_of_what_is_followed(api: Api, server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observation, "_AT_ONCE", 2)
    before = server.transcript.last
    with new_secure_session("admin@nvidia.com", str(server.kit())) as session:
        session.list_jobs()
    connection = Connection(server.control.url, api.token)
    entries, last = observation._after(Session(connection, False), before, {})
    numbers = [entry["number"] for entry in entries]
    assert len(numbers) > 4
    assert numbers == list(range(before + 1, last + 1))


def test_faults(api: Api) -> None:
    assert "no faults" in done(api, "faults", "list")
    made = answer(
        api, "faults", "inject", "delay", "seconds=2s", "--command", "list_jobs", "--times", "3", "--session", "1"
    )
    assert made["action"]["seconds"] == 2.0
    assert made["when"] == {"command": "list_jobs", "times": 3, "session": 1}
    assert "delay seconds=2.0  list_jobs (answer) session=1 times=3  0 of 0" in done(api, "faults", "list")
    assert "paused" in done(api, "faults", "pause", str(made["number"]))
    assert "paused" not in done(api, "faults", "resume", str(made["number"]))
    result = run(api, "faults", "wait", str(made["number"]), "--timeout", "10ms")
    assert (result.exit_code, "to have struck 1 times within 0.01 s, but got 0" in result.output) == (1, True)
    assert done(api, "faults", "clear", str(made["number"])) == "faults that are over: 1\n"
    assert "seconds= [jitter=]" in done(api, "faults", "kinds")
    assert done(api, "faults", "clear") == "faults that are over: 0\n"


def test_sites_sessions_kits_and_what_came(api: Api, tmp_path: Path) -> None:
    for word, state in (
        ("disconnect", "gone"),
        ("connect", "connected"),
        ("disable", "disabled"),
        ("enable", "connected"),
    ):
        assert state in done(api, "sites", word, "site-1")
    kit = tmp_path / "kit.zip"
    path = done(api, "kits", "write", "me@here.org", "--role", "lead", "--zip", str(kit)).strip()
    assert kit.stat().st_mode & 0o777 == 0o600
    assert "me@here.org" in done(api, "kits", "list")
    assert "expired" in done(api, "kits", "broken")
    broken = done(api, "kits", "write", "me@here.org", "--broken", "missing-key", "--zip", str(kit)).strip()
    assert not Path(broken, "startup", "client.key").exists()
    assert not [name for name in zipfile.ZipFile(kit).namelist() if name.endswith("client.key")]
    assert "missing-key" in done(api, "kits", "list")
    assert "nobody" in done(api, "sessions", "list")
    with new_secure_session("me@here.org", path) as session:
        session.list_jobs()
        assert "me@here.org" in done(api, "sessions", "list")
        assert "list_jobs" in done(api, "calls", "--command", "list_*")
        lines = done(api, "transcript", "--kind", "command", "--text", "list_jobs").splitlines()
        assert all("list_jobs" in line for line in lines)
        found = [json.loads(line) for line in done(api, "transcript", "--limit", "3", "--json").splitlines()]
        assert len(found) == 3
        assert done(api, "sessions", "expire") == "sessions that are over: 1\n"
    assert answer(api, "restart")["events"][-1]["what"] == "restart"
    assert done(api, "page").strip() == api.server.control.page
    assert json.loads(done(api, "openapi"))["openapi"] == "3.1.0"


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["jobs", "show", "nothing"], 1, "expected a job that is there, but got 'nothing'"),
        (["jobs", "show", "../server"], 1, "expected a"),
        (["faults", "inject", "dealy"], 1, "did you mean 'delay'"),
        (["faults", "inject", "delay", "seconds"], 2, "expected FIELD=VALUE"),
        (["faults", "pause", "9"], 1, "expected a fault"),
        (["clock", "advance", "soon"], 1, "by: expected a duration"),
        (["clock", "advance"], 1, "expected one of by, to and to_next_event"),
        (["clock", "advance", "--to", "1"], 1, "never goes back"),
        (["kits", "write", "me@here.org", "--broken", "expird"], 1, "did you mean 'expired'"),
        (["transcript", "--follow", "--before", "3"], 2, "expected --follow or --before, but got both"),
        (["reset", "--scenario", "instand"], 1, "did you mean 'instant'"),
        (["sites", "connect", "site-9"], 1, "of site-1, site-2"),
        (["kits", "write", "../me"], 1, "expected a name that a folder can have"),
        (["kits", "write", "me@here.org", "--zip", "/no/such/folder/kit.zip"], 2, "No such file"),
        (["transcript", "--kind", "commands"], 1, "kind"),
    ],
)
def test_what_cannot_be_is_a_line_and_a_code(api: Api, words: list[str], code: int, text: str) -> None:
    result = run(api, *words)
    assert (result.exit_code, text in result.output) == (code, True), result.output
    assert "Traceback" not in result.output


# --- finding a server ---------------------------------------------------------------------------------------------


def ask(*words: str, **env: str) -> Result:
    clear = {"FLARE_MOCK_URL": None, "FLARE_MOCK_TOKEN": None, "FLARE_MOCK_WORKSPACE": None}
    return CliRunner().invoke(main, ["ctl", *words], env={**clear, **env})


def test_a_server_is_found_by_its_workspace(api: Api, server: MockServer) -> None:
    folder = str(server.control.file.parent)
    assert ask("status", "--workspace", folder).exit_code == 0
    assert ask("status", FLARE_MOCK_WORKSPACE=folder).exit_code == 0


def test_the_address_of_the_page_will_do(api: Api, server: MockServer) -> None:
    assert ask("status", "--url", server.control.page).exit_code == 0
    assert ask("status", "--url", server.control.url, "--token", api.token).exit_code == 0


def test_a_wrong_token_is_refused(server: MockServer) -> None:
    for words in ((), ("--token", "wrong-token")):
        result = ask("status", "--url", server.control.url, *words)
        assert (result.exit_code, "Authorization" in result.output) == (1, True)


def test_nobody_there_is_code_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = ask("status")
    assert (result.exit_code, "expected --url (or FLARE_MOCK_URL" in result.output) == (2, True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = ask("status", "--url", f"http://127.0.0.1:{port}")
    assert (result.exit_code, "Connection refused" in result.output) == (2, True)
    (tmp_path / CONTROL_FILE).write_text("[]")
    result = ask("status")
    assert (result.exit_code, "expected a file that a server wrote" in result.output) == (2, True)


@pytest.mark.parametrize("url", ["", "nonsense", "https://127.0.0.1:1", "file:///etc/passwd", "http://", "http://[:1"])
def test_a_url_that_is_none_is_said(url: str) -> None:
    result = ask("status", "--url", url)
    assert (result.exit_code, "flare-mock: expected" in result.output) == (2, True), result.output
    assert "Traceback" not in result.output


class _Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        code = 500 if "clock" in self.path else 200
        self.send_response(code)
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_words: Any) -> None:
        pass


def test_another_program_on_that_port_is_said() -> None:
    with HTTPServer(("127.0.0.1", 0), _Stranger) as stranger:
        thread = threading.Thread(target=stranger.serve_forever)
        thread.start()
        try:
            for words in (["status"], ["clock", "show"]):
                result = ask(*words, "--url", f"http://127.0.0.1:{stranger.server_port}")
                assert (result.exit_code, "Traceback" in result.output) == (2, False)
                assert "flare-mock: expected" in result.output
        finally:
            stranger.shutdown()
            thread.join()


# --- as a process -------------------------------------------------------------------------------------------------


def test_serve_announces_its_control_surface_and_ctl_finds_it(tmp_path: Path) -> None:
    words = ["serve", "--workspace", str(tmp_path), "--release", "2.6", "--control", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mock_server.cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())["control"]
        assert announced["page"] == f"{announced['url']}/#token={announced['token']}"
        found = json.loads(ask("status", "--json", "--workspace", str(tmp_path)).output)
        assert found["release"] == "2.6"
        follow = subprocess.Popen(
            [sys.executable, "-m", "mock_server.cli", "ctl", "transcript", "--follow", "--workspace", str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert follow.stdout is not None
        kit = json.loads(ask("kits", "write", "me@here.org", "--json", "--workspace", str(tmp_path)).output)["path"]
        with new_secure_session("me@here.org", kit) as session:
            session.list_jobs()
            for line in follow.stdout:
                if "list_jobs" in line:
                    break
            else:
                pytest.fail("the command was not told")
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert not (tmp_path / CONTROL_FILE).exists()
    _, errors = follow.communicate(timeout=60)  # it ends with the server
    assert (follow.returncode, errors) == (0, "")


def test_who_follows_ends_with_a_server_that_ends_after_its_last_word(capsys: pytest.CaptureFixture[str]) -> None:
    """A server may be gone when it is asked for what it has just told of; nothing that came is told twice or lost."""
    entry = {"number": 5, "time": "2026-01-31T08:00:00+00:00", "connection": 0, "user": "", "session": ""}
    entry |= {"direction": "server", "kind": "event", "summary": "it went on", "detail": {}}

    class Ending(Connection):
        answers = iter([None, {"entries": [entry], "last": 5}])

        def events(self, path: str) -> Iterator[dict[str, Any]]:  # noqa: ARG002 - as the one in its place
            yield from ({"transcript": number} for number in (4, 5, 5))

        def get(self, path: str, **query: Any) -> Any:  # noqa: ARG002 - likewise
            if (answer := next(self.answers)) is None:
                raise Unreachable("it is gone")
            return answer

    observation.follow_entries(Session(Ending("http://127.0.0.1:1", "none"), as_json=True), 3, {})
    assert capsys.readouterr().out == json.dumps(entry) + "\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [(["--control", "70000"], "70000"), (["--control", "--control-token", "short"], "8 characters or more")],
)
def test_a_control_surface_that_cannot_be_is_code_2(tmp_path: Path, words: list[str], text: str) -> None:
    result = CliRunner().invoke(main, ["serve", "--workspace", str(tmp_path), *words])
    assert (result.exit_code, text in result.output) == (2, True), result.output
