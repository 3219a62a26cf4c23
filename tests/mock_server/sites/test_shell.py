"""Shell commands of an admin: what is refused, in whose words, and by whom (observed: 2.6.3, 2.9.0)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flare_client.protocol.releases import PROFILES
from mock_server.sites.shell import ShellRefused, ShellRequest, read_shell_command
from tests.mock_server.desk import Desk
from tests.support import ALL_RELEASES, CELL_RELEASES, JobMaker

RULES = PROFILES["2.9"].sites
EXTENSIONS = ".txt, .log, .json, .csv, .sh, .config, .py"


def refused(text: str, status: str = "error") -> dict[str, Any]:
    return {"data": [{"type": "error", "data": text}], "meta": {"status": status, "info": text}}


def printed(desk: Desk, line: str) -> str:
    """What a command prints, without the newline that only some releases keep at its end."""
    reply = desk.ask(line)
    assert [item["type"] for item in reply["data"]] == ["string"], reply
    assert reply["meta"] == {}
    return str(reply["data"][0]["data"]).removesuffix("\n")


def not_a_text(file: str) -> str:
    return (
        f"this command cannot be applied to file {file}. Only files with the following extensions are permitted: "
        f"{EXTENSIONS}"
    )


REFUSED = {
    "pwd": "syntax error: missing target",
    "ls": "syntax error: missing target",
    "pwd server x": "this command does not accept extra args",
    "ls server -x": "unrecognized arguments: -x",
    "ls server startup local": "unrecognized arguments: local",
    "ls server /etc": "absolute path is not allowed",
    "ls server ../": ".. in path name is not allowed",
    "ls server a/../b": ".. in path name is not allowed",
    "ls server a*": "unsupported file a*",
    "cat server": "the following arguments are required: file",
    "cat server -z": "unrecognized arguments: -z",
    "cat server -z log.txt": "unrecognized arguments: -z",
    "cat server startup": not_a_text("startup"),
    "cat server startup/server.key": not_a_text("startup/server.key"),
    "cat server a.txt log.txt": "only one file is allowed",
    'cat server "a b.txt"': "unsupported file a b.txt",
    "head server -n x log.txt": "unrecognized arguments: -n x log.txt",
    "head server -n": "unrecognized arguments: -n",
    "tail site-1 -c": "unrecognized arguments: -c",
    "grep server name": "the following arguments are required: file",
    "grep server": "the following arguments are required: pattern, file",
    "grep server -v name log.txt": "unrecognized arguments: -v",
    "ls site-9 -x": "unrecognized arguments: -x",
}


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_wrong_words_are_refused_in_the_official_ones(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    for line, text in REFUSED.items():
        assert desk.ask(line) == refused(text), line


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_a_site_that_is_not_there(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    for target in ("site-9", "client", "all"):
        if release == "2.3":
            assert desk.ask(f"pwd {target}") == refused(f"invalid client: {target}")
        else:
            assert desk.ask(f"pwd {target}") == refused(f"invalid target: {target}", "invalid_target")
    desk.server.set_site_connected("site-2", False)
    assert desk.ask("pwd site-2")["data"][0]["type"] == "error"


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_the_end_of_the_output(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    for line in ("pwd server", "pwd site-1", "ls site-1", "cat server none.txt"):
        assert desk.ask(line)["data"][0]["data"].endswith("\n") == (release in CELL_RELEASES)
    assert desk.ask("head server -n 0 log.txt")["data"][0]["data"] == ""


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_every_machine_has_a_workspace_of_its_own(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    paths = {printed(desk, f"pwd {machine}") for machine in ("server", "site-1", "site-2")}
    assert len(paths) == 3
    assert printed(desk, "ls server -S startup").split("\n")[0] == "fed_server.json"
    assert "fed_client.json" in printed(desk, "ls site-1 startup").split("\n")
    assert '"fqsn": "site-2"' in printed(desk, "cat site-2 startup/fed_client.json")
    assert printed(desk, "cat server startup/none.json") == "cat: startup/none.json: No such file or directory"


def test_rotated_logs_are_texts_from_24_on() -> None:
    with pytest.raises(ShellRefused, match="cannot be applied to file log.txt.1"):
        read_shell_command("cat", ["log.txt.1"], PROFILES["2.3"].sites)
    assert read_shell_command("cat", ["log.txt.1"], PROFILES["2.4"].sites).file == "log.txt.1"
    with pytest.raises(ShellRefused, match="cannot be applied"):
        read_shell_command("cat", ["log.gz.1"], RULES)


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("ls", ShellRequest("ls")),
        ("ls -laR startup", ShellRequest("ls", "laR", file="startup")),
        ("cat -n -b a.txt", ShellRequest("cat", "nb", file="a.txt")),
        ("head -n -5 a.txt", ShellRequest("head", count="-5", file="a.txt")),
        ("head -n5 a.txt", ShellRequest("head", count="5", file="a.txt")),
        ("tail -n 2 -c 3 a.txt", ShellRequest("tail", count="3", unit="c", file="a.txt")),
        ("grep -ni x a.txt", ShellRequest("grep", "ni", pattern="x", file="a.txt")),
    ],
)
def test_words_in_order(line: str, request_: ShellRequest) -> None:
    name, *words = line.split()
    assert read_shell_command(name, words, RULES) == request_


# --- rights -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_each_machine_decides_for_itself(desk_of: Any, release: str) -> None:
    server = desk_of(release).server
    lead = Desk(server, "lead@nvidia.com", role="lead")
    other = Desk(server, "lead@other.com", "other", "lead")
    member = Desk(server, "member@nvidia.com", role="member")
    assert printed(lead, "ls server")
    assert "log.txt" in printed(lead, "ls site-1")
    assert printed(lead, "ls site-2") == "user 'lead@nvidia.com' is not authorized for 'ls'"
    assert "log.txt" in printed(other, "ls site-2")
    reason = "user 'lead@other.com' is not authorized for 'cat'"
    assert other.ask("cat server log.txt") == {
        "data": [{"type": "error", "data": f"Authorization Error: {reason}"}],
        "meta": {"status": "not_authorized", "info": reason},
    }
    assert printed(member, "grep site-1 x log.txt") == "user 'member@nvidia.com' is not authorized for 'grep'"


def test_wrong_words_come_before_a_missing_right(desk_of: Any) -> None:
    member = Desk(desk_of("2.9").server, "member@nvidia.com", role="member")
    assert member.ask("ls server -x") == refused("unrecognized arguments: -x")


# --- run folders ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_a_jobs_log_grows_while_it_runs(
    desk_of: Any, make_job: JobMaker, wait: Callable[[Desk, float], None], release: str
) -> None:
    desk = desk_of(release)
    job_id = desk.job(make_job())
    assert job_id not in printed(desk, "ls server").split("\n")
    lengths: dict[str, list[int]] = {"server": [], "site-1": []}
    for _ in range(3):
        wait(desk, 2)
        for machine, seen in lengths.items():
            assert job_id in printed(desk, f"ls {machine}").split("\n")
            seen.append(len(printed(desk, f"cat {machine} {job_id}/log.txt")))
    for seen in lengths.values():
        assert seen[0] < seen[1] < seen[2]
    assert "app_site-1/config:\nconfig_fed_client.json" in printed(desk, f"ls site-1 -R {job_id}")
    assert '"status": "RUNNING"' in printed(desk, f"cat site-1 {job_id}/meta.json")
    assert printed(desk, f"cat server {job_id}/app_server/config/config_fed_server.json") == '{"format_version": 2}'


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_what_is_left_of_a_job(
    desk_of: Any, make_job: JobMaker, wait: Callable[[Desk, float], None], release: str
) -> None:
    desk = desk_of(release)
    job_id = desk.job(make_job())
    wait(desk, 20)
    assert printed(desk, f"ls server {job_id}") == f"ls: cannot access '{job_id}': No such file or directory"
    log = printed(desk, f"tail site-1 -n 1 {job_id}/log.txt")
    assert log.endswith("run ended: FINISHED:COMPLETED")
    wait(desk, 100)
    assert printed(desk, f"tail site-1 -n 1 {job_id}/log.txt") == log
    assert f"started the job {job_id}" in printed(desk, f"grep site-1 {job_id} log.txt")
    desk.ask(f"delete_job {job_id}")
    assert job_id not in printed(desk, "ls site-1")


def test_a_site_that_takes_no_part_has_no_run_folder(
    desk_of: Any, make_job: JobMaker, wait: Callable[[Desk, float], None]
) -> None:
    desk = desk_of("2.9")
    job_id = desk.job(make_job(deploy_map={"app": ["server", "site-1"]}, min_clients=1))
    wait(desk, 3)
    assert job_id in printed(desk, "ls site-1")
    assert job_id not in printed(desk, "ls site-2")


def test_lines_of_stages_stand_in_the_log_of_the_run_folder_during_the_run_and_after_it(
    desk_of: Any, make_job: JobMaker, wait: Callable[[Desk, float], None]
) -> None:
    told = {"from": "RUNNING", "delay": "2s", "log": {"site-1": ["epoch 1"]}}
    end = {"from": "RUNNING", "delay": "2s", "to": "FINISHED:COMPLETED"}
    desk = desk_of("2.9", {"jobs": [{"stages": [told, end]}]})
    job_id = desk.job(make_job())
    wait(desk, 2)
    assert "epoch 1" not in printed(desk, f"cat site-1 {job_id}/log.txt")
    wait(desk, 2)
    assert printed(desk, f"tail site-1 -n 1 {job_id}/log.txt") == "epoch 1"
    assert "epoch 1" not in printed(desk, f"cat site-2 {job_id}/log.txt")
    wait(desk, 10)
    log = printed(desk, f"cat site-1 {job_id}/log.txt")
    assert "run ended: FINISHED:COMPLETED" in log
    assert "epoch 1" in log


def test_what_a_scenario_puts_into_a_workspace(
    desk_of: Any, make_job: JobMaker, wait: Callable[[Desk, float], None]
) -> None:
    sites = [{"name": "site-1", "files": {"data/train.csv": "a,b\n1,2\n", "log.txt": "mine\n"}}, {"name": "site-2"}]
    scenario = {
        "sites": sites,
        "server": {"files": {"notes.txt": "n\n"}},
        "jobs": [{"queued": 0, "running": "1s", "result": {"files": {"site-1/metrics.json": "{}"}}}],
    }
    desk = desk_of("2.9", scenario)
    assert printed(desk, "cat site-1 data/train.csv") == "a,b\n1,2"
    assert printed(desk, "cat site-1 log.txt") == "mine"
    assert printed(desk, "cat server notes.txt") == "n"
    assert "No such file" in printed(desk, "cat site-2 data/train.csv")
    job_id = desk.job(make_job())
    wait(desk, 5)
    assert printed(desk, f"cat site-1 {job_id}/metrics.json") == "{}"
