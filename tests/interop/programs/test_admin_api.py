"""``FLAdminAPI`` and ``FLAdminAPIRunner`` of 2.3-2.7, the API before ``Session``; some programs use them still."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.interop.programs.official import Official
from tests.support import write_job

USER = "admin@nvidia.com"
LIGHT = ("2.3.12", "2.7.3")
VERSIONS = [
    pytest.param(version, marks=() if version in LIGHT else (pytest.mark.programs,))
    for version in ("2.3.12", "2.4.2", "2.5.2", "2.6.3", "2.7.3")
]
SCENARIO: dict[str, Any] = {
    "jobs": [{"match": {"name": "long"}, "queued": 0, "running": "1h"}, {"queued": 0, "running": 0}]
}
FAILED = {
    "nowhere": "ERROR_INVALID_CLIENT",
    "delete of a running job": "ERROR_RUNTIME",
    "restart under a job": "ERROR_RUNTIME",
    "delete of no job": "ERROR_RUNTIME",
    "shutdown under sites": "ERROR_RUNTIME",
}
CALLS = """
import json, sys, time
from nvflare.fuel.hci.client.fl_admin_api_runner import FLAdminAPIRunner
from nvflare.fuel.hci.client.fl_admin_api_spec import TargetType

user, kit = sys.argv[1:]
api = FLAdminAPIRunner(username=user, admin_dir=kit).api
told = {}


def call(name, *args, key=None, **options):
    reply = getattr(api, name)(*args, **options)
    told[key or name] = {"status": str(getattr(reply["status"], "value", reply["status"])), "details": reply["details"]}
    return reply["details"]


call("check_status", TargetType.SERVER, key="server")
call("check_status", TargetType.CLIENT, key="clients")
call("check_status", TargetType.CLIENT, ["nowhere"], key="nowhere")
call("get_connected_client_list")
short = call("submit_job", "short")["job_id"]
call("wait_until_client_status", interval=1)
while [job["status"] for job in call("list_jobs") if job["job_id"] == short] != ["FINISHED:COMPLETED"]:
    time.sleep(0.05)
call("download_job", short)
copy = call("clone_job", short)["job_id"]
job = call("submit_job", "long")["job_id"]
while [one["status"] for one in call("list_jobs", "-d", key="detailed") if one["job_id"] == job] != ["RUNNING"]:
    time.sleep(0.05)
call("wait_until_server_status", interval=1, timeout=0.1, key="busy")
call("show_stats", job, TargetType.SERVER, key="server stats")
call("show_stats", job, TargetType.CLIENT, ["site-1"], key="client stats")
call("show_errors", job, TargetType.CLIENT)
call("reset_errors", job)
call("ls_target", "site-1", "-l")
call("cat_target", "server", file="startup/fed_server.json")
call("tail_target_log", "site-1", "-n 1")
call("grep_target", "server", "-n", "simulated", "log.txt")
call("get_working_directory", "site-1")
call("delete_job", job, key="delete of a running job")
call("restart", TargetType.CLIENT, ["site-1"], key="restart under a job")
call("abort_job", job)
call("delete_job", short)
call("delete_job", short, key="delete of no job")
call("remove_client", ["site-2"])
call("get_available_apps_to_upload")
call("set_timeout", 12)
call("restart", TargetType.CLIENT, ["site-1"])
call("shutdown", TargetType.SERVER, key="shutdown under sites")
call("shutdown", TargetType.CLIENT, key="shutdown of sites")
call("shutdown", TargetType.SERVER)
told["ids"] = {"short": short, "long": job, "copy": copy}
print("TOLD" + json.dumps(told), flush=True)
import os
os._exit(0)  # the threads of 2.3 never end
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_every_call_of_the_api(version: str, tmp_path: Path) -> None:
    with MockServer(version, scenario=SCENARIO) as server:
        kit = server.kit(USER)
        for name in ("short", "long"):
            write_job(kit / "transfer", name)
        done = Official(version, tmp_path / "home").script(CALLS, USER, str(kit))
        line = next((one for one in done.out.splitlines() if one.startswith("TOLD")), "")
        assert line, done
        told, metas = json.loads(line.removeprefix("TOLD")), server.job_metas()
        ids = told.pop("ids")
        assert {key: one["status"] for key, one in told.items()} == dict.fromkeys(told, "SUCCESS") | FAILED, done
        details = {key: one["details"] for key, one in told.items()}

        assert (details["server"]["server_engine_status"], details["server"]["registered_clients"]) == ("stopped", 2)
        assert [row[0] for row in details["clients"]["client_statuses"][1:]] == ["site-1", "site-2"]
        assert details["get_connected_client_list"]["connected_clients"] == ["site-1", "site-2"]
        assert (kit / "transfer" / ids["short"] / "job").is_dir()
        assert details["busy"] == {"message": "Waited until timeout."}
        server_stats = details["server stats"]["message"]["server"]["ServerRunner"]
        assert (server_stats["job_id"], server_stats["status"]) == (ids["long"], "started")
        assert list(details["client stats"]["message"]) == ["site-1"]
        assert "startup" in details["ls_target"]["message"]
        assert '"format_version": 2' in details["cat_target"]["message"]
        assert "simulated" in details["grep_target"]["message"]
        assert details["get_working_directory"]["message"].rstrip().endswith("/site-1")
        assert sorted(details["get_available_apps_to_upload"]["app_list"])[-2:] == ["long", "short"]
        assert "still active clients" in details["shutdown under sites"]["message"]

        assert [meta["status"] for meta in metas] == ["FINISHED:COMPLETED", "FINISHED:ABORTED"]
        assert [meta["job_id"] for meta in metas] == [ids["copy"], ids["long"]]
        server.calls.require_once("clone_job", ids["short"], user=USER)
        server.calls.require_once("remove_client", "site-2")
        assert server.wait(10)
