"""A pedantic server: its users see what they see otherwise, and the transcript says what was varied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import catalogue, runner
from conformance.adapters.inprocess import InProcessAdapter
from conformance.results import Verdict
from conformance.targets import MockTarget
from mock_server import MockServer
from mock_server.faults import Delay
from mock_server.scenarios import Scenario, ScenarioError
from mock_server.transcript.entry import Kind
from mock_server.variation import Pedantry
from tests.pedantic import SCENARIO, walk
from tests.support import write_job

RELEASES = ("2.3", "2.6", "2.9")


@pytest.fixture(scope="module")
def client() -> Iterator[InProcessAdapter]:
    adapter = InProcessAdapter("flare_client")
    yield adapter
    adapter.close()


def struck(server: MockServer) -> list[tuple[str, tuple[str, ...]]]:
    """What was varied: commands, and the names of the variations."""
    entries = [entry for entry in server.transcript.entries() if entry.kind is Kind.VARIATION]
    return [(entry.detail["command"], tuple(entry.detail["variations"])) for entry in entries]


@pytest.mark.parametrize("release", RELEASES)
def test_users_see_what_they_see_otherwise(
    client: InProcessAdapter, workspace: Callable[[], Path], tmp_path: Path, release: str
) -> None:
    with MockServer(release, scenario=SCENARIO, workspace=workspace()) as server:
        usual = walk(client, server, tmp_path / "usual")
        assert struck(server) == []
        server.reset(scenario={**SCENARIO, "pedantic": {"seed": 3, "share": 1.0, "without": ["delays"]}})
        assert walk(client, server, tmp_path / "pedantic") == usual
        assert {"member-order", "escapes", "pieces", "further-items"} <= {
            name for _, names in struck(server) for name in names
        }


def test_the_same_seed_varies_the_same_again(client: InProcessAdapter, workspace: Callable[[], Path]) -> None:
    found = []
    with MockServer("2.6", pedantic=Pedantry(11, without=("delays",)), workspace=workspace()) as server:
        for _ in range(2):
            session = client.open("admin@nvidia.com", server.kit())
            for _ in range(4):
                session.call("list_jobs")
                session.call("get_system_info")
            found.append(struck(server))
            session.close()
            server.reset()
        server.reset(scenario={"pedantic": 12})  # what the constructor was given counts first
        assert server.pedantry == Pedantry(11, without=("delays",))
    assert found[0] == found[1]
    assert len(found[0]) > 8


def test_a_command_that_a_fault_strikes_is_not_varied(client: InProcessAdapter, workspace: Callable[[], Path]) -> None:
    with MockServer("2.9", pedantic=Pedantry(1, share=1.0), workspace=workspace()) as server:
        session = client.open("admin@nvidia.com", server.kit())
        with server.faults.inject(Delay(0.0), command="list_jobs"):
            session.call("list_jobs")
        session.call("get_system_info")
        session.close()
        commands = {command for command, _ in struck(server)}
    assert "check_status" in commands
    assert "list_jobs" not in commands


def test_what_the_server_knows_is_told_alike_also_where_a_fault_strikes(
    client: InProcessAdapter, workspace: Callable[[], Path], tmp_path: Path
) -> None:
    with MockServer("2.9", scenario=SCENARIO, pedantic=Pedantry(1, share=1.0), workspace=workspace()) as server:
        session = client.open("admin@nvidia.com", server.kit())
        job_id = session.call("submit_job", str(write_job(tmp_path, "long")))
        server.wait_until(job_id, "RUNNING")
        usual = session.call("get_job_meta", job_id)
        with server.faults.inject(Delay(0.0), command="get_job_meta"):
            assert session.call("get_job_meta", job_id) == usual
        session.close()
    assert any(name.startswith("x_") for name in usual)


def test_no_token_is_told_whatever_its_form(client: InProcessAdapter, workspace: Callable[[], Path]) -> None:
    with MockServer("2.6", pedantic=Pedantry(5, share=1.0), workspace=workspace()) as server:
        session = client.open("admin@nvidia.com", server.kit())
        session.call("list_jobs")
        tokens = server.call(lambda context: [one.token for one in context.sessions])
        session.close()
        told = "\n".join(str(entry.to_json()) for entry in server.transcript.entries())
    assert tokens
    assert not [token for token in tokens if token in told]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (True, Pedantry(0)),
        (7, Pedantry(7)),
        ({"seed": 7, "only": ["escapes"], "share": 0.25}, Pedantry(7, ("escapes",), share=0.25)),
        ({"without": ["delays"]}, Pedantry(0, without=("delays",))),
        (False, None),
    ],
)
def test_a_scenario_says_how_pedantic_its_server_is(content: Any, expected: Pedantry | None) -> None:
    found = MockServer("2.9", scenario={"pedantic": content}).pedantry
    if found is not None and not (isinstance(content, int) and content is not True) and content is not False:
        drawn = not isinstance(content, dict) or "seed" not in content
        found = Pedantry(0, found.only, found.without, found.share) if drawn else found
    assert found == expected


def test_what_the_maker_of_a_server_says_counts_first() -> None:
    assert MockServer("2.9", scenario={"pedantic": 7}, pedantic=False).pedantry is None
    assert MockServer("2.9", scenario={"pedantic": 7}, pedantic=8).pedantry == Pedantry(8)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pedantic: very", r"<scenario>:1: pedantic: expected true, a seed, or a mapping with .*, but got 'very'"),
        ("pedantic: -1", r":1: pedantic.seed: expected .*greater than or equal to 0, but got -1"),
        ("pedantic:\n  onyl: [escapes]", r":2: pedantic.onyl: expected no such field.*did you mean 'only'"),
        (
            "pedantic:\n  only: [member_order]",
            r":2: pedantic.only: expected one of member-order, .*did you mean 'member-",
        ),
    ],
)
def test_what_is_no_pedantry_is_a_fault_of_the_file(text: str, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        Scenario.parse(text)


SAMPLE = ("LIST-*", "META-*", "CLONE-*", "DELETE-*", "MON-FINISH-*", "DOWN-PATH-*", "SYS-*", "ID-*")


@pytest.mark.parametrize("release", ["2.6", "2.9"])
def test_the_reference_client_keeps_contracts_under_it(client: InProcessAdapter, release: str) -> None:
    contracts = catalogue.select(release, SAMPLE)
    target = MockTarget(release, pedantic=True)
    try:
        results = runner.run(contracts, client, target, seed=4)
        varied = struck(target._shared)
    finally:
        target.close()
    assert {one.contract: one.message for one in results if one.verdict is not Verdict.PASSED} == {}
    assert [one for result in results for one in result.irregular] == []
    assert len(contracts) > 15
    assert len({name for _, names in varied for name in names}) > 10
