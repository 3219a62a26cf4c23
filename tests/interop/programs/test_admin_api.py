"""``FLAdminAPI`` and ``FLAdminAPIRunner`` of 2.3-2.7, the API before ``Session``; some programs use them still.

One script makes every call. What it is told is the same on the official server of a release, but for what machines
write themselves.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.lab.jobs import QUICK, SLOW, write_named
from conformance.lab.provisioning import ADMIN
from conformance.lab.server import OfficialServer
from mock_server import MockServer
from tests.interop.programs.official import Official

LIGHT = ("2.6.3",)
PLACES = [
    pytest.param((version, "mock"), marks=() if version in LIGHT else (pytest.mark.programs,), id=version)
    for version in ("2.3.12", "2.4.2", "2.5.2", "2.6.3", "2.7.3")
] + [
    pytest.param((version, "official"), marks=(pytest.mark.programs, pytest.mark.servers), id=f"{version}-official")
    for version in ("2.3.12", "2.6.3")
]
SCENARIO: dict[str, Any] = {
    "jobs": [
        {"match": {"name": SLOW}, "queued": 0, "running": "1h"},
        {"queued": 0, "running": 0.2},
    ]
}
FAILED = {
    "nowhere": "ERROR_INVALID_CLIENT",
    "delete of a running job": "ERROR_RUNTIME",
    "shutdown under sites": "ERROR_RUNTIME",
}
CALLS = """
import json, sys, time
from nvflare.fuel.hci.client.fl_admin_api_runner import FLAdminAPIRunner
from nvflare.fuel.hci.client.fl_admin_api_spec import TargetType

user, kit, quick, slow = sys.argv[1:]
api = FLAdminAPIRunner(username=user, admin_dir=kit).api
told = {}


def call(name, *args, key=None, **options):
    reply = getattr(api, name)(*args, **options)
    told[key or name] = {"status": str(getattr(reply["status"], "value", reply["status"])), "details": reply["details"]}
    return reply["details"]


def until(holds, *args, **options):
    while not holds(call(*args, **options)):
        time.sleep(0.05)


def is_job(job_id, status):
    return lambda jobs: [job["status"] for job in jobs if job["job_id"] == job_id] == [status]


