"""What a scenario says of machines, and where it is told to be wrong."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.scenarios import Scenario, ScenarioError

FULL = """\
server:
  files: {notes.txt: hello}
  statistics: {Controller: {round: 3}}
  version: 2.9.1
sites:
  - name: site-1
    org: other
    files:
      data/train.csv: "1,2"
    statistics:
      Trainer: {loss: 0.5, tasks: [train]}
    errors:
      Trainer: {warning: "no GPU"}
    environment: {root_url: "grpc://elsewhere:1"}
    resources: {gpus: 2}
  - {name: site-2}
"""


def test_a_machine_is_what_its_plan_says() -> None:
    scenario = Scenario.parse(FULL)
    site = scenario.machine("site-1")
    assert (site.files, site.resources) == ({"data/train.csv": "1,2"}, {"gpus": 2})
    assert site.statistics == {"Trainer": {"loss": 0.5, "tasks": ["train"]}}
    assert scenario.machine("server").version == "2.9.1"
    usual = scenario.machine("site-2")
    assert (usual.statistics, usual.errors, usual.files) == (None, {}, {})
    assert usual.resources == {"resources": [], "reserved_resources": {}}
    assert scenario.machine("somebody").files == {}


FAULTS = {
    "sites:\n- name: site-1\n  files:\n    ok.txt: x\n    ../x: y\n": (
        "s.yaml:5: sites[0].files.../x: expected a path below the workspace, but got '../x'"
    ),
    "server:\n  files:\n    /etc/x: y\n": "s.yaml:3: server.files./etc/x: expected a path below the workspace",
    "server:\n  files: {a: x, a/b: y}\n": (
        "s.yaml:2: server.files: expected a path below a folder, but 'a' of 'a/b' is a file"
    ),
    "server:\n  files: {a.txt: 5}\n": "s.yaml:2: server.files.a.txt: expected a valid string, but got 5",
    "server:\n  statistics: {a: 5}\n": "s.yaml:2: server.statistics.a: expected a valid dictionary, but got 5",
    "server:\n  statistics: {a: {b: 2026-01-01}}\n": "server.statistics.a.b: expected what JSON can hold",
    "server:\n  errors: {a: {b: [x]}}\n": "s.yaml:2: server.errors.a.b: expected a valid string",
    "server:\n  name: x\n": "s.yaml:2: server.name: expected no such field",
    "sites:\n- {name: server}\n": "s.yaml:2: sites[0].name: expected the name of a site, but 'server' is the server",
    "server:\n  authorization:\n    format_version: '1.0'\n": (
        "s.yaml:2: server.authorization: expected that permissions"
    ),
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_is_found_at_its_line_and_field(text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(text, "s.yaml")
    assert FAULTS[text] in str(caught.value)


def test_environment_version_and_resources_reach_the_admin(desk_of: Any) -> None:
    site = {"name": "site-1", "version": "2.7.0", "resources": {"gpus": 2}, "environment": {"gpu": "A"}}
    desk = desk_of("2.9", {"sites": [site]})
    assert desk.ask("report_version all")["data"][0]["data"] == {
        "server": {"version": "2.9.0"},
        "site-1": {"version": "2.7.0"},
    }
    assert desk.ask("report_resources client")["data"][0]["rows"][1] == ["site-1", "{'gpus': 2}"]
    told = desk.ask("report_env site-1")["meta"]["clients"][0]
    assert (told["gpu"], told["site_name"]) == ("A", "site-1")
    assert told["workspace"] == desk.ask("pwd site-1")["data"][0]["data"].strip()
