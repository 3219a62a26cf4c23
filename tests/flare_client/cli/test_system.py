"""The system, its sites, studies and kits at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mock_server import MockServer
from tests.flare_client.cli.command import ADMIN, Flare, run
from tests.support import JobMaker


def test_the_status_names_server_sites_and_jobs(flare: Flare, make_job: JobMaker) -> None:
    job_id = flare.ask("jobs", "submit", str(make_job("long-shown"))).result["job_id"]
    flare("jobs", "monitor", job_id, "--every", "0.01", "--timeout", "0.1")
    status = flare.ask("system", "status").result
    assert [client["name"] for client in status["clients"]] == ["site-1", "site-2"]
    assert job_id in [job["job_id"] for job in status["jobs"]]
    assert status["server"]["status"] == "started"
    text = flare("system", "status").out
    assert "site-2" in text
    assert job_id in text
    assert f"release       {status['release']}\n" in text
    flare("jobs", "abort", job_id, "--yes")


def test_sites_tell_what_runs_where_and_what_they_have(flare_of: Callable[..., Flare]) -> None:
    flare = flare_of("2.9")
    assert {one["client_name"] for one in flare.ask("system", "clients", "site-2").result["clients"]} == {"site-2"}
    assert flare("system", "clients").out.splitlines()[0].split()[:2] == ["client", "name"]
    (there,) = flare.ask("system", "environment", "site-1").result["clients"]
    assert there["site_name"] == "site-1"
    assert "\n\nsite_name" in flare("system", "environment").out
    assert flare.ask("system", "version", "client", "site-1").result["machines"] == {"site-1": {"version": "2.9.0"}}
    assert set(flare.ask("system", "resources").result["machines"]) == {"server", "site-1", "site-2"}
    assert flare.ask("system", "clients", "site-9").error["kind"] == "no_such_site"


def test_a_site_is_kept_out_let_in_and_removed(flare_of: Callable[..., Flare], tmp_path: Path) -> None:
    with MockServer("2.9") as server:
        flare = Flare(server.kit(directory=tmp_path))
        assert flare.ask("system", "disable-client", "site-1", "--yes").result["site"] == "site-1"
        assert [one["name"] for one in flare.ask("system", "status").result["clients"]] == ["site-2"]
        assert flare("system", "enable-client", "site-1").out == "site-1 is let in\n"
        assert flare.ask("system", "remove-client", "site-2", "--yes").result["reply"] == {}


def test_a_restart_waits_until_the_server_is_back(tmp_path: Path) -> None:
    with MockServer("2.9") as server:
        flare = Flare(server.kit(directory=tmp_path))
        before = flare.ask("system", "status").result["server"]["start_time"]
        result = flare.ask("system", "restart", "server", "--yes").result
        assert (result["target"], result["sites"]) == ("server", [])
        assert flare.ask("system", "status").result["server"]["start_time"] > before


@pytest.mark.parametrize("release", ["2.6", "2.9"])
def test_a_shutdown_leaves_no_server(release: str, tmp_path: Path) -> None:
    with MockServer(release) as server:
        flare = Flare(server.kit(directory=tmp_path))
        done = flare("system", "shutdown", "all", "--yes")
        assert done.code == 0, done
        assert done.out
        assert server.wait(10)
        assert flare.ask("jobs", "list", "--connect-timeout", "0.3").code == 3


def test_a_running_job_keeps_the_system_up(flare: Flare, make_job: JobMaker) -> None:
    if "2.3" in str(flare.kit):
        pytest.skip("release 2.3 has no such method")
    job_id = flare.ask("jobs", "submit", str(make_job("long-busy"))).result["job_id"]
    flare("jobs", "monitor", job_id, "--every", "0.01", "--timeout", "0.1")
    assert flare.ask("system", "shutdown", "all", "--yes").error["kind"] == "job_not_done"
    flare("jobs", "abort", job_id, "--yes")


def test_the_life_of_a_study(tmp_path: Path) -> None:
    scenario = {"users": [{"name": ADMIN, "role": "project_admin"}, {"name": "lead@nvidia.com", "role": "lead"}]}
    with MockServer("2.9", scenario=scenario) as server:
        flare = Flare(server.kit(directory=tmp_path))
        assert flare("studies", "list").err == "no studies\n"
        assert flare.ask("studies", "register", "brain", "--site-org", "nvidia:site-1").result["sites"] == ["site-1"]
        assert flare.ask("studies", "add-sites", "brain", "--site-org", "nvidia:site-2").code == 0
        assert flare.ask("studies", "show", "brain").result["sites"] == ["site-1", "site-2"]
        assert flare.ask("studies", "remove-sites", "brain", "--site-org", "nvidia:site-1", "--yes").code == 0
        assert flare.ask("studies", "add-user", "brain", "lead@nvidia.com").code == 0
        assert flare.ask("studies", "show", "brain").result["users"] == [ADMIN, "lead@nvidia.com"]
        assert flare.ask("studies", "remove-user", "brain", "lead@nvidia.com", "--yes").code == 0
        assert "brain" in flare("studies", "list").out
        assert flare.ask("jobs", "list", "--study", "brain").result == {"jobs": []}
        assert flare.ask("studies", "remove", "brain", "--yes").code == 0
        done = flare.ask("studies", "show", "brain")
        assert (done.code, done.error["kind"]) == (1, "study_not_found")


def test_a_kit_says_who_it_is_of_and_where_it_leads(
    flare: Flare, running: Callable[[str], MockServer], tmp_path: Path
) -> None:
    shown = flare.ask("kit", "show").result
    release = flare.kit.parent.name
    server = running(release)
    assert shown["user"] == ADMIN
    assert shown["kit"] == str(flare.kit)
    assert shown["server"].endswith(f":{server.admin_port}")
    assert shown["releases"] == ("2.7-2.9" if release == "2.9" else "2.3-2.6")
    assert "user               admin@nvidia.com\n" in flare("kit", "show").out


def test_a_kit_without_certificates_is_that_of_the_admin(tmp_path: Path, make_job: JobMaker) -> None:
    with MockServer("2.3", secure=False) as server:
        flare = Flare(server.kit(directory=tmp_path))
        shown = flare.ask("kit", "show").result
        assert (shown["user"], shown["protection"], shown["certificate_until"]) == ("admin", "none", None)
        assert flare.ask("jobs", "list").result == {"jobs": []}


def test_options_before_the_doctor_are_the_doctors_too(flare_of: Callable[..., Flare]) -> None:
    flare = flare_of("2.9")
    report = json.loads(run("--json", "--kit", str(flare.kit), "--user", "else@nvidia.com", "kit", "doctor").out)
    assert (report["kit"], report["exit_code"]) == (str(flare.kit), 1)
    assert [one["check"] for one in report["findings"] if one["verdict"] == "error"] == ["name"]
    error = run("kit", "doctor", "nowhere", "--json").error
    assert "expected the folder of a startup kit, but there is none at 'nowhere'" in error["message"]


def test_the_doctor_looks_a_kit_over(flare_of: Callable[..., Flare]) -> None:
    flare = flare_of("2.9")
    well = flare("kit", "doctor", str(flare.kit), "--offline")
    assert (well.code, well.err) == (0, "")
    (flare.kit / "startup" / "client.key").unlink()
    ill = flare("kit", "doctor", str(flare.kit), "--offline")
    assert ill.code == 1
    assert "client.key" in ill.out
    assert "`flare kit doctor DIR` says all that is wrong" in flare("jobs", "list").err


@pytest.mark.parametrize("variable", ["FLARE_KIT", "NVFLARE_STARTUP_KIT_DIR"])
def test_the_environment_names_a_kit_and_an_option_counts_more(flare: Flare, variable: str) -> None:
    assert run("kit", "show", "--json", env={variable: str(flare.kit)}).result["kit"] == str(flare.kit)
    startup = str(flare.kit / "startup")
    assert run("kit", "show", "--json", env={variable: startup}).result["kit"] == str(flare.kit)
    other = run("kit", "show", "--json", "--kit", "/no/kit", env={variable: str(flare.kit)})
    assert other.error["kind"] == "kit_not_found"
    assert run("--kit", str(flare.kit), "kit", "show", env={variable: "/no/kit"}).code == 0


def test_options_may_stand_before_and_after_a_command(flare: Flare) -> None:
    before = run("--kit", str(flare.kit), "--json", "jobs", "meta", "nothing")
    after = run("jobs", "meta", "nothing", "--json", "--kit", str(flare.kit))
    assert before.error == after.error
    assert before.error["kind"] == "job_not_found"
    later = run("--kit", "/no/kit", "jobs", "meta", "nothing", "--json", "--kit", str(flare.kit))
    assert later.error == before.error
