"""The official admin console at a terminal, on a mock server of its release."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mock_server import MockServer
from tests.interop.programs.dialogue import Dialogue
from tests.interop.programs.official import Official
from tests.support import write_job

SCENARIO = {
    "jobs": [
        {"match": {"name": "long"}, "queued": 0, "running": "1h"},
        {"queued": 0, "running": 0, "result": {"files": {"app_server/accuracy.txt": "0.93"}}},
    ]
}
LIGHT = ("2.6.3", "2.9.0")
VERSIONS = [
    pytest.param(version, marks=() if version in LIGHT else (pytest.mark.programs,))
    for version in ("2.3.12", "2.4.2", "2.5.2", "2.6.3", "2.7.3", "2.8.3", "2.9.0")
]
USER = "admin@nvidia.com"


class Console:
    """The console of a kit, started by the kit's own script."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    def log_in(self) -> str:
        """Give the user's name, and wait for the prompt."""
        self._dialogue.expect("User Name: ")
        self._dialogue.type(USER)
        return self._dialogue.expect("\n> ")

    def ask(self, line: str, *answers: tuple[str, str]) -> str:
        """Type a command, answer what it asks, and return what it shows."""
        self._dialogue.type(line)
        for question, answer in answers:
            self._dialogue.expect(question)
            self._dialogue.type(answer)
        shown = self._dialogue.expect("\n> ")
        assert "exception" not in shown.lower(), shown
        return shown

    def leave(self) -> tuple[int, str]:
        """Say goodbye."""
        self._dialogue.type("bye")
        return self._dialogue.end()


def console_of(official: Official, kit: Path, *options: str) -> Dialogue:
    return Dialogue(official, str(kit / "startup" / "fl_admin.sh"), *options, cwd=kit)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_at_the_console(version: str, tmp_path: Path) -> None:
    with MockServer(version, scenario=SCENARIO) as server:
        kit = server.kit(USER)
        write_job(kit / "transfer", "short")
        write_job(kit / "transfer", "long")
        with console_of(Official(version, tmp_path / "home"), kit) as dialogue:
            console = Console(dialogue)
            console.log_in()
            status = console.ask("check_status server")
            submitted = console.ask("submit_job short")
            job_id = submitted.partition("Submitted job: ")[2].split()[0]
            server.wait_until(job_id, "FINISHED")
            listed = console.ask("list_jobs")
            downloaded = console.ask(f"download_job {job_id}")
            long_id = console.ask("submit_job long").partition("Submitted job: ")[2].split()[0]
            server.wait_until(long_id, "RUNNING")
            stats = console.ask(f"show_stats {long_id} server")
            sites = console.ask("check_status client")
            files = console.ask("ls site-1 -l")
            aborted = console.ask(f"abort_job {long_id}", ("Are you sure (y/N): ", "y"))
            kept = console.ask(f"delete_job {job_id}", ("Confirm with User Name: ", "somebody"))
            deleted = console.ask(f"delete_job {job_id}", ("Confirm with User Name: ", USER))
            unknown = console.ask("frobnicate")
            helped = console.ask("? list_jobs")
            code, farewell = console.leave()

        assert re.search(r"Engine status: (stopped|started)", status)
        assert "Registered clients: 2" in status
        assert "site-1" in status
        assert job_id in listed
        assert "FINISHED:COMPLETED" in listed
        assert (kit / "transfer" / job_id / "workspace" / "app_server" / "accuracy.txt").read_text() == "0.93"
        assert job_id in downloaded
        assert "ServerRunner" in stats
        assert len(re.findall(rf"site-\d.*{long_id}.*started", sites)) == 2
        assert "startup" in files
        assert "Abort signal has been sent" in aborted
        assert "user name mismatch" in kept
        assert f"{job_id} deleted" in deleted
        assert "Undefined command frobnicate" in unknown
        assert "Usage: list_jobs" in helped
        assert code == 0, farewell
        server.calls.require_order(
            "check_status", "submit_job", "list_jobs", "download_job", "submit_job", "show_stats", "abort_job"
        )
        server.calls.require_once("delete_job", job_id, user=USER)
        server.calls.require_none("frobnicate")
        assert server.job_metas()[0]["status"] == "FINISHED:ABORTED"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_shutdown_ends_the_console(version: str, tmp_path: Path) -> None:
    with MockServer(version) as server, console_of(Official(version, tmp_path / "home"), server.kit(USER)) as dialogue:
        console = Console(dialogue)
        console.log_in()
        dialogue.type("shutdown all")
        dialogue.expect("Confirm with User Name: ")
        dialogue.type(USER)
        code, farewell = dialogue.end()
        assert (code, server.wait(0)) == (0, True), farewell
        server.calls.require_once("shutdown", "all", user=USER)


@pytest.mark.programs
@pytest.mark.parametrize("version", ["2.8.3", "2.9.0"])
def test_a_console_in_a_study(version: str, tmp_path: Path) -> None:
    studies = [{"name": "brain", "sites": {"nvidia": ["site-1"]}, "users": [USER]}]
    with MockServer(version, scenario={"studies": studies}) as server:
        kit = server.kit(USER)
        write_job(kit / "transfer", "short", min_clients=1)
        shown = []
        for options in (("--study", "brain"), ()):
            with console_of(Official(version, tmp_path / "home"), kit, *options) as dialogue:
                console = Console(dialogue)
                console.log_in()
                sites, submitted = console.ask("check_status client"), console.ask("submit_job short")
                shown.append((sites, submitted.partition("Submitted job: ")[2].split()[0], console.ask("list_jobs")))
                assert console.leave()[0] == 0
        (inside, first, listed), (outside, second, others) = shown
        assert ("site-2" in inside, "site-2" in outside) == (False, True)
        assert (first in listed, first in others, second in others) == (True, False, True)
        assert [meta["study"] for meta in server.job_metas()] == ["brain", "default"]
