"""A recording of a mock server is one that the mock satisfies; and a wrong one is one that it does not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conformance.recordings import checking, recorder
from conformance.recordings.document import SCENARIO_FILE
from flare_client import new_secure_session
from mock_server import MockServer
from mock_server.policy import DEFAULT_AUTHORIZATION
from mock_server.scenarios.jobs import OUTCOMES
from tests.conformance.recordings.servers import differences, record, wish, written
from tests.support import write_job


@pytest.mark.parametrize(
    ("release", "scenario", "passed"),
    [
        ("2.3", "rejects", 20),
        ("2.5", "realistic", 30),
        ("2.6", "server-restart", 15),
        ("2.8", "failing-site", 10),
        ("2.9", "server-restart", 15),
        ("2.9", "busy-cluster", 100),
    ],
)
def test_of_a_ready_scenario_in_the_middle_of_it(release: str, scenario: str, passed: int, tmp_path: Path) -> None:
    with MockServer(release, scenario=scenario, clock="virtual") as server:
        server.clock.advance(passed)
        recorded = record(server)
    assert recorded.recording.complete
    assert differences(recorded, tmp_path) == ()


JOBS = {
    "jobs": [
        {"match": {"name": "quick*"}, "queued": "50ms", "running": "100ms", "result": {"files": {"models/a.txt": "x"}}},
        {"match": {"name": "long*"}, "queued": "50ms", "running": "1h"},
        {"queued": "50ms"},
    ]
}


@pytest.mark.parametrize("release", ["2.3", "2.6", "2.9"])
def test_with_jobs_of_its_own(release: str, tmp_path: Path) -> None:
    with MockServer(release, scenario=JOBS) as server:
        recorded = record(server, own_jobs=True)
        assert server.job_metas() == []  # nothing is left
    calls = [entry.call for entry in recorded.recording.transcript]
    assert {"submit_job", "watch", "download_job_result", "clone_job", "abort_job", "delete_job"} <= set(calls)
    assert differences(recorded, tmp_path) == ()
    quick = recorded.scenario["jobs"][0]
    assert quick["match"] == {"name": "quick-recorded"}
    assert [stage["to"] for stage in quick["stages"]] == ["DISPATCHED", "RUNNING", "FINISHED:COMPLETED"]
    assert quick["stages"][0]["delay"] + quick["stages"][1].get("delay", 0) > 0.02
    assert quick["result"]["sizes"]["models/a.txt"] == 1


LEAD_RIGHTS = DEFAULT_AUTHORIZATION["permissions"]["lead"]
AUDITED = {
    "format_version": "1.0",
    "permissions": {"project_admin": "any", "auditor": {"view": "any", "submit_job": "any"}},
}


@pytest.mark.parametrize("release", ["2.3", "2.6", "2.9"])
def test_of_people_whose_roles_a_policy_of_its_own_defines(release: str, tmp_path: Path) -> None:
    auditor = "auditor@nvidia.com"
    with MockServer(release, scenario={"jobs": [{"queued": "1d"}]}, authorization=AUDITED) as server:
        kit = server.kit(auditor, role="auditor")
        with new_secure_session(auditor, str(kit)) as session:
            session.submit_job(str(write_job(tmp_path / "jobs")))
        of_admin = record(server)
        of_auditor = recorder.record(wish(kit, user=auditor))
    assert differences(of_admin, tmp_path / "admin") == ()
    [job] = of_admin.scenario["workload"]
    assert (job["submitter"], job["role"]) == (auditor, "auditor")
    assert of_auditor.recording.made.user.role == "auditor"
    rights = of_auditor.scenario["server"]["authorization"]["permissions"]["auditor"]
    if release == "2.3":  # whose Session has no method that is refused here
        assert rights == "any"
    else:
        assert (rights["view"], rights["pwd"]) == ("any", "none")
    assert of_admin.scenario["server"]["authorization"]["permissions"]["auditor"] == "any"
    assert differences(of_auditor, tmp_path / "auditor") == ()


def test_an_official_role_in_other_letters_keeps_its_rights(tmp_path: Path) -> None:
    user = "lead@nvidia.com"
    policy = {**DEFAULT_AUTHORIZATION, "permissions": {**DEFAULT_AUTHORIZATION["permissions"], "Lead": LEAD_RIGHTS}}
    with MockServer("2.9", scenario={"jobs": [{"queued": "1d"}]}, authorization=policy) as server:
        recorded = recorder.record(wish(server.kit(user, role="Lead"), user=user))
    assert recorded.scenario["server"]["authorization"]["permissions"]["Lead"] == LEAD_RIGHTS
    assert differences(recorded, tmp_path) == ()


def test_a_scenario_that_is_otherwise_is_told_with_its_place(tmp_path: Path) -> None:
    with MockServer(
        "2.6", scenario={"workload": [{"name": "theirs"}], "jobs": [{"queued": 0, "running": "1h"}]}
    ) as server:
        folder = written(record(server), tmp_path)
    path = folder / SCENARIO_FILE
    content = yaml.safe_load(path.read_text())
    content["sites"] = content["sites"][:1]
    path.write_text(yaml.safe_dump(content))
    found = checking.check(folder).differences
    assert any(one.call == "get_system_info()" and one.place == "returned.client_info" for one in found)
    assert all(one.expected != one.came for one in found)


def test_other_delays_are_told_too(tmp_path: Path) -> None:
    with MockServer("2.9", scenario=JOBS) as server:
        folder = written(record(server, own_jobs=True), tmp_path)
    path = folder / SCENARIO_FILE
    content = yaml.safe_load(path.read_text())
    content["jobs"][0]["stages"][0]["delay"] = "1m"
    path.write_text(yaml.safe_dump(content))
    found = checking.check(folder).differences
    assert any(one.call.startswith("watch(") and one.place.startswith("status at ") for one in found)


# --- any system -----------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["train", "eval-1", "a.b", "x_y", "train-2"])
ROLES = st.sampled_from(["project_admin", "lead", "org_admin"])


def stages() -> st.SearchStrategy[dict[str, Any]]:
    """How a job fares that was there: it is over, runs, waits for a place, or never ran."""
    ended = st.sampled_from(sorted(OUTCOMES)).map(lambda word: {"queued": 0, "running": "1s", "outcome": word})
    others = st.sampled_from(
        [
            {"queued": 0, "running": "1d"},
            {"queued": "1d"},
            {"stages": [{"from": "SUBMITTED", "delay": "1s", "to": "FINISHED:CAN_NOT_SCHEDULE"}]},
            {
                "stages": [
                    {"from": "SUBMITTED", "to": "FINISHED:FAILED_TO_RUN", "meta": {"job_deploy_detail": ["server: no"]}}
                ]
            },
        ]
    )
    return st.one_of(ended, others)


@st.composite
def systems(draw: st.DrawFn) -> dict[str, Any]:
    """Sites of several kinds, and jobs of others, one rule a job."""
    names = draw(st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True), min_size=1, max_size=4, unique=True))
    names = [name for name in names if name not in ("server", "all", "client")] or ["site-1"]
    sites = [
        {
            "name": name,
            "org": draw(st.sampled_from(["nvidia", "other"])),
            **({"leaves": "2s"} if draw(st.booleans()) and name != names[0] else {}),
            **({"environment": {"gpu": "A100"}} if draw(st.booleans()) else {}),
            **({"version": "2.9.7"} if draw(st.booleans()) else {}),
            **({"errors": {"Trainer": {"warning": "no GPU"}}} if draw(st.booleans()) else {}),
        }
        for name in names
    ]
    jobs, workload = [], []
    for number, name in enumerate(draw(st.lists(NAMES, max_size=5))):
        jobs.append({"match": {"name": name, "occurrence": 1}, **draw(stages())})
        meta = draw(st.sampled_from([{}, {"min_clients": 1}, {"min_clients": 9}, {"custom": {"a": [1, None]}}]))
        workload.append(
            {"name": name, "at": f"{number * 10}ms", "submitter": f"u{number}@x.org", "role": draw(ROLES), "meta": meta}
        )
    return {"sites": sites, "jobs": jobs, "workload": workload, "limits": {"max_jobs": draw(st.integers(1, 5))}}


@pytest.fixture(scope="module", params=["2.6", "2.9"])
def source(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    """A server to record, with another scenario each time."""
    with MockServer(request.param, clock="virtual") as server:
        yield server


@given(system=systems())
@settings(max_examples=5, phases=[Phase.generate])
def test_of_any_system(source: MockServer, system: dict[str, Any]) -> None:
    source.reset(scenario=system)
    source.clock.advance("1m")
    recorded = record(source)
    assert recorded.recording.complete
    with tempfile.TemporaryDirectory() as folder:
        assert differences(recorded, Path(folder)) == ()
