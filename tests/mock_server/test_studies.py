"""Studies of 2.8 and 2.9: their commands, who may see them, and what works inside (observed: 2.8.3, 2.9.0)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server import ManualClock, MockServer, ScenarioError
from tests.mock_server.cell_client import CellClient
from tests.mock_server.desk import Desk
from tests.support import JobMaker

OK = {"status": "ok", "info": ""}
SITES = {
    "sites": [{"name": "a1", "org": "nvidia"}, {"name": "a2", "org": "nvidia"}, {"name": "b1", "org": "other"}],
    "jobs": [{"queued": "1s", "running": "10s"}],
}
CONNECTED = "Each site must be currently connected to the server and provisioned under the specified org."
ASK_ADMIN = "Verify the study name or contact a project_admin."


@pytest.fixture(params=["2.8", "2.9"])
def desk(request: pytest.FixtureRequest, workspace: Callable[[], Path]) -> Iterator[Desk]:
    """A project admin's desk at a server with three sites of two organisations."""
    options: dict[str, Any] = {"scenario": SITES, "clock": ManualClock(), "scheme": "tcp", "workspace": workspace()}
    with MockServer(request.param, **options) as server:
        yield Desk(server)


def told(desk: Desk, line: str) -> dict[str, Any]:
    """The object that a command about studies answers with."""
    reply = desk.ask(line)
    assert reply["meta"] == OK
    assert [item["type"] for item in reply["data"]] == ["dict"]
    found: dict[str, Any] = reply["data"][0]["data"]
    return found


def refusal(code: str, message: str, hint: str = "", exit_code: int = 4) -> dict[str, Any]:
    return {"error_code": code, "message": message, "hint": hint, "exit_code": exit_code}


def unknown(name: str, hint: str) -> dict[str, Any]:
    return refusal("STUDY_NOT_FOUND", f"Study '{name}' not found.", hint, 1)


def org_admin(desk: Desk, org: str) -> Desk:
    return Desk(desk.server, f"admin@{org}.com", org, "org_admin")


