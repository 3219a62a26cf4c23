"""Every method that came after 2.3, official client and ours, on one mock server: same outcomes, same commands."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conformance.peers import PEERS, environment
from flare_client import MonitorReturnCode, Session, new_secure_session
from flare_client.presence import FROM_28, releases_of
from flare_client.protocol.releases import profile_for
from mock_server import MockServer
from tests.interop.session_calls import plain, play
from tests.support import write_job

ADMIN = "admin@nvidia.com"
SCENARIO = {"jobs": [{"match": {"name": "long*"}, "queued": 0, "running": "1h"}, {"queued": 0, "running": 0}]}
UNKNOWN = "6fb9bbd0-3b1b-4a2c-8f2f-0123456789ab"

Call = tuple[str, list[Any], dict[str, Any]]


def call(name: str, *args: Any, **kwargs: Any) -> Call:
    return name, list(args), kwargs


def calls(running: str, done: str) -> list[Call]:
    """Calls that leave the server as it was, so that two clients can make them one after the other."""
    return [
        # the system
        call("get_connected_client_list"),
        call("get_client_job_status"),
        call("get_client_job_status", ["site-1"]),
        call("get_client_job_status", ["nope"]),
        call("get_client_job_status", "site-1"),
        call("get_client_job_status", ["a b"]),
        call("get_client_env"),
        call("get_client_env", "site-2"),
        call("get_client_env", ["site-1", "site-2"]),
        call("get_client_env", ["nope"]),
        call("get_client_env", 5),
        call("check_status", "server"),
        call("check_status", "client", ["site-1"]),
        call("check_status", "all"),
        call("check_status", "nobody"),
        call("report_resources", "server"),
        call("report_resources", "client", ["site-1"]),
        call("report_resources", "client", ["nope"]),
        call("report_resources", "all"),
        call("report_version", "all"),
        call("report_version", "client", "site-1"),
        call("disable_client", "site-9"),
        call("enable_client", "site-9"),
        call("enable_client", ""),
        call("remove_client", "nope"),
        call("remove_client", None),
        # machines, which jobs keep from stopping
        call("restart", "client"),
        call("restart", "server", ["ignored"]),
        call("restart", "nobody"),
        call("restart", "client", "site-1"),
        call("shutdown", "client", ["site-1"]),
        call("shutdown", "client", ["nope"]),
        call("shutdown", "nobody"),
        # service providers
        call("list_sp"),
        call("get_active_sp"),
        call("promote_sp", "example.com:8002:8003"),
        call("promote_sp", "example.com"),
        # shell
        call("ls_target", "server"),
        call("ls_target", "site-1", "-l -a", "run"),
        call("ls_target", "nope"),
        call("ls_target", "server", "-x;"),
        call("ls_target", "server", None, "/etc"),
        call("cat_target", "server", None, "log.txt"),
        call("cat_target", "server"),
        call("cat_target", "server", None, "../log.txt"),
        call("cat_target", "server", None, "model.bin"),
        call("head_target", "site-1", "-n 3", "log.txt.1"),
        call("head_target_log", "server", "-c 5"),
        call("tail_target", "server", None, "a/log.json"),
        call("tail_target_log", "server"),
        call("grep_target", "server", "-n -i", "two words", "log.txt"),
        call("grep_target", "server", None, "plain", "log.txt"),
        call("grep_target", "server", None, None, "log.txt"),
        call("grep_target", "server", None, 5, "log.txt"),
        call("get_working_directory", "server"),
        call("get_working_directory", ""),
        # statistics
        call("show_stats", running, "server"),
        call("show_stats", running, "client", ["site-1"]),
        call("show_stats", done, "all"),
        call("show_errors", running, "all"),
        call("show_errors", running, "client", ["site-1", "site-2"]),
        call("show_errors", "", "all"),
        call("show_errors", None, "all"),
        call("show_errors", 5, "all"),
        call("show_errors", running, "sites"),
        call("reset_errors", running),
        call("reset_errors", done),
        # jobs
        call("get_job_status", running),
        call("get_job_status", UNKNOWN),
        call("list_job_components", running),
        call("list_job_components", ""),
        call("download_job_components", done),
        call("download_job_components", UNKNOWN),
        call("do_app_command", running, "topic", {"a": 1}),
        call("do_app_command", done, "topic", None),
        call("list_jobs", name_prefix="two words"),
        call("list_jobs", max_num=1),
        call("list_jobs", nonsense=1),
        call("wait_for_job", done),
        call("wait_for_job", running, -1),
        call("wait_for_job", running, 0.1, 0.05),
        call("monitor_job_and_return_job_meta", done),
        call("monitor_job_and_return_job_meta", running, 0.1, 0.05),
        call("get_available_apps_to_upload"),
        # logs
        call("get_job_logs", done),
        call("get_job_logs", done, "all", tail_lines=1),
        call("get_job_logs", done, "site-1", grep_pattern="nothing"),
        call("get_job_logs", done, "nope"),
        call("get_job_logs", done, ""),
        call("get_job_logs", done, log_file_name="log.json"),
        call("get_job_logs", done, tail_lines=-1),
        call("configure_job_log", running, "DEBUG"),
        call("configure_job_log", running, {"version": 1}, "site-1"),
        call("configure_job_log", done, "DEBUG"),
        call("configure_site_log", "INFO"),
        call("configure_site_log", "concise", "server"),
        call("configure_site_log", "INFO", "site-1"),
        call("configure_site_log", "loud"),
        # studies
        call("list_studies"),
        call("register_study", "cancer", site_orgs=["nvidia:site-1"]),
        call("register_study", "cancer", ["site-1"]),
        call("register_study", "cancer", ["site-1"], ["nvidia:site-1"]),
        call("register_study", "Bad Name", site_orgs=["nvidia:site-1"]),
        call("add_study_site", "cancer", site_orgs=["nvidia:site-2"]),
        call("remove_study_site", "cancer", site_orgs=["nvidia:site-2"]),
        call("add_study_user", "cancer", "lead@nvidia.com"),
        call("remove_study_user", "cancer", "lead@nvidia.com"),
        call("show_study", "cancer"),
        call("show_study", ""),
        call("show_study", "nope"),
        call("remove_study", "cancer"),
        # commands by the line
        call("do_command", f"get_job_meta {done}"),
        call("do_command", "no_such_command"),
        call("api.do_command", f"get_job_meta {done}"),
        call("api.do_command", "get_job_meta nonsense"),
        call("api.do_command", "check_status client"),
        call("api.do_command", "no_such_command x"),
        call("api.do_command", "training.check_status client"),
        call("api.do_command", f"download_job {UNKNOWN}"),
        call("api.do_command", "list_sp"),
        call("api.do_command", "get_active_sp"),
        call("api.do_command", "promote_sp"),
        call("api.do_command", "promote_sp x"),
        call("api.do_command", "info"),
        call("api.check_command", "list_jobs"),
        call("api.check_command", "abort_job x"),
        call("api.check_command", "delete_job x"),
        call("api.check_command", "job_mgmt.delete_job x"),
        call("api.check_command", "no_such_command"),
        call("api.is_ready"),
        call("set_timeout", "5"),
        call("set_timeout", 0),
        call("set_timeout", 5),
        call("unset_timeout"),
    ]


LATER_ARGUMENTS = {"max_num": FROM_28}
"""Arguments that official methods take in later releases only, and ours in all."""


def settled(value: Any) -> Any:
    """An outcome without what differs from one moment to the next."""
    text = json.dumps(value, sort_keys=True)
    text = re.sub(
        r'"(time|client_last_conn_time|last_connect_time|duration)": ("[^"]*"|[0-9.e+]+|null)', r'"\1": "-"', text
    )
    return json.loads(re.sub(r"\d+:\d\d:\d\d\.\d+", "-", text))


def same(theirs: dict[str, Any], ours: dict[str, Any]) -> bool:
    """Whether two outcomes are one: an equal result, or an error of the class that the official one has."""
    if "raised" in theirs:
        return theirs["raised"][0] in ours.get("raised", [])
    return settled(theirs) == settled(ours)


def play_official(version: str, kit: Path, script: list[Call]) -> list[dict[str, Any]]:
    command = [environment(version).python, Path(__file__).with_name("session_calls.py"), kit, ADMIN]
    done = subprocess.run(command, check=False, input=json.dumps(script), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    outcomes: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return outcomes


def asked(server: MockServer) -> list[str]:
    """The commands that came, but for logging in and out."""
    return [" ".join((one.name, *one.args)) for one in server.calls if not one.name.startswith("_")]


@pytest.mark.parametrize("version", PEERS)
def test_the_outcomes_and_the_commands_are_the_official_ones(version: str, tmp_path: Path) -> None:
    release = profile_for(version).release
    with MockServer(release, scenario=SCENARIO) as server:
        kit = server.kit(ADMIN)
        server.kit("lead@nvidia.com", role="lead")
        with new_secure_session(ADMIN, str(kit)) as session:
            done = session.submit_job(str(write_job(tmp_path, "quick")))
            assert session.monitor_job(done, 30, 0.02) is MonitorReturnCode.JOB_FINISHED
            running = session.submit_job(str(write_job(tmp_path, "long")))
            session.monitor_job(running, 30, 0.02, lambda _s, _i, meta: meta["status"] != "RUNNING")
            here = [
                one
                for one in calls(running, done)
                if one[0].startswith("api.") or release in releases_of(getattr(Session, one[0]))
                if all(release in LATER_ARGUMENTS.get(argument, (release,)) for argument in one[2])
            ]
            server.calls.clear()
            ours = play(session, here)
            our_commands = asked(server)
        server.calls.clear()
        theirs = play_official(version, kit, here)
        their_commands = asked(server)
    differing = [
        f"{name}{tuple(args)}{kwargs or ''}\n  official: {their}\n  ours:     {our}"
        for (name, args, kwargs), their, our in zip(here, theirs, ours, strict=True)
        if not same(their, plain(our))
    ]
    assert not differing, "\n".join(differing)
    polls = re.compile("get_job_meta .*")  # how many there are is a matter of time
    assert [one for one in our_commands if not polls.fullmatch(one)] == [
        one for one in their_commands if not polls.fullmatch(one)
    ]
