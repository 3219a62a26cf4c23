"""What commands about sites, logs and running jobs answer in 2.7-2.9 (observed: 2.7.3, 2.8.3, 2.9.0)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.command_line import join_words, split_line
from flare_client.protocol.releases import PROFILES
from mock_server import ManualClock, MockServer
from mock_server.commands.words import split_words
from mock_server.jobs.engine import JobEngine
from tests.mock_server.desk import Desk
from tests.support import CELL_RELEASES, JobMaker

OK = {"status": "ok", "info": ""}
SUCCESS = {"type": "success", "data": ""}
FROM_28 = ("2.8", "2.9")
SITES = [{"name": "site-1", "org": "nvidia"}, {"name": "site-2", "org": "other"}]


@pytest.fixture
def desk_of(workspace: Callable[[], Path]) -> Iterator[Callable[..., Desk]]:
    """Desks of fresh servers with a site of each of two organisations."""
    with ExitStack() as stack:

        def make(release: str, **result: Any) -> Desk:
            job = {"queued": "1s", "running": "10s", "result": result}
            scenario = {"sites": SITES, "jobs": [job]}
            server = MockServer(release, scenario=scenario, clock=ManualClock(), workspace=workspace())
            return Desk(stack.enter_context(server))

        yield make


def start(desk: Desk, folder: Any) -> str:
    job_id = desk.job(folder)
    assert isinstance(desk.server.clock, ManualClock)
    desk.server.clock.advance(1)
    return job_id


def finish(desk: Desk) -> None:
    assert isinstance(desk.server.clock, ManualClock)
    desk.server.clock.advance(10)


def string(text: str) -> dict[str, Any]:
    return {"type": "string", "data": text}


def told(value: dict[str, Any], meta: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"data": [{"type": "dict", "data": value}], "meta": OK if meta is None else meta}


def refused(text: str, status: str = "error", info: str | None = None) -> dict[str, Any]:
    return {
        "data": [{"type": "error", "data": text}],
        "meta": {"status": status, "info": text if info is None else info},
    }


# --- rights -----------------------------------------------------------------------------------------------------

EVERYBODY = "admin org_admin lead2 other_lead member"
MATRIX = {
    "list_jobs": EVERYBODY,
    "get_job_meta {job}": EVERYBODY,
    "check_status server": EVERYBODY,
    "list_sessions": EVERYBODY,
    "clone_job {job}": "admin",
    "abort_job {job}": "admin org_admin",
    "delete_job {job}": "admin org_admin",
    "download_job {job}": "admin org_admin",
    "configure_job_log {job} server INFO": "admin org_admin",
    "list_job {job}": "admin",
    "app_command {job} topic": "admin",
    "get_job_log {job}": "admin",
    "report_version server": "admin",
    "report_resources server": "admin org_admin lead2",
    "configure_site_log server INFO": "admin org_admin lead2",
    "disable_client site-9": "admin org_admin lead2",
    "enable_client site-9": "admin org_admin lead2",
    "remove_client site-1": "admin org_admin lead2",
    "report_env site-1": "admin org_admin lead2",
}
PEOPLE = {
    "admin": ("admin@nvidia.com", "nvidia", "project_admin"),
    "org_admin": ("orgadmin@nvidia.com", "nvidia", "org_admin"),
    "lead2": ("lead2@nvidia.com", "nvidia", "lead"),
    "other_lead": ("lead@other.com", "other", "lead"),
    "member": ("member@nvidia.com", "nvidia", "member"),
}


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_rights_are_those_of_the_official_default_policy(desk_of: Any, make_job: JobMaker, release: str) -> None:
    admin = desk_of(release)
    lead = Desk(admin.server, "lead@nvidia.com", role="lead")
    known = {spec.name for spec in admin.server.call(lambda context: list(context.commands))}
    job_id = lead.job(make_job())
    for line, allowed in MATRIX.items():
        if line.split()[0] not in known:
            continue
        for who, (user, org, role) in PEOPLE.items():
            clone = lead.ask(f"clone_job {job_id}")["meta"]["job_id"]
            reply = Desk(admin.server, user, org, role).ask(line.format(job=clone))
            reason = f"user '{user}' is not authorized for '{line.split()[0]}'"
            refusal = refused(f"Authorization Error: {reason}", "not_authorized", reason)
            assert (reply != refusal) == (who in allowed.split()), (line, who, reply)


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_what_only_the_role_decides(desk_of: Any, release: str) -> None:
    lead = Desk(desk_of(release).server, "lead@nvidia.com", role="lead")
    assert lead.ask("admin_check_status server") == refused("not authorized for lead", "not_authorized", "")
    assert lead.ask("dead x y") == refused("not authorized for lead", "not_authorized", "")


# --- sites ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", FROM_28)
def test_a_disabled_site_stays_out_until_it_is_enabled(desk_of: Any, release: str) -> None:
    desk = desk_of(release)

    def state(name: str, already: bool, removed: bool) -> dict[str, Any]:
        return {
            "client_name": name,
            "state": "disabled",
            "already_disabled": already,
            "active_session_removed": removed,
            "credential_revoked": False,
            "rejoin_allowed": False,
        }

    def connected() -> list[str]:
        sites = desk.ask("check_status server")["meta"].get("clients", [])
        return [site["client_name"] for site in sites]

    assert desk.ask("disable_client site-1 site-9") == told(
        {"clients": [state("site-1", False, True), state("site-9", False, False)]}
    )
    assert desk.ask("disable_client site-1") == told({"clients": [state("site-1", True, False)]})
    assert connected() == ["site-2"]
    desk.server.set_site_connected("site-1", True)
    assert connected() == ["site-2"]

    def enabled(name: str, was: bool) -> dict[str, Any]:
        return {
            "client_name": name,
            "state": "enabled",
            "was_disabled": was,
            "credential_revoked": False,
            "rejoin_allowed": True,
        }

    assert desk.ask("enable_client site-1 site-2") == told(
        {"clients": [enabled("site-1", True), enabled("site-2", False)]}
    )
    assert connected() == ["site-1", "site-2"]
    for command in ("disable_client", "enable_client"):
        assert desk.ask(command) == refused("missing client name", "syntax_error", "")


def test_a_site_that_left_while_disabled_is_not_back_when_enabled(desk_of: Any) -> None:
    server = desk_of("2.9").server

    def work(context: Any) -> list[str]:
        engine: JobEngine = context.engine
        engine.disable_site("site-1")
        engine.set_site_connected("site-1", False)
        engine.enable_site("site-1")
        return [site.name for site in engine.connected_sites()]

    assert server.call(work) == ["site-2"]


@pytest.mark.parametrize("release", FROM_28)
def test_versions(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    version = {"version": PROFILES[release].official}
    assert desk.ask("report_version all") == told({"server": version, "site-1": version, "site-2": version})
    assert desk.ask("report_version server") == told({"server": version})
    lead = Desk(desk.server, "lead@nvidia.com", role="lead")
    refusal = {"error": "user 'lead@nvidia.com' is not authorized for 'report_version'"}
    assert lead.ask("report_version client") == told({"site-1": refusal, "site-2": refusal})
    assert desk.ask("report_version x")["meta"] == {"status": "invalid_target", "info": "unknown target type x"}
    assert desk.ask("report_version")["meta"]["info"] == "missing target type (server or client)"


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_resources(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    reply = desk.ask("report_resources all")
    if release in FROM_28:
        assert [row[0] for row in reply["data"][0]["rows"]] == ["SITES", "server", "site-1", "site-2"]
    else:
        text = "invalid target type all. Usage: sys_info server|client <client-name>"
        assert reply == {"data": [string(text)], "meta": {}}
    assert desk.ask("report_resources server")["data"][0]["rows"][1:] == [["server", "unlimited"]]


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_environments(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    environments = desk.ask("report_env site-1")["meta"]["clients"]
    assert [list(one) for one in environments] == [["site_name", "workspace", "secure_mode", "root_url"]]
    assert environments[0]["root_url"].startswith("http://127.0.0.1:")
    assert desk.ask("report_env none")["meta"]["info"] == "invalid client(s): none"
    desk.server.set_site_connected("site-1", False)
    desk.server.set_site_connected("site-2", False)
    for command in ("report_env", "remove_client", "check_status client"):
        assert desk.ask(command) == refused("no clients available", "invalid_target")


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_site_is_reported_dead(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    text = "called notify_dead_job for client client_name='x' job_id='y'"
    assert desk.ask("dead x y") == {"data": [string(text)], "meta": {}}
    assert desk.ask("dead x") == refused("Usage: dead client_name job_id")


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_sites_refuse_to_stop_for_strangers(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    lead = Desk(desk.server, "lead@nvidia.com", role="lead")
    refusal = "user 'lead@nvidia.com' is not authorized for '{}'"
    reply = lead.ask("restart client")
    words = {"site-1": "Restart the client...", "site-2": refusal.format("restart")}
    assert reply["data"] == [string("".join(f"client:{site} : {said}\n" for site, said in words.items())), SUCCESS]
    assert reply["meta"] == OK | {"client_status": words}
    reply = lead.ask("shutdown all")
    rows = [["CLIENT", "RESPONSE"], ["site-1", "Shutdown the client..."], ["site-2", refusal.format("shutdown")]]
    assert reply["data"] == [{"type": "table", "rows": rows}]
    assert reply["meta"] == {"status": "error", "info": "failed to shut down all clients"}
    assert desk.server.is_running
    assert [site["client_name"] for site in desk.ask("check_status server")["meta"]["clients"]] == ["site-2"]
    text = "There are still active clients. Shutdown all clients first."
    assert lead.ask("shutdown server") == refused(text, "clients_running", "")


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_shutdown_of_all(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    reply = desk.ask("shutdown all")
    assert [item.get("data") for item in reply["data"]] == [
        None,
        "Flare Server has been shutdown.",
        "Goodbye!",
        "",
    ]
    assert desk.server.wait(10)


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_restart_of_the_server_takes_the_sites_along(desk_of: Any, release: str) -> None:
    reply = desk_of(release).ask("restart server")
    said = dict.fromkeys(("site-1", "site-2"), "Restart the client...")
    assert reply["data"] == [
        string("Trying to restart all clients before restarting server..."),
        string("client:site-1 : Restart the client...\nclient:site-2 : Restart the client...\n"),
        string("Server scheduled for restart"),
        SUCCESS,
    ]
    assert reply["meta"] == OK | {"client_status": said, "server_status": "ok"}


# --- levels of logs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_the_level_of_a_sites_log(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    done = string("successfully configured server site log")
    assert desk.ask("configure_site_log server INFO") == {"data": [done], "meta": {}}
    rows = [["CLIENT", "RESPONSE"], *([site, f"successfully configured {site} log"] for site in ("site-1", "site-2"))]
    assert desk.ask("configure_site_log all concise")["data"] == [done, {"type": "table", "rows": rows}]
    assert desk.ask("configure_site_log client site-2 20")["data"][0]["rows"] == [rows[0], rows[2]]
    lead = Desk(desk.server, "lead@nvidia.com", role="lead")
    refusal = "user 'lead@nvidia.com' is not authorized for 'configure_site_log'"
    assert lead.ask("configure_site_log client INFO")["data"][0]["rows"][2] == ["site-2", refusal]
    text = "configure_site_log only supports log levels and built-in log modes"
    for config in ("/etc/log.json", "99", "getLogger"):
        assert desk.ask(f"configure_site_log server {config}") == refused(text, "syntax_error")
    text = "syntax error: please provide target_type and config"
    assert desk.ask("configure_site_log server") == refused(text)
    assert desk.ask("configure_site_log moon INFO")["meta"]["status"] == "invalid_target"


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_the_level_of_a_jobs_log(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    job_id = start(desk, make_job())
    done = string(f"successfully configured server job {job_id} log")
    assert desk.ask(f"configure_job_log {job_id} server INFO") == {"data": [done], "meta": {}}
    rows = [["CLIENT", "RESPONSE"], ["site-1", f"successfully configured site-1 job {job_id} log"]]
    assert desk.ask(f"configure_job_log {job_id} client site-1 INFO")["data"] == [{"type": "table", "rows": rows}]
    text = "syntax error: please provide job_id, target_type, and config"
    assert desk.ask(f"configure_job_log {job_id} server") == refused(text)
    assert desk.ask(f"configure_job_log {job_id} client none INFO")["meta"]["info"] == "invalid client(s): none"
    finish(desk)
    text = f"Job {job_id} must be running but is FINISHED:COMPLETED"
    assert desk.ask(f"configure_job_log {job_id} server INFO") == refused(text)


# --- running jobs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_what_a_running_job_is_asked(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    job_id = start(desk, make_job())
    reason = "rc='BAD_REQUEST_DATA' reason='no app command func for topic t'"
    assert desk.ask(f"app_command {job_id} t") == refused(f"command execution error: {reason}", "error", reason)
    usage = "Usage: app_command job_id topic # cmd_data"
    item = {"type": "string" if release == "2.7" else "error", "data": usage}
    assert desk.ask(f"app_command {job_id}") == {"data": [item], "meta": {"status": "syntax_error", "info": ""}}
    errors = {"server": "No Error", "site-1": {}, "site-2": {}}
    assert desk.ask(f"show_errors {job_id} all") == told(errors, {})
    assert desk.ask(f"show_errors {job_id} client site-1") == told({"site-1": {}}, {})
    reset = {"server": f"reset the server error stats for job: {job_id}", "site-1": {"status": "OK"}}
    assert desk.ask(f"reset_errors {job_id} all") == told(reset | {"site-2": {"status": "OK"}}, {})
    assert desk.ask(f"show_errors {job_id} client none")["meta"]["info"] == "invalid client(s): none"
    finish(desk)
    for command in ("app_command {} t", "show_errors {} server", "reset_errors {} all", "show_stats {} server"):
        text = f"Job_id: {job_id} is not running."
        assert desk.ask(command.format(job_id)) == refused(text, "job_not_running", job_id)


@pytest.mark.parametrize("release", ["2.4", "2.6", *CELL_RELEASES])
@pytest.mark.parametrize("command", ["show_stats", "show_errors", "reset_errors"])
def test_too_few_words_about_a_running_job(desk_of: Any, release: str, command: str) -> None:
    desk = desk_of(release)
    usage = f"Usage: {command} job_id server|client [clients]"
    for words in ("", " nonsense"):
        assert desk.ask(command + words) == refused(usage, "syntax_error", "")


# --- texts of logs ----------------------------------------------------------------------------------------------

NO_SERVER = "server log not available for this job"
NO_SITE = "client log stream not available for this job"


@pytest.mark.parametrize("release", FROM_28)
def test_the_logs_of_a_job(desk_of: Any, make_job: JobMaker, release: str) -> None:
    files = {"site-1/log.txt": "one\n", "run/site-1/log.txt": "other\n", "site-1/log.json": "{}", "server/x.txt": ""}
    desk = desk_of(release, files=files)
    job_id = desk.job(make_job(deploy_map={"app": ["server", "site-1", "site-2"]}))
    assert desk.ask(f"get_job_log {job_id}") == told({"logs": {}, "unavailable": {"server": NO_SERVER}})
    assert isinstance(desk.server.clock, ManualClock)
    desk.server.clock.advance(1)
    running = desk.ask(f"get_job_log {job_id}")["data"][0]["data"]["logs"]["server"]
    assert f"simulated job {job_id}" in running
    assert desk.ask(f"get_job_log {job_id} site-1") == told({"logs": {}, "unavailable": {"site-1": NO_SITE}})
    finish(desk)
    everything = desk.ask(f"get_job_log {job_id} all")["data"][0]["data"]
    assert list(everything["logs"]) == ["server", "site-1"]
    assert everything["logs"]["site-1"] == "one\n"
    assert everything["unavailable"] == {"site-2": NO_SITE}
    assert desk.ask(f"get_job_log {job_id} @all")["data"][0]["data"] == everything
    assert desk.ask(f"get_job_log {job_id} site-1 log.json") == told({"logs": {"site-1": "{}"}})
    assert desk.ask(f"get_job_log {job_id} site-1 other.txt") == told({"logs": {"site-1": "one\n"}})
    reply = desk.ask(f"get_job_log {job_id} a b c")
    assert reply["data"][0]["data"].startswith("ValueError: unrecognized arguments: c\nusage: get_job_log")
    assert reply["meta"]["status"] == "syntax_error"


@pytest.mark.parametrize("release", FROM_28)
def test_a_log_that_is_too_long(desk_of: Any, make_job: JobMaker, release: str) -> None:
    limit = 5 * 1024 * 1024
    desk = desk_of(release, files={"log.txt": "a" + "b" * limit + "c"})
    job_id = start(desk, make_job())
    finish(desk)
    log = desk.ask(f"get_job_log {job_id}")["data"][0]["data"]["logs"]["server"]
    if release == "2.8":
        assert log == "a" + "b" * (limit - 1) + f"\n... output truncated after {limit} bytes ...\n"
    else:
        assert log == f"... output truncated to last {limit} bytes ...\n" + "b" * (limit - 1) + "c"


def test_27_has_no_logs_to_give(desk_of: Any) -> None:
    desk = desk_of("2.7")
    for command in ("get_job_log x", "disable_client x", "report_version all", "list_studies"):
        assert desk.ask(command) == refused(f'Unknown command "{command.split()[0]}"')


# --- quotes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", FROM_28)
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a  b", ["a", "b"]),
        ("a 'b c'", ["a", "b c"]),
        ('a "b c"', ["a", "b c"]),
        ('a "b \\" c"', ["a", 'b " c']),
        ("a 'b c", ["a", "'b", "c"]),
        ('a "b c', ["a", '"b', "c"]),
        ("it's", ["it's"]),
        ("", [""]),
    ],
)
def test_from_28_on_single_quotes_count_and_lonely_ones_do_not(release: str, line: str, words: list[str]) -> None:
    assert split_words(line, PROFILES[release]) == words


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters="'\"\\\n\r\t\v\f\0"), min_size=1), min_size=1))
def test_without_quotes_releases_split_alike(words: list[str]) -> None:
    line = " ".join(words)
    for profile in PROFILES.values():
        assert split_words(line, profile) == split_line(line)


def test_27_still_refuses_a_quote_that_is_not_closed(desk_of: Any) -> None:
    assert desk_of("2.7").ask('list_jobs "a') == refused("Exception Occurred: ValueError: No closing quotation")
    assert desk_of("2.8").ask('list_jobs "a')["data"][0] == string("No jobs found.")
    assert join_words(["list_jobs", "a b"]) == 'list_jobs "a b"'


@pytest.mark.parametrize("release", FROM_28)
def test_sites_that_are_not_there_are_told_before_the_right_to_remove_them(desk_of: Any, release: str) -> None:
    member = Desk(desk_of(release).server, "member@nvidia.com", role="member")
    assert member.ask("remove_client site-9")["meta"] == {
        "status": "invalid_target",
        "info": "invalid client(s): site-9",
    }
    assert member.ask("remove_client site-1")["meta"]["status"] == "not_authorized"


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_site_that_is_named_twice_is_asked_once(desk_of: Any, release: str) -> None:
    rows = desk_of(release).ask("report_env site-1 site-1")["data"][0]["rows"]
    assert [row[0] for row in rows] == ["SITES", "site-1"]


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_all_without_a_site_says_that_none_answered(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    for name in ("site-1", "site-2"):
        desk.server.set_site_connected(name, False)
    for command in ("check_status all", "show_scopes all"):
        answer = desk.ask(command)
        assert {"type": "error", "data": "no responses from clients"} in answer["data"]
        assert answer["meta"]["status"] == "error"


@pytest.mark.parametrize(("release", "name"), [("2.5", "log.config.default"), ("2.6", "log_config.json.default")])
def test_the_log_configuration_of_a_machine_is_that_of_the_release(desk_of: Any, release: str, name: str) -> None:
    desk = desk_of(release)
    for machine in ("server", "site-1"):
        listed = str(desk.ask(f"ls {machine} local"))
        assert name in listed
        assert listed.count("log") == 1