def test_a_study_over_its_life(desk: Desk) -> None:
    admin = "admin@nvidia.com"
    assert told(desk, "list_studies") == {
        "identity": {"name": admin, "org": "nvidia", "role": "project_admin"},
        "studies": [],
        "study_details": [],
    }
    shown = {"name": "s1", "site_orgs": {"nvidia": ["a1"]}, "sites": ["a1"], "users": [admin]}
    assert told(desk, "register_study s1 --site-org nvidia:a1") == shown
    assert told(desk, "show_study s1") == shown
    assert told(desk, "add_study_site s1 --site-org nvidia:a2,a1 --site-org other:b1") == {
        "study": "s1",
        "added": ["a2", "b1"],
        "already_enrolled": ["a1"],
        "site_orgs": {"nvidia": ["a1", "a2"], "other": ["b1"]},
        "sites": ["a1", "a2", "b1"],
    }
    assert told(desk, "remove_study_site s1 --site-org nvidia:a2,gone --site-org none:x") == {
        "study": "s1",
        "removed": ["a2"],
        "not_enrolled": ["gone", "x"],
        "site_orgs": {"nvidia": ["a1"], "other": ["b1"]},
        "sites": ["a1", "b1"],
    }
    lead = "lead@nvidia.com"
    assert told(desk, f"add_study_user s1 {lead}") == {"study": "s1", "user": lead}
    assert told(desk, f"add_study_user s1 {lead}") == refusal(
        "USER_ALREADY_IN_STUDY",
        f"User '{lead}' is already in study 's1'.",
        "Use a different user or remove the existing entry first.",
        1,
    )
    assert told(desk, f"remove_study_user s1 {lead}") == {"study": "s1", "user": lead, "removed": True}
    assert told(desk, f"remove_study_user s1 {lead}") == refusal(
        "USER_NOT_IN_STUDY", f"User '{lead}' is not in study 's1'.", "Use add-user to add the user first.", 1
    )
    assert told(desk, "list_studies")["study_details"] == [
        {"name": "s1", "role": "project_admin", "capabilities": {"submit_job": True}, "can_submit_job": True}
    ]
    assert told(desk, "register_study s1 --site-org nvidia:a2")["sites"] == ["a1", "a2", "b1"]
    assert told(desk, "remove_study s1") == {"name": "s1", "removed": True}
    assert told(desk, "remove_study s1") == unknown("s1", "Verify the study name.")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("register_study default --site-org nvidia:a1", ("INVALID_STUDY_NAME", "invalid study name 'default'")),
        ("register_study S1 --site-org nvidia:a1", ("INVALID_STUDY_NAME", "invalid study name 'S1'")),
        ("register_study s1", ("INVALID_ARGS", "--site-org is required")),
        ("register_study s1 --sites a1", ("INVALID_ARGS", "project_admin must use --site-org, not --sites")),
        (
            "register_study s1 --sites a1 --site-org nvidia:a1",
            ("INVALID_ARGS", "--sites and --site-org are mutually exclusive; provide only one"),
        ),
        ("register_study s1 --site-org a1", ("INVALID_ARGS", "invalid --site-org value 'a1'")),
        (
            "register_study s1 --site-org nvidia:,",
            ("INVALID_ARGS", "--site-org 'nvidia:,' must contain at least one site"),
        ),
        ("register_study s1 --site-org nv-idia:a1", ("INVALID_ARGS", "invalid org 'nv-idia'")),
        (
            "register_study s1 --site-org nvidia:a1 --site-org other:a1",
            ("INVALID_ARGS", "site 'a1' appears in more than one org group"),
        ),
        ("register_study s1 --site-org nvidia:a.1", ("INVALID_SITE", "invalid site 'a.1'")),
        (
            "register_study s1 --site-org nvidia:b1,none",
            ("INVALID_SITE", "Sites ['b1', 'none'] are unknown or do not belong to org 'nvidia'.", CONNECTED),
        ),
        ("list_studies x", ("INVALID_ARGS", "list_studies does not accept arguments")),
        ("show_study A", ("INVALID_STUDY_NAME", "invalid study name 'A'")),
        ("add_study_site s9 --site-org nvidia:a1", ("STUDY_NOT_FOUND", "Study 's9' not found.", ASK_ADMIN, 1)),
    ],
)
def test_a_command_that_cannot_be_followed_changes_nothing(desk: Desk, line: str, expected: tuple[Any, ...]) -> None:
    assert told(desk, line) == refusal(*expected)
    assert told(desk, "list_studies")["studies"] == []


def test_missing_words(desk: Desk) -> None:
    text = desk.ask("register_study")["data"][0]["data"]
    assert text.startswith("Exception Occurred: ValueError: the following arguments are required: study\nusage: ")
    reply = told(desk, "add_study_user s1")
    assert reply["error_code"] == "INVALID_STUDY_NAME"
    assert reply["message"].startswith("the following arguments are required: user\nusage: add_study_user")


@pytest.mark.parametrize("role", ["lead", "member", "guest"])
def test_other_roles_may_at_most_list(desk: Desk, role: str) -> None:
    told(desk, "register_study s1 --site-org nvidia:a1")
    other = Desk(desk.server, "lead@nvidia.com", role=role)
    for line in ("register_study s2 --sites a1", "show_study s1", "add_study_user s1 x", "remove_study_site s1"):
        reply = other.ask(line)
        assert reply["data"] == [{"type": "error", "data": f"NOT_AUTHORIZED for {role}"}]
        assert reply["meta"] == {"status": "not_authorized", "info": ""}
    assert other.ask("remove_study s1")["data"][0]["data"] == f"not authorized for {role}"
    if role == "guest":
        assert other.ask("list_studies")["meta"]["status"] == "not_authorized"
        return
    assert told(other, "list_studies")["studies"] == []
    told(desk, "add_study_user s1 lead@nvidia.com")
    detail = told(other, "list_studies")["study_details"][0]
    reason = {"reason": "user 'lead@nvidia.com' is not authorized for 'submit_job'"} if role == "member" else {}
    may = role == "lead"
    assert (
        detail
        == {
            "name": "s1",
            "role": role,
            "capabilities": {"submit_job": may},
            "can_submit_job": may,
        }
        | reason
    )


