"""The diagnostics of the cell network (observed: 2.6.3, 2.9.0)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mock_server.sites.cells import fault_of_name
from tests.mock_server.desk import Desk
from tests.support import ALL_RELEASES, JobMaker

NOWHERE = {"cn__return_code": "target_unreachable"}
Wait = Callable[[Desk, float], None]


def strings(*texts: str) -> list[dict[str, Any]]:
    return [{"type": "string", "data": text} for text in texts]


def item(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "dict", "data": value}


def refused(desk: Desk, line: str) -> str:
    reply = desk.ask(line)
    (one,) = reply["data"]
    assert (one["type"], reply["meta"]) == ("error", {"status": "error", "info": one["data"]})
    return str(one["data"])


USAGES = {
    "peers": "peers target_cell",
    "peers a b": "peers target_cell",
    "conns": "conns target_cell",
    "route": "route to_cell [from_cell]",
    "url_use": "url_use url",
    "speed": "speed from_fqcn to_fqcn [num_tries] [payload_size]",
    "speed server": "speed from_fqcn to_fqcn [num_tries] [payload_size]",
    "msg_stats": "msg_stats target [mode]",
    "list_pools": "list_pools target",
    "show_pool server": "show_pool target pool_name [mode]",
    "show_comm_config": "show_comm_config target",
    "show_config_vars": "show_config_vars target",
    "process_info": "process_info target",
}


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_too_few_words_are_answered_with_the_usage(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    for line, usage in USAGES.items():
        assert desk.ask(line) == {"data": strings(f"Usage: {usage}"), "meta": {}}, line


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_cells_come_and_go_with_jobs_and_sites(desk_of: Any, make_job: JobMaker, wait: Wait, release: str) -> None:
    desk = desk_of(release)
    assert desk.ask("cells")["data"] == strings("server", "site-1", "site-2", "Total Cells: 3")
    job_id = desk.job(make_job(deploy_map={"app": ["server", "site-1"]}, min_clients=1))
    wait(desk, 2)
    names = ["server", f"server.{job_id}", "site-1", f"site-1.{job_id}", "site-2"]
    assert desk.ask("cells")["data"] == strings(*names, "Total Cells: 5")
    assert desk.ask("peers site-1")["data"] == strings("server", f"site-1.{job_id}", "Total Agents: 2")
    assert desk.ask(f"peers site-1.{job_id}")["data"] == strings("site-1", "server", "Total Agents: 2")
    server = strings("site-1", "site-2", f"server.{job_id}", f"site-1.{job_id}", "Total Agents: 4")
    assert desk.ask("peers server")["data"] == server
    desk.server.set_site_connected("site-2", False)
    wait(desk, 10)
    assert desk.ask("cells")["data"] == strings("server", "site-1", "Total Cells: 2")


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_a_cell_that_is_not_there(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    error = {"error": "return code: target_unreachable", "reply": NOWHERE}
    assert desk.ask("peers site-9")["data"] == [item(error), *strings("No peers")]
    assert desk.ask("conns site-9")["data"] == [item({"error": "processing error", "reply": NOWHERE})]
    assert refused(desk, "msg_stats site-9") == "error: target_unreachable"
    for command in ("list_pools", "show_comm_config", "show_config_vars", "process_info"):
        assert refused(desk, f"{command} site-9") == "target_unreachable: "
    assert refused(desk, "show_pool site-9 request_processing") == "target_unreachable: "
    there = {"error": "Reply ReturnCode: target_unreachable"}
    assert desk.ask("route site-9")["data"] == [
        *strings("Route Info from server to site-9", "Request Headers:"),
        item(there),
        *strings("Reply Headers:"),
        item(NOWHERE),
    ]
    assert desk.ask("route server site-9")["data"][1]["data"] == "error in reply target_unreachable"


def test_the_way_of_a_message(desk_of: Any) -> None:
    desk = desk_of("2.9")
    _, _, there, _, back = (one["data"] for one in desk.ask("route server site-1")["data"])
    assert (there["cn__from"], there["cn__to"], there["cn__msg_type"]) == ("site-1", "server", "req")
    assert (back["cn__from"], back["cn__to"], back["cn__return_code"]) == ("server", "site-1", "ok")
    assert there["cn__req_id"] == back["cn__req_id"]
    assert [hop[0] for hop in there["cn__route"]] == ["site-1", "server"]
    assert not any("token" in key for key in there)


def test_addresses(desk_of: Any) -> None:
    desk = desk_of("2.9")
    listener = desk.ask("conns server")["data"][0]["data"]["ext_listeners"][0]["url"]
    connector = desk.ask("conns site-1")["data"][0]["data"]["bb_ext_connector"]["url"]
    assert desk.ask(f"url_use {listener}")["data"] == [item({"server": "ext_listen"})]
    both = {"site-1": "bb_ext_connect", "site-2": "bb_ext_connect"}
    assert desk.ask(f"url_use {connector}")["data"] == [item(both)]
    assert desk.ask("url_use x")["data"] == strings("No cell uses x")


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_speed(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    result = desk.ask("speed server site-1 2 1")["data"][0]["data"]
    assert result["test"] == "1KB 2 rounds between server and site-1"
    assert (result["other_errors"], result["total"]) == (0, 2 * result["average"])
    assert desk.ask("speed server site-9 3 0")["data"][0]["data"]["other_errors"] == 3
    assert "1,000KB 100 rounds" in desk.ask("speed server site-1")["data"][0]["data"]["test"]
    assert desk.ask("speed site-9 server")["data"][0]["data"]["error"] == "return code target_unreachable"
    assert desk.ask("speed a..b site-1")["data"] == [item({"error": "invalid from_fqcn a..b: empty part"})]
    text = "'x' is not a valid number: ValueError: invalid literal for int() with base 10: 'x'"
    for line in ("speed server site-1 x", "speed server site-1 1 x", "stress x", "stress 1 x"):
        assert refused(desk, line) == text


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_stress(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    *first, result, total = desk.ask("stress 3")["data"]
    announced = "starting stress test on ['server', 'site-1', 'site-2']"
    assert first == (strings(announced) if release in ("2.7", "2.8", "2.9") else [])
    assert [total] == strings("total errors: 0")
    assert {cell: sum(one["counts"].values()) for cell, one in result["data"].items()} == {"site-1": 3, "site-2": 3}
    assert "AttributeError" in desk.ask("stress 0")["data"][0]["data"]
    for site in ("site-1", "site-2"):
        desk.server.set_site_connected(site, False)
    assert item({"error": "no targets for stress test"}) in desk.ask("stress")["data"]


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_what_cells_count(desk_of: Any, wait: Wait, release: str) -> None:
    desk = desk_of(release)
    wait(desk, 25)
    rows = desk.ask("msg_stats site-1")["data"][0]["rows"]
    assert rows == [
        ["CATEGORY", "0.001-0.002", "OVERALL"],
        ["reply:task:challenge", "1", "1"],
        ["reply:task:heart_beat", "2", "2"],
        ["reply:task:register", "1", "1"],
    ]
    assert desk.ask("msg_stats site-1 average")["data"][0]["rows"][1][1] == "1.000e-03"
    assert desk.ask("msg_stats site-1 p")["data"][0]["rows"][1][1] == "1.0"
    served = desk.ask("show_pool server Request_Processing")["data"][0]["rows"]
    assert ["req:task:heart_beat", "4", "4"] in served
    assert desk.ask("show_pool server sent_msg_sizes max")["data"][0]["rows"] == [["CATEGORY", "OVERALL"]]
    assert desk.ask("show_pool server sent_msg_counters")["data"][0]["rows"] == [["CATEGORY"]]
    pools = desk.ask("list_pools server")["data"][0]["rows"]
    assert (pools[0], len(pools)) == (["POOL", "TYPE", "DESCRIPTION"], 13)
    assert refused(desk, "show_pool server nopool") == "invalid_request: unknown pool 'nopool'"
    text = "invalid mode '': must be one of ['count', 'percent', 'avg', 'max', 'min']"
    for line in ("msg_stats server zzz", "show_pool server request_processing q", "msg_stats server m"):
        assert refused(desk, line) == text


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_configuration_and_process(desk_of: Any, release: str) -> None:
    desk = desk_of(release)
    server, site = (desk.ask(f"show_config_vars {cell}")["data"][0]["data"] for cell in ("server", "site-1"))
    assert ("max_reg_duration" in server, "job_query_timeout" in site) == (True, True)
    assert server["max_message_size"] == site["max_message_size"] == 2144337904
    assert ("allow_log_streaming" in site) == (release == "2.9")
    assert desk.ask("show_comm_config site-1")["data"][0]["data"]["internal_resources"]["host"] == "localhost"
    assert desk.ask("show_comm_config server")["data"][0]["data"]["config"] == "none"
    ids = {desk.ask(f"process_info {cell}")["data"][0]["rows"][1][1] for cell in ("server", "site-1", "site-2")}
    assert len(ids) == 3
    assert desk.ask("cat site-1 pid.fl")["data"][0]["type"] == "error", "no text file by its name"


@pytest.mark.parametrize("command", ["stop_cell site-1", "stop_net", "bulk", "change_root x"])
def test_what_official_servers_switch_off(desk_of: Any, command: str) -> None:
    desk = desk_of("2.9")
    assert refused(desk, command) == f'Unknown command "{command.split(maxsplit=1)[0]}"'


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("server", ""),
        ("site-1.job_2", ""),
        (" ", "empty"),
        ("a b", "invalid char"),
        ("a.", "empty part"),
        ("a.a", "dup 'a'"),
    ],
)
def test_names_of_cells(name: str, fault: str) -> None:
    assert fault_of_name(name) == fault