call("check_status", TargetType.SERVER, key="server")
call("check_status", TargetType.CLIENT, key="clients")
call("check_status", TargetType.CLIENT, ["nowhere"], key="nowhere")
call("get_connected_client_list")
short = call("submit_job", quick)["job_id"]
call("wait_until_client_status", interval=1)
until(is_job(short, "FINISHED:COMPLETED"), "list_jobs")
call("download_job", short)
copy = call("clone_job", short)["job_id"]
until(is_job(copy, "FINISHED:COMPLETED"), "list_jobs")
job = call("submit_job", slow)["job_id"]
until(is_job(job, "RUNNING"), "list_jobs", "-d", key="detailed")
call("wait_until_server_status", interval=1, timeout=0.1, key="busy")
# A process of the job says what it does only after a moment.
until(lambda told: "scatter_and_gather" in str(told), "show_stats", job, TargetType.SERVER, key="server stats")
until(lambda told: "ClientRunner" in str(told), "show_stats", job, TargetType.CLIENT, key="all stats")
call("show_stats", job, TargetType.CLIENT, ["site-1"], key="client stats")
call("show_errors", job, TargetType.SERVER, key="server errors")
call("show_errors", job, TargetType.CLIENT, key="client errors")
call("reset_errors", job)
call("ls_target", "site-1", "-l")
call("cat_target", "server", file="startup/fed_server.json")
call("tail_target_log", "site-1", "-n 1")
call("grep_target", "server", "-n", "INFO", "log.txt")
call("get_working_directory", "site-1")
call("delete_job", job, key="delete of a running job")
call("restart", TargetType.CLIENT, ["site-1"], key="restart under a job")
call("shutdown", TargetType.SERVER, key="shutdown under a job")
call("abort_job", job)
until(is_job(job, "FINISHED:ABORTED"), "list_jobs")
call("delete_job", short)
call("delete_job", short, key="delete of no job")
call("get_available_apps_to_upload")
call("set_timeout", 12)
call("remove_client", ["site-2"])
busy = "There are still jobs running"  # for a moment after the abortion
until(lambda told: busy not in told["message"], "shutdown", TargetType.SERVER, key="shutdown under sites")
call("shutdown", TargetType.CLIENT, key="shutdown of sites")
there = "still active clients"  # as long as they take to say goodbye
until(lambda told: there not in told["message"], "shutdown", TargetType.SERVER)
told["ids"] = {"short": short, "long": job, "copy": copy}
print("TOLD" + json.dumps(told), flush=True)
import os
os._exit(0)  # the threads of 2.3 never end
"""


@dataclasses.dataclass(frozen=True)
class Told:
    """What the script was told, and where.

    Attributes:
        statuses: by call.
        details: by call.
        ids: of its jobs.
        kit: the startup kit.
        mock: the server, if it is a mock one; it is over.
    """

    version: str
    statuses: dict[str, str]
    details: dict[str, Any]
    ids: dict[str, str]
    kit: Path
    mock: MockServer | None


def make_calls(version: str, kit: Path, home: Path, mock: MockServer | None = None) -> Told:
    for kind in (QUICK, SLOW):
        write_named(kit / "transfer", kind)
    done = Official(version, home).script(CALLS, ADMIN, str(kit), QUICK, SLOW)
    line = next((one for one in done.out.splitlines() if one.startswith("TOLD")), "")
    assert line, done
    told = json.loads(line.removeprefix("TOLD"))
    ids = told.pop("ids")
    statuses = {key: one["status"] for key, one in told.items()}
    return Told(version, statuses, {key: one["details"] for key, one in told.items()}, ids, kit, mock)


@pytest.fixture(scope="module", params=PLACES)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    version, where = request.param
    home = tmp_path_factory.mktemp("home")
    if where == "official":
        with OfficialServer(version) as official:
            yield make_calls(version, official.kit(ADMIN), home)
        return
    with MockServer(version, scenario=SCENARIO) as mock:
        yield make_calls(version, mock.kit(ADMIN), home, mock)


def test_which_calls_succeed(told: Told) -> None:
    """2.3 asks all sites for statistics, or none; later servers do not know the command behind ``set_timeout``."""
    other = "client stats" if told.version == "2.3.12" else "set_timeout"
    failed = FAILED | {other: "ERROR_RUNTIME"}
    assert told.statuses == dict.fromkeys(told.statuses, "SUCCESS") | failed


def test_what_is_told_of_servers_and_sites(told: Told) -> None:
    details = told.details
    assert (details["server"]["server_engine_status"], details["server"]["registered_clients"]) == ("stopped", 2)
    assert sorted(row[0] for row in details["clients"]["client_statuses"][1:]) == ["site-1", "site-2"]
    assert sorted(details["get_connected_client_list"]["connected_clients"]) == ["site-1", "site-2"]
    assert "startup" in details["ls_target"]["message"]
    assert '"format_version": 2' in details["cat_target"]["message"]
    assert all("INFO" in line for line in details["grep_target"]["message"].splitlines())
    assert details["get_working_directory"]["message"].rstrip().endswith("/site-1")
    assert {QUICK, SLOW} <= set(details["get_available_apps_to_upload"]["app_list"])


def test_what_is_told_of_jobs(told: Told) -> None:
    details, long_id = told.details, told.ids["long"]
    assert (told.kit / "transfer" / told.ids["short"] / "job").is_dir()
    assert details["busy"] == {"message": "Waited until timeout."}
    stats = details["server stats"]["message"]
    runner = stats["ServerRunner"] if told.version == "2.3.12" else stats["server"]["ServerRunner"]
    assert (runner["job_id"], runner["status"], runner["workflow"]) == (long_id, "started", "scatter_and_gather")
    assert f"job: {long_id} is running, could not be deleted at this time." in str(details["delete of a running job"])
    assert f"Job with ID {told.ids['short']} doesn't exist" in str(details["delete of no job"])
    for key in ("restart under a job", "shutdown under a job"):
        assert "There are still jobs running. Please let them finish or abort_job before" in str(details[key])
    assert "still active clients" in details["shutdown under sites"]["message"]


def test_what_reached_the_server(told: Told) -> None:
    if told.mock is None:
        pytest.skip("an official server tells nobody which calls it got")
    metas = told.mock.job_metas()
    assert {meta["job_id"]: meta["status"] for meta in metas} == {
        told.ids["copy"]: "FINISHED:COMPLETED",
        told.ids["long"]: "FINISHED:ABORTED",
    }
    told.mock.calls.require_once("clone_job", told.ids["short"], user=ADMIN)
    told.mock.calls.require_once("remove_client", "site-2")
    assert told.mock.wait(10)