def test_an_org_admin_sees_the_studies_of_its_sites(desk: Desk) -> None:
    told(desk, "register_study s1 --site-org nvidia:a1")
    ours, theirs = org_admin(desk, "nvidia"), org_admin(desk, "other")
    assert told(ours, "show_study s1")["sites"] == ["a1"]
    assert told(ours, "add_study_site s1 --site-org nvidia:a2") == refusal(
        "INVALID_ARGS", "org_admin must use --sites, not --site-org"
    )
    assert told(ours, "add_study_site s1 --sites a2,a2")["added"] == ["a2"]
    assert told(ours, "remove_study_site s1 --sites ,")["message"] == "--sites must contain at least one site"
    hint = "Verify the study name. If the study exists and you expect access, contact a project_admin."
    assert told(theirs, "show_study s1") == unknown("s1", hint)
    assert told(theirs, "add_study_user s1 x") == unknown("s1", ASK_ADMIN)
    assert told(theirs, "register_study s1 --sites b1") == refusal(
        "STUDY_ALREADY_EXISTS",
        "Study 's1' already exists.",
        "The study name is already taken. Contact a project_admin to grant access.",
        1,
    )
    nobody = Desk(desk.server, "x@x.com", "", "org_admin")
    assert told(nobody, "register_study s2 --sites a1")["message"] == "caller org is empty — misconfigured certificate"
    assert theirs.ask("remove_study s1")["data"][0]["data"] == "not authorized for org_admin"


# --- inside a study ---------------------------------------------------------------------------------------------


def test_who_may_log_in_to_a_study(desk: Desk) -> None:
    server = desk.server
    told(desk, "register_study s1 --site-org nvidia:a1")
    with CellClient(server, server.kit("other@nvidia.com"), "other@nvidia.com") as client:
        said = [client.log_in(study)["data"][0]["data"] for study in ("s9", "s1")]
        assert said == [
            "REJECT: AUTH_UNKNOWN_STUDY: unknown study 's9'",
            "REJECT: AUTH_STUDY_USER_NOT_MAPPED: user 'other@nvidia.com' is not mapped to study 's1'",
        ]
        told(desk, "add_study_user s1 other@nvidia.com")
        token = client.log_in("s1")["data"][1]["data"]
        client.ask("_logout", token)
        client.ask("list_jobs", token)  # restored from the token, in its study
    assert server.call(lambda context: [one.study for one in context.sessions]) == ["default", "s1"]


def test_jobs_are_seen_in_their_study_alone(desk: Desk, make_job: JobMaker) -> None:
    told(desk, "register_study s1 --site-org nvidia:a1,a2")
    inside = Desk(desk.server, study="s1")
    job_id = inside.submit(make_job(), "--submit-token t1")["meta"]["job_id"]
    other = desk.submit(make_job(), "--submit-token t1")["meta"]["job_id"]
    assert job_id != other
    assert [(job["job_id"], job["study"]) for job in inside.ask("list_jobs")["meta"]["jobs"]] == [(job_id, "s1")]
    assert [job["study"] for job in desk.ask("list_jobs")["meta"]["jobs"]] == ["default"]
    for command in ("get_job_meta", "abort_job", "download_job", "delete_job", "clone_job"):
        assert desk.ask(f"{command} {job_id}")["data"][0]["data"] == f"no such job: {job_id}"
    assert inside.ask(f"clone_job {job_id}")["meta"]["status"] == "ok"
    assert {job["study"] for job in inside.ask("list_jobs -d")["meta"]["jobs"]} == {"s1"}
    assert told(desk, "remove_study s1") == refusal(
        "STUDY_HAS_JOBS",
        "Study 's1' has 2 associated job(s) and cannot be removed.",
        "Archive or delete the associated jobs before retrying.",
        1,
    )


