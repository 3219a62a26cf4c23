"""A recipe of the job API through ``ProdEnv`` of 2.7-2.9: what somebody's ``job.py`` does with a startup kit."""

from __future__ import annotations

from pathlib import Path

import pytest

from mock_server import MockServer
from tests.interop.programs.official import Official

USER = "lead@nvidia.com"
LIGHT = ("2.9.0",)
VERSIONS = [
    pytest.param(version, marks=() if version in LIGHT else (pytest.mark.programs,))
    for version in ("2.7.3", "2.8.3", "2.9.0")
]
JOB = """
import sys

from nvflare.app_common.np.recipes import NumpyFedAvgRecipe
from nvflare.recipe.prod_env import ProdEnv


def run_of(name):
    recipe = NumpyFedAvgRecipe(
        name=name, model=[[1.0, 2.0]], min_clients=2, num_rounds=2, train_script="client.py", train_args="--rate 0.1"
    )
    return recipe.execute(ProdEnv(startup_kit_location=sys.argv[2], login_timeout=10.0, username=sys.argv[1]))


run = run_of("recipe")
print("RESULT", run.get_result(timeout=60.0))
print("STATUS", run.get_status())
endless = run_of("endless")
print("NO RESULT", endless.exec_env.get_job_result(endless.get_job_id(), timeout=0.5))
endless.abort()
print("ABORTED", endless.get_status())
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recipe_is_run(version: str, tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text("print('trains')\n")
    scenario = {
        "jobs": [
            {"match": {"name": "endless"}, "queued": 0, "running": "1h"},
            {"queued": 0.1, "running": 0.3, "result": {"files": {"app_server/models/server.npy": "numbers"}}},
        ]
    }
    with MockServer(version, scenario=scenario) as server:
        kit = server.kit(USER, role="lead")
        done = Official(version, tmp_path / "home").script(JOB, USER, str(kit), cwd=tmp_path)

        told = dict(
            line.rsplit(" ", 1) for line in done.out.splitlines() if line.startswith(("RES", "STA", "NO", "AB"))
        )
        assert done.code == 0, done
        assert told["STATUS"] == "FINISHED:COMPLETED", done
        result = Path(told["RESULT"])
        assert (result / "workspace" / "app_server" / "models" / "server.npy").read_text() == "numbers"
        assert (told["NO RESULT"], told["ABORTED"]) == ("None", "FINISHED:ABORTED")
        first, second = server.job_metas()
        assert (first["name"], second["name"]) == ("recipe", "endless")
        assert (first["min_clients"], first["deploy_map"]) == (2, {"app": ["@ALL"]})
        assert first["submitter_role"] == "lead"
        server.calls.require("submit_job", user=USER, times=2)
        server.calls.require_once("abort_job", second["job_id"])
        # The script and the configuration that the recipe made have arrived.
        names = sorted(path.name for path in (result / "job").rglob("*") if path.is_file())
        assert {"client.py", "config_fed_server.json", "config_fed_client.json", "meta.json"} <= set(names)


@pytest.mark.programs
@pytest.mark.parametrize("version", ["2.8.3", "2.9.0"])
def test_a_recipe_in_a_study(version: str, tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text("print('trains')\n")
    studies = [{"name": "brain", "sites": {"nvidia": ["site-1", "site-2"]}, "users": [USER]}]
    scenario = {"studies": studies, "jobs": [{"queued": 0, "running": 0.1}]}
    job = JOB.partition("endless = ")[0].replace("login_timeout=10.0", 'login_timeout=10.0, study="brain"')
    with MockServer(version, scenario=scenario) as server:
        kit = server.kit(USER, role="lead")
        done = Official(version, tmp_path / "home").script(job, USER, str(kit), cwd=tmp_path)
        assert "STATUS FINISHED:COMPLETED" in done.out, done
        (meta,) = server.job_metas()
        assert (meta["name"], meta["study"]) == ("recipe", "brain")


@pytest.mark.parametrize("version", LIGHT)
def test_a_kit_without_a_server(version: str, tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text("print('trains')\n")
    with MockServer(version) as server:
        kit = server.kit(USER, role="lead", directory=tmp_path / "kits")
    job = JOB.replace("login_timeout=10.0", "login_timeout=1.0")
    done = Official(version, tmp_path / "home").script(job, USER, str(kit), cwd=tmp_path)
    assert done.code == 1
    assert "RuntimeError: Failed to submit job via Flare API: " in done.err
