"""What official clients get of simulated machines: one process a release, which calls every such method once."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conformance.peers import environment
from mock_server import MockServer
from tests.interop.conftest import ADMIN
from tests.support import write_job

SCRIPT = """
import json, sys
from nvflare.fuel.flare_api.flare_api import new_secure_session

session = new_secure_session(sys.argv[1], sys.argv[2])
job_id, told = sys.argv[3], {}


def call(name, *args, **options):
    try:
        told[name] = getattr(session, name)(*args, **options)
    except Exception as problem:
        told[name] = f"{type(problem).__name__}: {problem}"


call("get_working_directory", "site-1")
call("ls_target", "site-1", "-a", "startup")
call("cat_target", "server", "-n", "startup/fed_server.json")
call("head_target", "site-1", "-n 1", "log.txt")
call("tail_target", "site-1", "-n 1", job_id + "/log.txt")
call("tail_target_log", "server", "-n 1")
call("grep_target", "server", "-n", "simulated", "log.txt")
call("show_stats", job_id, "all")
call("show_errors", job_id, "client", ["site-1"])
call("reset_errors", job_id)
call("get_client_env", ["site-1"])
call("do_app_command", job_id, "topic", {})
if hasattr(session, "report_version"):
    call("report_version", "all")
    call("report_resources", "client", ["site-1"])
    call("configure_job_log", job_id, "INFO")
    call("configure_site_log", "INFO")
told["refused"] = None
try:
    session.ls_target("server", "-x")
except Exception as problem:
    told["refused"] = f"{type(problem).__name__}: {problem}"
session.close()
print("TOLD" + json.dumps(told))
"""
SCENARIO = {
    "jobs": [{"queued": 0, "running": "1h"}],
    "sites": [{"name": "site-1", "errors": {"Trainer": {"warning": "no GPU"}}}, {"name": "site-2"}],
}


def ask(version: str, tmp_path: Path) -> tuple[dict[str, Any], str]:
    """What the official client's methods return, and the id of the job that runs."""
    python = environment(version).python
    with MockServer(version, scenario=SCENARIO) as server:
        job = write_job(tmp_path)
        kit = server.kit(ADMIN)
        submit = "import sys\nfrom nvflare.fuel.flare_api.flare_api import new_secure_session\n"
        submit += "s = new_secure_session(sys.argv[1], sys.argv[2])\nprint('ID' + s.submit_job(sys.argv[3]))\ns.close()"
        job_id = _run(python, submit, "ID", ADMIN, str(kit), str(job))
        return json.loads(_run(python, SCRIPT, "TOLD", ADMIN, str(kit), job_id)), job_id


def _run(python: Path | str, script: str, mark: str, *words: str) -> str:
    done = subprocess.run([str(python), "-c", script, *words], capture_output=True, text=True, check=True, timeout=120)
    return next(line for line in done.stdout.splitlines() if line.startswith(mark)).removeprefix(mark)


@pytest.mark.parametrize("version", ["2.6.3", "2.9.0"])
def test_official_methods_on_simulated_machines(version: str, tmp_path: Path) -> None:
    told, job_id = ask(version, tmp_path)
    end = "\n" if version == "2.9.0" else ""
    assert told["get_working_directory"].endswith(f"/site-1{end}")
    assert told["ls_target"].split()[:3] == [".", "..", "client.crt"]
    assert told["cat_target"].splitlines()[1].startswith('     2\t  "format_version": 2')
    assert told["head_target"].endswith(f"Registered with the server (simulated).{end}")
    assert f"run={job_id}] - got task train of round" in told["tail_target"]
    assert told["tail_target_log"].endswith(f"started the job {job_id}{end}")
    assert told["grep_target"].startswith("1:")
    assert sorted(told["show_stats"]) == ["server", "site-1", "site-2"]
    assert told["show_errors"] == {"site-1": {"Trainer": {"warning": "no GPU"}}}
    assert told["reset_errors"] is None
    assert told["get_client_env"][0]["site_name"] == "site-1"
    assert "no app command func for topic topic" in told["do_app_command"]
    assert told["refused"].endswith("unrecognized arguments: -x")
    if version == "2.9.0":
        assert told["report_version"] == {name: {"version": version} for name in ("server", "site-1", "site-2")}
        assert told["report_resources"] == {"site-1": "{'resources': [], 'reserved_resources': {}}"}
        assert (told["configure_job_log"], told["configure_site_log"]) == (None, None)
