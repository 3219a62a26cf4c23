"""``nvflare system ...`` of 2.9.0 with ``--format json``. Whatever a server refuses is CONNECTION_FAILED there."""

from __future__ import annotations

from pathlib import Path

from conformance.lab.provisioning import ADMIN
from tests.interop.programs.conftest import VERSION, Place, until
from tests.interop.programs.official import Nvflare

BAD_ARGUMENTS = (4, "INVALID_ARGS")
REFUSED = (2, "CONNECTION_FAILED")


def sites_of(status: dict[str, list[dict[str, str]]]) -> list[str]:
    return sorted(client["client_name"] for client in status.get("clients", []))


def test_status(nvflare: Nvflare) -> None:
    whole = nvflare.json("system", "status").data
    assert (whole["status"], whole["server_status"], whole["jobs"]) == ("ok", "stopped", [])
    assert sites_of(whole) == ["site-1", "site-2"]
    one = nvflare.json("system", "status", "client", "site-1").data
    assert one == {"client_status": [{"client_name": "site-1", "status": "no_jobs"}]}
    nowhere = nvflare.json("system", "status", "client", "nowhere")
    assert nowhere.refusal == (5, "INTERNAL_ERROR")
    assert "invalid client(s): nowhere" in nowhere.envelope["message"]


def test_versions_and_resources(nvflare: Nvflare) -> None:
    versions = nvflare.json("system", "version").data
    assert sorted(one["site"] for one in versions["sites"]) == ["server", "site-1", "site-2"]
    assert {one["version"] for one in versions["sites"]} == {VERSION}
    assert (versions["admin_version"], versions["compatible"], versions["mismatched_sites"]) == (VERSION, True, [])
    assert nvflare.json("system", "version", "--site", "nowhere").refusal == (1, "SITE_NOT_FOUND")
    assert sorted(nvflare.json("system", "resources").data) == ["server", "site-1", "site-2"]
    assert list(nvflare.json("system", "resources", "client", "site-1").data) == ["site-1"]


def test_levels_of_logs(nvflare: Nvflare) -> None:
    told = nvflare.json("system", "log-config", "INFO", "--site", "server").data
    assert told == {"site": "server", "log_config": "INFO", "status": "applied"}
    for words, why in ((("nonsense",), "log levels"), (("INFO", "--site", "site-1"), "unknown target type site-1")):
        refused = nvflare.json("system", "log-config", *words)
        assert refused.refusal == REFUSED
        assert why in refused.envelope["message"]
    assert nvflare.json("system", "log-config").refusal == (4, "LOG_CONFIG_INVALID")


def test_a_site_that_is_kept_out(nvflare: Nvflare) -> None:
    out = nvflare.json("system", "disable-client", "site-2", "--force").data
    assert (out["state"], out["active_session_removed"], out["rejoin_allowed"]) == ("disabled", True, False)
    assert sites_of(nvflare.json("system", "status", "server").data) == ["site-1"]
    back = nvflare.json("system", "enable-client", "site-2", "--force").data
    assert (back["state"], back["was_disabled"], back["rejoin_allowed"]) == ("enabled", True, True)
    assert nvflare.json("system", "disable-client", "site-2").refusal == BAD_ARGUMENTS, "no terminal to ask at"
    until(lambda: nvflare.json("system", "status", "server"), lambda status: len(sites_of(status)) == 2)


def test_who_may_do_what(nvflare: Nvflare, place: Place, tmp_path: Path) -> None:
    member = place.kit("member@nvidia.com")
    refused = nvflare.json("system", "version", kit=member)
    assert refused.refusal == REFUSED
    assert "is not authorized for 'report_version'" in refused.envelope["message"]
    assert nvflare.json("system", "status", kit=tmp_path / "nowhere").refusal == (4, "STARTUP_KIT_MISSING")


def test_restart_and_shutdown(nvflare: Nvflare, place: Place) -> None:
    """The last test: nobody is there after it."""
    if place.mock is not None:
        place.mock.reset()
    assert nvflare.json("system", "restart", "client", "nowhere", "--force").refusal == BAD_ARGUMENTS
    assert nvflare.json("system", "shutdown", "server", "site-1", "--force").refusal == BAD_ARGUMENTS
    alone = nvflare.json("system", "shutdown", "server", "--force")
    assert alone.refusal == REFUSED
    assert "clients are still running" in alone.envelope["message"]
    restarted = nvflare.json("system", "restart", "server", "--force", "--timeout", "90").data
    assert (restarted["status"], restarted["result"]["server_status"]) == ("restarted", "ok")
    until(lambda: nvflare.json("system", "status", "server"), lambda status: len(sites_of(status)) == 2)
    stopped = nvflare.json("system", "shutdown", "all", "--force", "--timeout", "90").data
    assert (stopped["target"], stopped["status"], stopped["result"]["status"]) == ("all", "stopped", "ok")
    down = nvflare.json("system", "status", "--connect-timeout", "1")
    assert down.refusal == REFUSED
    if place.mock is not None:
        assert place.mock.wait(0)
        place.mock.calls.require_order("restart", "check_status", "shutdown")
        place.mock.calls.require_once("restart", "server", user=ADMIN)
