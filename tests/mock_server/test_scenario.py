"""Scenarios: what a file may say, and that each fault is found at its line and field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.jobs import JobStatus
from mock_server.scenarios import Scenario, ScenarioError
from mock_server.scenarios.jobs import OUTCOMES

FULL = """\
jobs:
  - match: {name: "slow-*"}
    queued: 2s
    running: 1.5h
    outcome: ABNORMAL
    result:
      files: {models/best.txt: hello}
      size: 10MiB
  - match: {name: "*"}
    queued: 0
    running: 250ms
limits: {max_download_size: 1GB, download_url: "http://elsewhere/", max_jobs: 2}
users:
  - {name: a@b.c, org: nvidia, role: lead}
sites:
  - {name: site-1, org: nvidia}
  - {name: site-2}
idle_timeout: 1d
"""


def test_a_file_says_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(FULL, encoding="utf-8")
    for scenario in (Scenario.load(path), Scenario.load(str(path))):
        slow = scenario.rule_for("slow-1")
        assert (slow.queued, slow.running, slow.status) == (2.0, 5400.0, JobStatus.FINISHED_ABNORMAL)
        assert slow.result.files == {"models/best.txt": "hello"}
        assert slow.result.size == 10 * 1024 * 1024
        assert (scenario.limits.max_download_size, scenario.limits.max_jobs) == (10**9, 2)
        assert scenario.limits.download_url == "http://elsewhere/"
        assert [(user.name, user.org, user.role) for user in scenario.users] == [("a@b.c", "nvidia", "lead")]
        assert [(site.name, site.org) for site in scenario.sites or ()] == [("site-1", "nvidia"), ("site-2", "nvidia")]
        assert scenario.idle_timeout == 86400.0


@pytest.mark.parametrize("text", ["", "{}", "# nothing\n"])
def test_nothing_said_is_the_official_server_only_fast(text: str) -> None:
    scenario = Scenario.parse(text)
    rule = scenario.rule_for("any")
    assert (rule.queued, rule.running, rule.status) == (0.1, 0.5, JobStatus.FINISHED_COMPLETED)
    assert (scenario.limits.max_jobs, scenario.idle_timeout) == (4, None)
    assert scenario.limits.max_download_size == 63_124_275_200
    assert scenario.limits.download_url == "http://download.server.com/"
    assert scenario == Scenario()


def test_the_first_rule_that_matches_counts() -> None:
    rules = [{"match": {"name": "a*"}, "running": 1}, {"match": {"name": "*b"}, "running": 2}, {"running": 3}]
    scenario = Scenario.from_dict({"jobs": rules})
    assert [scenario.rule_for(name).running for name in ("ab", "xb", "x", "A")] == [1, 2, 3, 3]


@given(st.sampled_from([("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]), st.integers(0, 9999))
def test_a_duration_is_its_number_times_its_unit(unit: tuple[str, float], number: int) -> None:
    scenario = Scenario.from_dict({"idle_timeout": f"{number}{unit[0]}"})
    assert scenario.idle_timeout == pytest.approx(number * unit[1])


@pytest.mark.parametrize("outcome", sorted(OUTCOMES))
def test_every_end_of_a_job_that_ran_can_be_asked_for(outcome: str) -> None:
    rule = Scenario.from_dict({"jobs": [{"outcome": outcome}]}).jobs[0]
    assert rule.status is JobStatus(f"FINISHED:{outcome}")


FAULTS = {
    "jobs:\n- queued: 3 parsecs": ("2: jobs[0].queued", "'3 parsecs'"),
    "jobs:\n- running: -1": ("2: jobs[0].running", "-1"),
    "jobs:\n- running: .inf": ("2: jobs[0].running", "inf"),
    "jobs:\n- running: true": ("2: jobs[0].running", "True"),
    f"jobs:\n- running: {'9' * 400}": ("2: jobs[0].running", "up to 1e+15"),
    f"jobs:\n- result: {{size: {'9' * 400}kB}}": ("2: jobs[0].result.size", "up to 1e+15"),
    "jobs:\n- queued: 1s\n  outcome: DONE": ("3: jobs[0].outcome", "'DONE'"),
    "jobs:\n- outcome: CAN_NOT_SCHEDULE": ("2: jobs[0].outcome", "min_clients"),
    "jobs:\n- outcome: FAILED_TO_RUN": ("2: jobs[0].outcome", "cannot be deployed"),
    "jobs:\n- result:\n    size: 10XB": ("3: jobs[0].result.size", "'10XB'"),
    "jobs:\n- result:\n    files:\n      a: b\n      ../x: y": ("5: jobs[0].result.files.../x", "'../x'"),
    "jobs:\n- result:\n    files: {/etc/passwd: y}": ("3: jobs[0].result.files./etc/passwd", "below the workspace"),
    "jobs:\n- result:\n    files: {'a\\b': y}": ("3: jobs[0].result.files.a\\b", "below the workspace"),
    "jobs:\n- result:\n    files: {'.': y}": ("3: jobs[0].result.files..", "below the workspace"),
    "jobs:\n- result:\n    files: {result.bin: y}": ("3: jobs[0].result.files.result.bin", "`size`"),
    "jobs:\n- result:\n    files: {a: x, ./a: y}": ("3: jobs[0].result.files../a", "the same"),
    "jobs:\n- result:\n    files: {a: x, a/b: y}": ("3: jobs[0].result.files.a/b", "'a' is a file"),
    "jobs:\n- result:\n    sizes: {../x: 1}": ("3: jobs[0].result.sizes.../x", "below the workspace"),
    "jobs:\n- result:\n    files: {a: x}\n    sizes: {a/b: 1}": ("4: jobs[0].result.sizes.a/b", "'a' is a file"),
    "jobs:\n- result:\n    binaries: {a: '%'}": (
        "3: jobs[0].result.binaries.a",
        "expected bytes in base64, but got '%'",
    ),
    "jobs:\n- result:\n    binaries: {a: 5}": ("3: jobs[0].result.binaries.a", "expected bytes in base64, but got 5"),
    "jobs:\n- result:\n    files: {a: x}\n    binaries: {./a: ''}": ("4: jobs[0].result.binaries../a", "the same"),
    "clock: {start: 1.0e+300}": ("1: clock.start", "253370764800"),
    "jobs:\n- result:\n    files: {a: 5}": ("3: jobs[0].result.files.a", "valid string, but got 5"),
    "jobs:\n- match: {nam: x}": ("2: jobs[0].match.nam", "no such field"),
    "\n\njbos: []": ("3: jbos", "no such field"),
    "jobs: 5": ("1: jobs", "but got 5"),
    "limits:\n  max_jobs: 0": ("2: limits.max_jobs", "greater than or equal to 1"),
    "users:\n- name: a\n- name: b\n- name: a": ("4: users[2].name", "'a' stands twice"),
    "users:\n- {name: a, role: king}": ("2: users[0].role", "'king'"),
    "users:\n- {role: lead}": ("2: users[0].name", "not there"),
    "users:\n- {name: ../up}": ("2: users[0].name", "'../up'"),
    "sites:\n- name: a\n- name: a": ("3: sites[1].name", "'a' stands twice"),
    "sites:\n- name: server": ("2: sites[0].name", "is the server"),
    "sites:\n- name: a b": ("2: sites[0].name", "'a b'"),
    "studies:\n- {name: Big}": ("2: studies[0].name", "'Big'"),
    "studies:\n- {name: default}": ("2: studies[0].name", "'default'"),
    "studies:\n- {sites: {}}": ("2: studies[0].name", "not there"),
    "studies:\n- name: a\n- name: a": ("3: studies[1].name", "'a' stands twice"),
    "idle_timeout: never": ("1: idle_timeout", "'never'"),
    "idle_timeout: 1s\nidle_timeout: 2s": ("2: idle_timeout", "stands twice"),
    "jobs:\n- queued: 1\n  queued: 2": ("3: jobs[0].queued", "stands twice"),
    "jobs:\n- stages:\n  - {from: RUNNING, to: SUBMITTED}": ("3: jobs[0].stages[0].to", "follows RUNNING (FINISHED:"),
    "jobs:\n- stages:\n  - {from: RUNNING, too: x}": ("3: jobs[0].stages[0].too", "(did you mean 'to'?)"),
    "jobs:\n- stages:\n  - {from: APPROVED}": ("3: jobs[0].stages[0].from", "but got 'APPROVED'"),
    "jobs:\n- stages:\n  - {delay: 1s}": ("3: jobs[0].stages[0].from", "not there"),
    "jobs:\n- stages:\n  - from: RUNNING\n    delay: {mean: 1s, jiter: 1s}": (
        "4: jobs[0].stages[0].delay.jiter",
        "(did you mean 'jitter'?)",
    ),
    "jobs:\n- stages:\n  - from: RUNNING\n    delay: later": ("4: jobs[0].stages[0].delay", "'later'"),
    "jobs:\n- stages:\n  - from: RUNNING\n    delay: {mean: 1s, distribution: unifrom}": (
        "4: jobs[0].stages[0].delay.distribution",
        "(did you mean 'uniform'?)",
    ),
    "jobs:\n- stages:\n  - from: RUNNING\n    delay: {mean: 1s, jitter: 1s, distribution: exponential}": (
        "4: jobs[0].stages[0].delay",
        "expected no jitter",
    ),
    "jobs:\n- stages:\n  - from: RUNNING\n    meta: {a: 1, status: RUNNING}": (
        "4: jobs[0].stages[0].meta.status",
        "engine's own",
    ),
    "jobs:\n- stages:\n  - {from: RUNNING, repeat: 0}": ("3: jobs[0].stages[0].repeat", "but got 0"),
    "jobs:\n- stages:\n  - {from: RUNNING, probability: 2}": ("3: jobs[0].stages[0].probability", "but got 2"),
    "jobs:\n- stages: []\n  running: 2s": ("3: jobs[0].running", "it or `stages`"),
    "jobs:\n- match: {occurrence: 0}": ("2: jobs[0].match.occurrence", "but got 0"),
    "jobs:\n- outcome: COMPLETE": ("2: jobs[0].outcome", "(did you mean 'COMPLETED'?)"),
    "jobs:\n- result:\n    trees:\n    - {path: ../up}": ("4: jobs[0].result.trees[0].path", "'../up'"),
    "jobs:\n- result:\n    files: {a: x}\n    trees:\n    - {path: a}": ("5: jobs[0].result.trees[0].path", "the same"),
    "jobs:\n- result:\n    trees:\n    - {depth: 32, folders: 9}": (
        "4: jobs[0].result.trees[0]",
        "at most 1,000,000 files",
    ),
    "clock: {speed: fast}": ("1: clock.speed", "`virtual` or a number above 0"),
    "clock: {speed: 0}": ("1: clock.speed", "but got 0"),
    "clock: {start: noon}": ("1: clock.start", "2026-01-31T08:00:00Z"),
    "events:\n- {at: 1s, happens: restrat}": ("2: events[0].happens", "(did you mean 'restart'?)"),
    "events:\n- {at: 1s, happens: connect}": ("2: events[0].site", "the site that is to connect"),
    "events:\n- {at: 1s, happens: restart, site: a}": ("2: events[0].site", "expected no site"),
    "events:\n- {at: 1s, happens: restart, times: 2}": ("2: events[0].times", "`every`"),
    "sites:\n- name: a\nevents:\n- {at: 1s, happens: connect, site: b}": ("4: events[0].site", "one of a, but got 'b'"),
    "sites:\n- {name: a, joins: 5s, leaves: 5s}": ("2: sites[0].leaves", "after it joins"),
    "workload:\n- {name: ../a}": ("2: workload[0].name", "'../a'"),
    "workload:\n- {name: a, role: lad}": ("2: workload[0].role", "(did you mean 'lead'?)"),
    "scheduler: {max_schedule_count: 0}": ("1: scheduler.max_schedule_count", "but got 0"),
    "faults:\n- action: {kind: delai}": ("2: faults[0].action", "(did you mean 'delay'?)"),
    "[1]": ("1: scenario", "expected a mapping of jobs, limits"),
    "just words": ("1: scenario", "expected a mapping of jobs, limits"),
    "&a [*a]": ("1: scenario", "expected a mapping"),
    "jobs: &a [*a]": ("1: jobs[0]", "expected a valid dictionary"),
    "a: [": ("1", "expected YAML"),
    "? [1]\n: 2": ("1", "expected YAML"),
    "jobs:\n\t- x": ("2", "expected YAML"),
}


@pytest.mark.parametrize("text", FAULTS, ids=range(len(FAULTS)))
def test_a_fault_is_named_with_source_line_field_and_value(text: str) -> None:
    place, words = FAULTS[text]
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(text, "here.yaml")
    assert str(caught.value).startswith(f"here.yaml:{place}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value), "one fault is one line"


def test_all_faults_come_at_once() -> None:
    text = "jobs:\n- queued: soon\n  queued: later\nlimits: {max_jobs: x}\nidle_timeout: never\nmore: 1\n"
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(text, "s")
    assert [line.split(": ")[0:2] for line in str(caught.value).splitlines()] == [
        ["s:3", "jobs[0].queued"],
        ["s:2", "jobs[0].queued"],
        ["s:4", "limits.max_jobs"],
        ["s:5", "idle_timeout"],
        ["s:6", "more"],
    ]


def test_a_dict_has_no_lines() -> None:
    with pytest.raises(ScenarioError, match=r"^<scenario>: limits\.max_jobs: expected"):
        Scenario.from_dict({"limits": {"max_jobs": 0}})


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(ScenarioError, match="expected YAML"):
        Scenario.parse("[" * 5000)


def test_a_file_that_is_not_there_or_no_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"missing\.yaml: expected a scenario file"):
        Scenario.load(tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    with pytest.raises(ScenarioError, match=r"latin\.yaml: expected UTF-8"):
        Scenario.load(tmp_path / "latin.yaml")


_KEYS = st.sampled_from(
    ["jobs", "limits", "users", "sites", "idle_timeout", "match", "name", "queued", "result", "files", "size", "x"]
)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_KEYS, _JSON, max_size=4))
def test_whatever_it_is_it_is_a_scenario_or_a_scenario_error(content: dict[str, Any]) -> None:
    try:
        scenario = Scenario.from_dict(content)
    except ScenarioError:
        return  # any other exception fails the test
    assert scenario.rule_for("any").status.is_finished
