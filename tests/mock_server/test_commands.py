"""What commands answer to whom: rights, lists, status, restart and shutdown, through raw requests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client import new_secure_session
from flare_client.protocol.commands import commands_of
from flare_client.protocol.releases import PROFILES
from mock_server import ManualClock, MockServer
from mock_server.commands.registry import HANDLERS
from tests.support import RELEASES, JobMaker, RawClient, wait_until, write_job

# Who may do what to a job of lead@nvidia.com, as measured on the official servers of all four releases.
USERS = {
    "admin": ("admin@nvidia.com", "nvidia", "project_admin"),
    "org_admin": ("orgadmin@nvidia.com", "nvidia", "org_admin"),
    "lead2": ("lead2@nvidia.com", "nvidia", "lead"),
    "other_lead": ("lead@other.com", "other", "lead"),
    "member": ("member@nvidia.com", "nvidia", "member"),
}
MATRIX = {
    "list_jobs": "admin org_admin lead2 other_lead member",
    "get_job_meta {job}": "admin org_admin lead2 other_lead member",
    "check_status server": "admin org_admin lead2 other_lead member",
    "show_scopes server": "admin org_admin lead2 other_lead member",
    "clone_job {job}": "admin",
    "abort_job {job}": "admin org_admin",
    "delete_job {job}": "admin org_admin",
    "download_job {job}": "admin org_admin",
    "sys_info server": "admin org_admin lead2",
    "report_resources server": "admin org_admin lead2",
    "admin_check_status server": "admin",
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MockServer, Callable[[str], RawClient], Any]]:
    """A server with a lead who submits, and raw clients of everybody."""
    folder = write_job(tmp_path_factory.mktemp("jobs"))
    with MockServer("2.6") as server:
        lead = new_secure_session("lead@nvidia.com", str(server.kit("lead@nvidia.com", role="lead")))
        clients = {who: RawClient(server, server.kit(name, org, role)) for who, (name, org, role) in USERS.items()}
        yield server, clients.__getitem__, lambda: lead.submit_job(str(folder))
        lead.close()


@pytest.mark.parametrize(("line", "who"), list(itertools.product(MATRIX, USERS)))
def test_rights_are_those_of_the_official_default_policy(lab: Any, line: str, who: str) -> None:
    _, client, submit = lab
    raw = client(who)
    reply = raw.ask(line.format(job=submit()), raw.login(USERS[who][0]))
    refused = reply["meta"].get("status") == "not_authorized"
    assert refused == (who not in MATRIX[line].split())
    if refused and not line.startswith("admin_"):
        reason = f"user '{USERS[who][0]}' is not authorized for '{line.split(maxsplit=1)[0]}'"
        assert reply["data"][0]["data"] == f"Authorization Error: {reason}"
        assert reply["meta"]["info"] == reason


def test_an_unknown_job_is_reported_before_a_missing_right(lab: Any) -> None:
    raw = lab[1]("member")
    reply = raw.ask("delete_job nope", raw.login("member@nvidia.com"))
    assert reply["meta"]["status"] == "invalid_job_id"


def test_sites_answer_for_themselves_by_their_organisation() -> None:
    sites = {"sites": [{"name": "ours", "org": "nvidia"}, {"name": "theirs", "org": "other"}]}
    with MockServer("2.6", scenario=sites) as server:
        raw = RawClient(server, server.kit("lead@other.com", "other", "lead"))
        reply = raw.ask("sys_info client", raw.login("lead@other.com"))
    first = [item["rows"][1] for item in reply["data"] if item["type"] == "table"]
    assert first[0] == ["user 'lead@other.com' is not authorized for 'sys_info'", ""]
    assert first[1][0] == "total"


@pytest.mark.parametrize("release", RELEASES)
def test_every_handler_belongs_to_a_command_of_some_release(release: str) -> None:
    known = {spec.name for profile in PROFILES.values() for spec in commands_of(profile)}
    assert set(HANDLERS) <= known
    here = {spec.name for spec in commands_of(PROFILES[release])}
    needed = {"submit_job", "list_jobs", "get_job_meta", "abort_job", "delete_job", "clone_job", "download_job"}
    assert needed | {"check_status"} <= here & set(HANDLERS)


# --- list_jobs --------------------------------------------------------------------------------------------------

NAMES = ["alpha-1", "Alpha-2", "beta", "ALPHA-3", "gamma"]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RawClient, str, list[str]]]:
    """A server with five jobs that wait, oldest first."""
    folder = tmp_path_factory.mktemp("listed")
    with MockServer("2.6", clock=ManualClock()) as server:
        session = new_secure_session("admin@nvidia.com", str(server.kit()))
        ids = [session.submit_job(str(write_job(folder, name))) for name in NAMES]
        raw = RawClient(server, server.kit())
        yield raw, raw.login(), ids
        session.close()


def expected_ids(ids: list[str], options: dict[str, Any]) -> list[str]:
    """The official expression, written down anew: filter, order, then a slice."""
    found = [
        job_id
        for job_id, name in zip(ids, NAMES, strict=True)
        if job_id.startswith((options["id"] or "").lower()) and name.lower().startswith((options["name"] or "").lower())
    ]
    if options["reverse"]:
        found.reverse()
    limit = options["limit"]
    if limit:
        found = found[:limit] if options["reverse"] else found[-limit:]
    return found


@given(st.data())
def test_lists_are_filtered_ordered_and_cut_as_the_official_server_does(listed: Any, data: st.DataObject) -> None:
    raw, token, ids = listed
    options = {
        "reverse": data.draw(st.booleans()),
        "limit": data.draw(st.sampled_from([None, 0, 1, 2, 4, 5, 9, -1, -2, -9])),
        "name": data.draw(st.sampled_from([None, "a", "ALPHA", "alpha-3", "x", "beta"])),
        "id": data.draw(st.sampled_from([None, ids[0][:6], ids[2].upper(), "zzz"])),
    }
    words = ["list_jobs", *(["-r"] if options["reverse"] else []), *(["-d"] if data.draw(st.booleans()) else [])]
    words += ["-m", str(options["limit"])] if options["limit"] is not None else []
    words += ["-n", str(options["name"])] if options["name"] else []
    words += [str(options["id"])] if options["id"] else []
    reply = raw.ask(" ".join(words), token)
    assert [job["job_id"] for job in reply["meta"]["jobs"]] == expected_ids(ids, options)


def test_an_empty_store_and_an_empty_match_are_told_apart(listed: Any) -> None:
    raw, token, _ = listed
    reply = raw.ask("list_jobs -n zzz", token)
    assert reply["data"] == [{"type": "string", "data": "No jobs matching the specified criteria."}]
    with MockServer("2.6") as server:
        empty = RawClient(server, server.kit())
        items = empty.ask("list_jobs", empty.login())["data"]
    assert items == [{"type": "string", "data": "No jobs found."}, {"type": "success", "data": ""}]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("list_jobs -z", "ValueError: unrecognized arguments: -z\nusage: list_jobs [-d]"),
        ("list_jobs -m x", "ValueError: argument -m: invalid int value: 'x'\nusage: list_jobs [-d]"),
        ("list_jobs a b", "ValueError: unrecognized arguments: b\nusage: list_jobs [-d]"),
    ],
)
def test_a_bad_option_is_answered_with_the_usage(listed: Any, line: str, text: str) -> None:
    raw, token, _ = listed
    reply = raw.ask(line, token)
    assert reply["data"][0]["data"].startswith(text)
    assert reply["meta"]["status"] == "internal_error"


def test_only_the_callers_jobs(listed: Any) -> None:
    raw, token, ids = listed
    assert [job["job_id"] for job in raw.ask("list_jobs -u", token)["meta"]["jobs"]] == ids
    other = RawClient(raw.server, raw.server.kit("lead@nvidia.com", role="lead"))
    assert other.ask("list_jobs -u", other.login("lead@nvidia.com"))["meta"]["jobs"] == []


def test_a_job_without_a_name_breaks_lists_by_name_as_it_does_officially(make_job: JobMaker) -> None:
    with MockServer("2.6") as server:
        session = new_secure_session("admin@nvidia.com", str(server.kit()))
        session.submit_job(str(make_job("unnamed", name=None)))
        raw = RawClient(server, server.kit())
        token = raw.login()
        assert raw.ask("list_jobs", token)["meta"]["jobs"][0]["job_name"] == "unnamed"
        text = raw.ask("list_jobs -n x", token)["data"][0]["data"]
        session.close()
    assert text == "AttributeError: 'NoneType' object has no attribute 'lower'"


# --- the system -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", RELEASES)
def test_status_of_server_and_sites_follows_the_jobs(release: str, make_job: JobMaker) -> None:
    clock = ManualClock()
    with MockServer(release, clock=clock) as server:
        session = new_secure_session("admin@nvidia.com", str(server.kit()))
        raw = RawClient(server, server.kit())
        token = raw.login()
        assert session.get_system_info().server_info.status == "stopped"
        job_id = session.submit_job(str(make_job()))
        clock.advance(0.2)
        status = session.get_system_info()
        assert (status.server_info.status, status.job_info[0].job_id) == ("started", job_id)
        assert [client.name for client in status.client_info] == ["site-1", "site-2"]
        reply = raw.ask("check_status client site-2", token)
        assert reply["data"][0]["rows"][1] == ["site-2", "app", job_id, "started"]
        assert ("client_status" in reply["meta"]) == PROFILES[release].client_status_in_meta
        refused = raw.ask("restart all", token)["meta"]["status"]
        assert refused == ("job_running" if release != "2.3" else "error")
        session.close()


def test_a_restart_by_command_ends_every_session() -> None:
    with MockServer("2.6") as server:
        raw = RawClient(server, server.kit())
        token = raw.login()
        reply = raw.ask("restart all", token)
        assert reply["meta"]["client_status"] == dict.fromkeys(["site-1", "site-2"], "Restart the client...")
        assert reply["data"][-2]["data"] == "Server scheduled for restart"

        def is_back() -> bool:
            try:
                return raw.ask("_check_session", token)["data"][0]["data"] == "session_inactive"
            except OSError:
                return False

        wait_until(is_back)
        assert raw.login()


def test_a_shutdown_by_command_stops_the_server() -> None:
    with MockServer("2.6") as server:
        raw = RawClient(server, server.kit())
        token = raw.login()
        refused = raw.ask("shutdown server", token)
        assert refused["meta"]["status"] == "clients_running"
        reply = raw.ask("shutdown all", token)
        assert {"type": "shutdown", "data": "Goodbye!"} in reply["data"]
        assert server.wait(10)
        assert not server.is_running


def test_removed_sites_must_exist() -> None:
    with MockServer("2.6") as server:
        raw = RawClient(server, server.kit())
        token = raw.login()
        assert raw.ask("remove_client nosite", token)["meta"]["status"] == "invalid_target"
        assert raw.ask("remove_client site-1", token)["meta"] == {"status": "ok", "info": ""}
