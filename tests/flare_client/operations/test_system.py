"""The state of the system: lines and results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flare_client import InternalError, InvalidTarget, NoClientsAvailable
from flare_client.operations import system
from tests.flare_client.operations.scripted import FINE, ScriptedConversation, content, reply, rows, text

SITES = [
    {"client_name": "site-1", "client_last_conn_time": 5.0},
    {"client_name": "site-2", "client_last_conn_time": 6.5},
]
STATE = reply(
    status="ok",
    server_status="started",
    server_start_time=3.5,
    clients=SITES,
    jobs=[{"app_name": "app", "job_id": "id"}],
)


def test_the_system_is_told_from_the_meta() -> None:
    found = system.get_system_info(ScriptedConversation("2.6", STATE))
    assert (found.server_info.status, found.server_info.start_time) == ("started", 3.5)
    assert [(one.name, one.last_connect_time) for one in found.client_info] == [("site-1", 5.0), ("site-2", 6.5)]
    assert [(one.app_name, one.job_id) for one in found.job_info] == [("app", "id")]
    assert [one.name for one in system.get_connected_client_list(ScriptedConversation("2.6", STATE))] == [
        "site-1",
        "site-2",
    ]


def test_a_system_without_sites_and_jobs_is_one_too() -> None:
    found = system.get_system_info(ScriptedConversation("2.6", reply(status="ok", clients=None)))
    assert (found.server_info.status, found.client_info, found.job_info) == (None, [], [])


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (system.get_client_job_status, "check_status client"),
        (lambda c: system.get_client_job_status(c, ["site-1", "site-2"]), "check_status client site-1 site-2"),
        (lambda c: system.check_status(c, "server"), "check_status server"),
        (lambda c: system.check_status(c, "all", ["site-1"]), "check_status all"),
        (lambda c: system.check_status(c, "client", ["site-1"]), "check_status client site-1"),
        (lambda c: system.remove_client(c, "site-1"), "remove_client site-1"),
        (lambda c: system.disable_client(c, "site 1"), 'disable_client "site 1"'),
        (lambda c: system.enable_client(c, "site-1"), "enable_client site-1"),
        (lambda c: system.report_version(c, "client", ["site-1"]), "report_version client site-1"),
        (lambda c: system.report_resources(c, "all"), "report_resources all"),
        (lambda c: system.get_cell_conn_info(c, "server"), "conns server"),
    ],
)
def test_the_line_is_the_official_one(call: Callable[[Any], Any], line: str) -> None:
    asked = ScriptedConversation("2.9", FINE)
    call(asked)
    assert asked.lines == [line]


def test_what_runs_on_sites_may_come_without_a_status_or_not_at_all() -> None:
    status = [{"client_name": "site-1", "status": "no_jobs"}]
    assert system.get_client_job_status(ScriptedConversation("2.6", reply(client_status=status))) == status
    assert system.get_client_job_status(ScriptedConversation("2.6", reply(info="none"))) is None
    with pytest.raises(InternalError, match="missing meta"):
        system.get_client_job_status(ScriptedConversation("2.6", reply()))


@pytest.mark.parametrize(("release", "kind"), [("2.6", InvalidTarget), ("2.7", NoClientsAvailable)])
def test_no_connected_site_is_told_in_the_way_of_the_release(release: str, kind: type[Exception]) -> None:
    nobody = reply(text("x"), status="invalid_target", info="no clients available")
    with pytest.raises(kind, match="no clients available"):
        system.get_client_job_status(ScriptedConversation(release, nobody))


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (None, "report_env"),
        ([], "report_env"),
        ("", "report_env"),
        ("site-1", "report_env site-1"),
        (["site-1", "site-2"], "report_env site-1 site-2"),
    ],
)
def test_sites_say_where_they_run(names: Any, line: str) -> None:
    envs = [{"site_name": "site-1", "workspace": "/x", "secure_mode": True, "root_url": "grpc://h:1"}]
    asked = ScriptedConversation("2.6", reply(clients=envs))
    assert system.get_client_env(asked, names) == envs
    assert asked.lines == [line]


def test_names_that_are_neither_text_nor_a_list_are_refused() -> None:
    with pytest.raises(ValueError, match=r"client_names must be str or list of str but got <class 'tuple'>"):
        system.get_client_env(ScriptedConversation("2.6"), ("site-1",))  # type: ignore[arg-type]


def test_a_reply_that_names_no_site_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="missing clients from meta"):
        system.get_client_env(ScriptedConversation("2.6", FINE))


def test_resources_are_the_rows_of_the_table() -> None:
    table = rows(["SITES", "RESOURCES"], ["server", "unlimited"], ["site-1", "{}"], ["short"])
    assert system.report_resources(ScriptedConversation("2.9", reply(text("x"), table)), "all") == {
        "server": "unlimited",
        "site-1": "{}",
    }
    assert system.report_resources(ScriptedConversation("2.9", reply(rows(["SITES", "RESOURCES"]))), "all") == {}
    assert system.report_resources(ScriptedConversation("2.9", reply()), "all") == {}


def test_versions_are_the_object() -> None:
    versions = {"server": {"version": "2.9.0"}}
    assert system.report_version(ScriptedConversation("2.9", reply(content(versions))), "server") == versions


@pytest.mark.parametrize("function", [system.remove_client, system.disable_client, system.enable_client])
@pytest.mark.parametrize("name", ["", None, 5, ["site-1"]])
def test_a_client_has_a_name(function: Callable[..., Any], name: Any) -> None:
    asked = ScriptedConversation("2.9")
    with pytest.raises(ValueError, match="client_name must be a non-empty str"):
        function(asked, name)
    assert asked.lines == []


@pytest.mark.parametrize("function", [system.check_status, system.report_resources, system.report_version])
def test_types_of_targets_are_checked(function: Callable[..., Any]) -> None:
    asked = ScriptedConversation("2.9")
    with pytest.raises(ValueError, match="invalid target_type sites"):
        function(asked, "sites")
    with pytest.raises(SyntaxError, match="targets must be a list"):
        function(asked, "client", "site-1")
    assert asked.lines == []


def test_the_connectors_of_a_cell_are_the_first_item() -> None:
    table = rows(["a"], ["b"])
    assert system.get_cell_conn_info(ScriptedConversation("2.3", reply(table, status="ok")), "server") == table.data
