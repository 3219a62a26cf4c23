"""What running jobs count and what went wrong in them; the levels of logs; the apps of 2.3 (observed: 2.6.3, 2.9.0)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flare_client.protocol.commands import commands_of
from flare_client.protocol.releases import PROFILES
from mock_server.commands.dispatch import COMMAND_MODULES
from mock_server.commands.registry import HANDLERS
from tests.mock_server.desk import Desk
from tests.support import ALL_RELEASES, CELL_RELEASES, JobMaker

FROM_24 = ALL_RELEASES[1:]
WORKFLOW = {"workflows": [{"id": "scatter_and_gather"}]}
Wait = Callable[[Desk, float], None]


def error(text: str, status: str = "error", info: str | None = None) -> dict[str, Any]:
    return {
        "data": [{"type": "error", "data": text}],
        "meta": {"status": status, "info": text if info is None else info},
    }


def told(value: dict[str, Any]) -> dict[str, Any]:
    return {"data": [{"type": "dict", "data": value}], "meta": {}}


def table(*rows: list[str]) -> dict[str, Any]:
    return {"type": "table", "rows": [["CLIENT", "RESPONSE"], *rows]}


def start(desk: Desk, wait: Wait, folder: Any) -> str:
    job_id = desk.job(folder)
    wait(desk, 2)
    return job_id


def test_no_command_of_any_release_is_without_an_answer() -> None:
    assert COMMAND_MODULES
    for profile in PROFILES.values():
        missing = {spec.name for spec in commands_of(profile)} - set(HANDLERS)
        assert not missing, (profile.release, missing)


# --- statistics and errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", FROM_24)
def test_what_a_running_job_counts(desk_of: Any, make_job: JobMaker, wait: Wait, release: str) -> None:
    desk = desk_of(release)
    files = {"app/config/config_fed_server.json": '{"format_version": 2, "workflows": [{"id": "scatter_and_gather"}]}'}
    job_id = start(desk, wait, make_job(files=files))
    server = {"ServerRunner": {"job_id": job_id, "status": "started", "workflow": "scatter_and_gather"}}
    site = {"ClientRunner": {"job_id": job_id, "current_tasks": ["train"]}}
    assert desk.ask(f"show_stats {job_id} server") == told({"server": server})
    assert desk.ask(f"show_stats {job_id} client site-2") == told({"site-2": site})
    assert desk.ask(f"show_stats {job_id} all") == told({"server": server, "site-1": site, "site-2": site})
    assert desk.ask(f"show_stats {job_id} moon") == error("unknown target type moon", "invalid_target")
    wait(desk, 10)
    text = f"Job_id: {job_id} is not running."
    assert desk.ask(f"show_stats {job_id} server") == error(text, "job_not_running", job_id)


def test_23_tells_a_machine_an_item(desk_of: Any, make_job: JobMaker, wait: Wait) -> None:
    desk = desk_of("2.3")
    job_id = start(desk, wait, make_job())
    server = {"ServerRunner": {"job_id": job_id, "status": "started", "workflow": ""}}
    site = {"ClientRunner": {"job_id": job_id, "current_task_name": "train", "status": "started"}}
    assert desk.ask(f"show_stats {job_id} server") == told(server)
    names = [{"type": "string", "data": f"--- Client ---: {name}"} for name in ("site-1", "site-2")]
    item = {"type": "dict", "data": site}
    assert desk.ask(f"show_stats {job_id} client")["data"] == [names[0], item, names[1], item]
    assert desk.ask(f"show_errors {job_id} server")["data"] == [{"type": "string", "data": "No Error"}]
    reset = f"reset the server error stats for job: {job_id}"
    assert desk.ask(f"reset_errors {job_id} server")["data"] == [{"type": "string", "data": reset}]
    for words in ("", f" {job_id}", f" {job_id} client site-1"):
        assert desk.ask(f"show_stats{words}") == error("syntax error: missing job_id and target")
    wait(desk, 10)
    assert desk.ask(f"show_stats {job_id} server") == error(f"Job_id: {job_id} is not running.")


@pytest.mark.parametrize("release", FROM_24)
def test_errors_until_they_are_reset(desk_of: Any, make_job: JobMaker, wait: Wait, release: str) -> None:
    mistake = {"Trainer": {"warning": "no GPU"}}
    sites = [{"name": "site-1", "errors": mistake}, {"name": "site-2"}]
    desk = desk_of(release, {"sites": sites, "server": {"errors": mistake}})
    job_id = start(desk, wait, make_job())
    assert desk.ask(f"show_errors {job_id} all") == told({"server": mistake, "site-1": mistake, "site-2": {}})
    reset = f"reset the server error stats for job: {job_id}"
    assert desk.ask(f"reset_errors {job_id} server") == told({"server": reset})
    assert desk.ask(f"show_errors {job_id} all") == told({"server": "No Error", "site-1": mistake, "site-2": {}})
    assert desk.ask(f"reset_errors {job_id} client site-1") == told({"site-1": {"status": "OK"}})
    assert desk.ask(f"show_errors {job_id} client") == told({"site-1": {}, "site-2": {}})
    other = start(desk, wait, make_job("other"))
    assert desk.ask(f"show_errors {other} client site-1") == told({"site-1": mistake})


def test_statistics_of_a_scenario(desk_of: Any, make_job: JobMaker, wait: Wait) -> None:
    sites = [{"name": "site-1", "statistics": {"Trainer": {"loss": 0.5}}}, {"name": "site-2"}]
    desk = desk_of("2.9", {"sites": sites, "server": {"statistics": {"Controller": {"round": 3}}}})
    job_id = start(desk, wait, make_job(deploy_map={"app": ["server", "site-1"]}, min_clients=1))
    expected = {"server": {"Controller": {"round": 3}}, "site-1": {"Trainer": {"loss": 0.5}}, "site-2": {}}
    assert desk.ask(f"show_stats {job_id} all") == told(expected), "who takes no part counts nothing"


# --- levels of logs ---------------------------------------------------------------------------------------------


def test_a_level_that_is_none_in_26(desk_of: Any, make_job: JobMaker, wait: Wait) -> None:
    desk = desk_of("2.6")
    text = "ValueError: Invalid logging level: nonsense"
    assert desk.ask("configure_site_log server nonsense") == error(text, "internal_error")
    assert desk.ask("configure_site_log client site-1 nonsense")["data"] == [table(["site-1", text])]
    job_id = start(desk, wait, make_job())
    assert desk.ask(f"configure_job_log {job_id} all nonsense") == error(text)
    assert desk.ask(f"configure_job_log {job_id} client site-1 nonsense")["data"] == [table(["site-1", text])]


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_level_that_is_none_later(desk_of: Any, make_job: JobMaker, wait: Wait, release: str) -> None:
    desk = desk_of(release)
    job_id = start(desk, wait, make_job())
    text = "ValueError: configure_site_log only supports log levels and built-in log modes"
    assert desk.ask(f"configure_job_log {job_id} all nonsense") == error(text)
    reply = desk.ask(f"configure_job_log {job_id} client site-1 nonsense")
    assert reply["data"] == [table(["site-1", text]), {"type": "error", "data": f"site-1: {text}"}]
    assert reply["meta"]["status"] == "error"


# --- apps of a running job --------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["2.3", "2.4", "2.5"])
def test_an_app_that_runs_is_started_again(desk_of: Any, make_job: JobMaker, wait: Wait, release: str) -> None:
    desk = desk_of(release)
    job_id = desk.job(make_job(deploy_map={"app": ["server", "site-1"]}, min_clients=1))
    assert desk.ask(f"start_app {job_id} client site-1") == error(f"Job: {job_id} is not running.")
    wait(desk, 2)
    text = "Please provide the target name (client / all) for start_app command."
    assert desk.ask(f"start_app {job_id}") == error(text)
    assert desk.ask(f"start_app {job_id} server") == error("start_app command only supports client app start.")
    assert desk.ask(f"start_app {job_id} client") == error("site-2 are not in the job running list.")
    reply = desk.ask(f"start_app {job_id} client site-1")
    assert reply["data"] == [table(["site-1", "Client app already started."]), {"type": "success", "data": ""}]
    assert reply["meta"] == {"status": "ok", "info": ""}


def test_a_task_is_aborted_in_23(desk_of: Any, make_job: JobMaker, wait: Wait) -> None:
    desk = desk_of("2.3")
    job_id = start(desk, wait, make_job())
    sent, none = "Abort signal has been sent to the current task.", "Client app has not started."
    assert desk.ask(f"abort_task {job_id} client site-1")["data"] == [table(["site-1", sent])]
    assert "TypeError" in desk.ask(f"abort_task {job_id}")["data"][0]["data"]
    wait(desk, 10)
    assert desk.ask(f"abort_task {job_id} client")["data"] == [table(["site-1", none], ["site-2", none])]