def test_a_job_runs_on_the_sites_of_its_study(desk: Desk, make_job: JobMaker) -> None:
    told(desk, "register_study s1 --site-org nvidia:a1,a2")
    inside = Desk(desk.server, study="s1")
    job_id = inside.job(make_job(min_clients=1))
    deploy_map = {"app": ["server", "a1", "b1", "c1"]}
    refused = inside.submit(make_job("wide", deploy_map=deploy_map, min_clients=1))
    text = "sites 'b1', 'c1' are not enrolled in study 's1'"
    assert refused["meta"] == {"status": "invalid_job_def", "info": text}
    refused = inside.submit(make_job("one", deploy_map={"app": ["server", "b1"]}, min_clients=1))
    assert refused["data"] == [{"type": "error", "data": "site 'b1' is not enrolled in study 's1'"}]
    later = inside.job(make_job("later", deploy_map={"app": ["server", "a2"]}, min_clients=1))
    told(desk, "remove_study_site s1 --site-org nvidia:a2")
    assert isinstance(desk.server.clock, ManualClock)
    desk.server.clock.advance(1)
    meta = inside.ask(f"get_job_meta {job_id}")["meta"]["job_meta"]
    assert meta["job_deploy_detail"] == ["server: OK", "a1: OK"]
    meta = inside.ask(f"get_job_meta {later}")["meta"]["job_meta"]
    assert meta["status"] == "FINISHED:CAN_NOT_SCHEDULE"
    assert meta["schedule_history"][0].endswith(": site 'a2' not in study 's1'")


def test_targets_are_those_of_the_study(desk: Desk) -> None:
    told(desk, "register_study s1 --site-org nvidia:a1")
    inside = Desk(desk.server, study="s1")
    rows = [row[0] for row in inside.ask("check_status client")["data"][0]["rows"]]
    assert rows == ["CLIENT", "a1"]
    assert inside.ask("check_status client a1 a2")["meta"]["client_status"][0]["client_name"] == "a1"
    text = "site 'b1' is not enrolled in study 's1'"
    assert inside.ask("check_status client b1")["meta"] == {"status": "invalid_target", "info": text}
    assert inside.ask("report_env b1 a2")["meta"]["info"] == "sites 'b1', 'a2' are not enrolled in study 's1'"
    assert inside.ask("show_scopes all")["data"][0]["rows"][1:] == [["server", "", ""], ["a1", "", ""]]
    member = Desk(desk.server, "m@nvidia.com", role="member", study="s1")
    assert member.ask("report_resources client a1")["meta"]["status"] == "not_authorized"
    assert Desk(desk.server, "m@nvidia.com", role="member").ask("report_resources client a1")["meta"] == {}


def test_a_scenario_may_begin_with_studies(workspace: Callable[[], Path]) -> None:
    scenario = {"studies": [{"name": "brain", "sites": {"nvidia": ["site-1"]}, "users": ["lead@nvidia.com"]}]}
    with MockServer("2.9", scenario=scenario, scheme="tcp", workspace=workspace()) as server:
        described = told(Desk(server), "show_study brain")
        assert (described["name"], described["site_orgs"]) == ("brain", {"nvidia": ["site-1"]})
        kit = server.kit("lead@nvidia.com", role="lead")
        with CellClient(server, kit, "lead@nvidia.com") as client:
            assert client.log_in("brain")["data"][0]["data"] == "OK"
        with CellClient(server, server.kit()) as client:
            said = client.log_in("brain")["data"][0]["data"]
        assert said == "REJECT: AUTH_STUDY_USER_NOT_MAPPED: user 'admin@nvidia.com' is not mapped to study 'brain'"


@pytest.mark.parametrize("release", ["2.3", "2.6", "2.7"])
def test_releases_without_studies_take_no_scenario_with_them(release: str) -> None:
    with pytest.raises(ScenarioError, match=rf"expected a scenario without studies, as release {release} has none"):
        MockServer(release, scenario={"studies": [{"name": "brain"}]})
