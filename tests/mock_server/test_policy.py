"""Policies: the default one, those of a test's own, and what is wrong with the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flare_client.protocol.commands import Right
from mock_server import MockServer
from mock_server.policy import DEFAULT_AUTHORIZATION, Person, Policy, PolicyError
from mock_server.scenarios import ScenarioError
from tests.mock_server.desk import Desk
from tests.support import JobMaker

LEAD = Person("Lead@nvidia.com", "nvidia", "lead")
OTHER = Person("lead@other.com", "other", "lead")


def policy(**permissions: Any) -> dict[str, Any]:
    return {"format_version": "1.0", "permissions": permissions}


def allows(content: Any, right: Right, user: Person = LEAD, command: str | None = None, **options: Any) -> bool:
    options = {"site_org": "nvidia"} | options
    return Policy(content).allows(right, user, command=command, **options)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("any", True),
        ("all", True),
        ("none", False),
        ("no", False),
        ("o:site", True),
        ("org:site", True),
        ("O:Site", True),
        ("o:other", False),
        ("o:NVIDIA", True),
        ("n:lead@nvidia.com", True),
        ("name:somebody", False),
        ("n:submitter", False),
        ("o:submitter", True),
        ("not o:site", False),
        ("not o:other", True),
        (["o:other", "n:lead@nvidia.com"], True),
        (["o:other", "n:x"], False),
        (["any", "not n:lead@nvidia.com"], False),
        (["any", "not n:x"], True),
    ],
)
def test_conditions(condition: Any, expected: bool) -> None:
    submitter = Person("somebody@nvidia.com", "nvidia", "lead")
    for content in (policy(lead=condition), policy(lead={"view": condition}), policy(LEAD={"View": condition})):
        assert allows(content, Right.VIEW, submitter=submitter) is expected


def test_a_command_counts_before_its_category() -> None:
    content = policy(lead={"view": "any", "show_stats": "none", "app_command": "o:site"})
    assert allows(content, Right.VIEW, command="show_errors")
    assert not allows(content, Right.VIEW, command="show_stats")
    assert allows(content, Right.UNCATEGORISED, command="app_command")
    assert not allows(content, Right.UNCATEGORISED, OTHER, command="app_command")
    assert not allows(content, Right.UNCATEGORISED, command="list_job")


def test_who_is_not_named_may_do_nothing() -> None:
    assert not allows(policy(member="any"), Right.VIEW)
    assert not allows(policy(lead={"view": "any"}), Right.OPERATE)
    with pytest.raises(TypeError, match="User role must be a str"):
        allows(DEFAULT_AUTHORIZATION, Right.VIEW, Person("x", "y", None))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([], "expected a mapping of format_version and permissions, but got []"),
        ({}, "expected a mapping"),
        ({"format_version": "2.0", "permissions": {"lead": "any"}}, "format_version: expected '1.0', but got '2.0'"),
        ({"format_version": "1.0"}, "permissions: expected a mapping of roles, but got None"),
        (policy(), "permissions: expected a mapping of roles"),
        (policy(lead=5), "permissions.lead: expected a condition or a list of some, but got 5"),
        (policy(lead=[]), "permissions.lead: expected a condition or a list of some"),
        (policy(lead={"view": "sometimes"}), "permissions.lead.view: expected any, none, o:site"),
        (policy(lead={"view": "x:site"}), "but got 'x:site'"),
        (policy(lead={"view": "o:a:b"}), "but got 'o:a:b'"),
        (policy(lead={"view": ["any", 3]}), "permissions.lead.view: expected a condition as text, but got 3"),
    ],
)
def test_what_is_no_policy(content: Any, expected: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(content)
    assert expected in str(caught.value)


def test_a_file_that_is_no_policy(tmp_path: Path) -> None:
    path = tmp_path / "authorization.json"
    with pytest.raises(PolicyError, match="expected a policy file, but No such file"):
        Policy.load(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(PolicyError, match="expected JSON"):
        Policy.load(path)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"authorization\.json: expected a mapping"):
        MockServer("2.9", authorization=path)


# --- at a server ------------------------------------------------------------------------------------------------

STRICT = policy(project_admin="any", lead={"view": "o:site", "shell_commands": "none", "app_command": "n:submitter"})


@pytest.mark.parametrize("how", ["dict", "path", "workspace", "scenario"])
def test_a_policy_of_ones_own(workspace: Callable[[], Path], tmp_path: Path, how: str) -> None:
    folder, path = workspace(), tmp_path / "authorization.json"
    path.write_text(json.dumps(STRICT), encoding="utf-8")
    options: dict[str, Any] = {"dict": {"authorization": STRICT}, "path": {"authorization": path}}.get(how, {})
    if how == "workspace":
        (folder / "local").mkdir()
        path.rename(folder / "local" / "authorization.json")
    if how == "scenario":
        options = {"scenario": {"server": {"authorization": STRICT}}}
    with MockServer("2.9", workspace=folder, **options) as server:
        lead, other = Desk(server, "lead@nvidia.com", role="lead"), Desk(server, "lead@other.com", "other", "lead")
        assert lead.ask("list_jobs")["meta"]["status"] == "ok"
        assert other.ask("list_jobs")["meta"]["status"] == "not_authorized"
        assert lead.ask("ls server")["meta"]["status"] == "not_authorized"
        assert lead.ask("ls site-1")["meta"] == {}, "sites decide for themselves"
        admin = Desk(server)
        assert json.loads(admin.ask("cat server local/authorization.json")["data"][0]["data"]) == STRICT
        assert "authorization.json.default" in admin.ask("ls server local")["data"][0]["data"]
        assert "No such file" in admin.ask("cat site-1 local/authorization.json")["data"][0]["data"]


def test_a_site_with_a_policy_of_its_own(workspace: Callable[[], Path], make_job: JobMaker) -> None:
    nobody = policy(project_admin={"view": "none", "operate": "o:site"}, lead="any")
    sites = [{"name": "site-1", "authorization": nobody}, {"name": "site-2"}, {"name": "site-3"}]
    scenario = {"sites": sites, "jobs": [{"queued": 0, "running": "1h"}]}
    with MockServer("2.9", scenario=scenario, workspace=workspace()) as server:
        admin = Desk(server)
        refusal = "user 'admin@nvidia.com' is not authorized for '{}'"
        assert admin.ask("ls site-1")["data"][0]["data"] == refusal.format("ls")
        assert admin.ask("ls site-2")["data"][0]["data"].startswith("audit.log")
        assert "reserved_resources" in json.dumps(admin.ask("report_resources client site-1")["data"])
        told = admin.ask("report_version client site-1")["data"][0]["data"]
        assert told == {"site-1": {"error": refusal.format("report_version")}}, "it is in no category"
        job_id = admin.job(make_job())
        told = admin.ask(f"show_stats {job_id} client")["data"][0]["data"]
        assert told == {"site-1": "invalid_reply"}, "the official server looks no further"
        told = admin.ask(f"show_stats {job_id} client site-2 site-1")["data"][0]["data"]
        assert list(told) == ["site-2", "site-1"]
        assert told["site-1"] == "invalid_reply"


def test_submitter_and_site_count_at_the_server(workspace: Callable[[], Path], make_job: JobMaker) -> None:
    scenario = {"jobs": [{"queued": 0, "running": "1h"}]}
    with MockServer("2.9", scenario=scenario, workspace=workspace(), authorization=STRICT) as server:
        job_id = Desk(server).job(make_job())
        lead = Desk(server, "lead@nvidia.com", role="lead")
        assert lead.ask(f"app_command {job_id} t")["meta"]["status"] == "not_authorized"
        assert Desk(server).ask(f"app_command {job_id} t")["meta"]["status"] == "error"


def test_a_policy_in_a_scenario_that_is_none(workspace: Callable[[], Path]) -> None:
    with pytest.raises(ScenarioError, match=r"sites\[0\]\.authorization: expected"):
        MockServer("2.9", scenario={"sites": [{"name": "site-1", "authorization": {"format_version": "9"}}]})
    with pytest.raises(PolicyError, match="expected a mapping"):
        MockServer("2.9", workspace=workspace(), authorization={})
