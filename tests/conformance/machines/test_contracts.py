"""The contracts of the machines: right clients keep them, each wrong one is caught with a short script."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from conformance.adapters.inprocess import FLARE_CLIENT, InProcessAdapter
from conformance.catalogue import find
from conformance.mutants import mutants
from conformance.targets import ADMIN, SHARED_SCENARIO, KitTarget, MockTarget, Target
from conformance.trial import Trial
from conformance.verdicts import Violation
from mock_server import MockServer

LINES = {
    "lists_deleted_jobs": 6,
    "loses_clones_after_aborts": 5,
    "remembers_how_a_monitor_began": 6,
    "mixes_users": 3,
    "remembers_the_limit": 5,
    "knows_the_job_of_a_token": 4,
    "shares_metas": 6,
    "drops_one_of_two_submissions": 6,
    "mixes_answers_of_threads": 6,
}
"""How many lines the script may have that shows a mutant's fault: what it takes, and a line or two."""


@contextlib.contextmanager
def trial(client: str, target: Target, seed: int = 1) -> Iterator[Trial]:
    with contextlib.closing(InProcessAdapter(client)) as adapter:
        made = Trial(adapter, target, seed)
        with contextlib.closing(made), contextlib.closing(target):
            yield made


def machine_mutants() -> list[str]:
    return [one.name for one in mutants() if all(contract.startswith("MODEL-") for contract in one.caught_by)]


def test_each_contract_has_a_mutant_and_each_mutant_a_limit() -> None:
    assert sorted(LINES) == machine_mutants()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", machine_mutants())
def test_a_mutant_is_caught_with_a_short_script(name: str) -> None:
    (mutant,) = (one for one in mutants() if one.name == name)
    for contract in mutant.caught_by:
        with (
            trial(f"conformance.mutants:{name}", MockTarget(mutant.release)) as made,
            pytest.raises(Violation) as caught,
        ):
            find(contract).check(made)
        script = caught.value.script
        assert 0 < len(script) <= LINES[name], "\n".join(script)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("contract", ["MODEL-SEQ-01", "MODEL-LIST-01", "MODEL-STATE-01", "MODEL-TOKEN-01"])
def test_a_server_that_others_use_will_do(contract: str) -> None:
    with MockServer("2.9", scenario=SHARED_SCENARIO) as server:
        with trial(FLARE_CLIENT, KitTarget(server.kit(), ADMIN, "2.9")) as made:
            others = made.session.call("submit_job", str(made.folder()))
            find(contract).check(made)
        assert [meta["job_id"] for meta in server.job_metas()] == [others]


@pytest.mark.timeout(300)
def test_a_seed_draws_the_same_script_again() -> None:
    scripts = set()
    for _ in range(3):
        with trial("conformance.mutants:loses_clones_after_aborts", MockTarget("2.6")) as made:
            with pytest.raises(Violation) as caught:
                find("MODEL-SEQ-01").check(made)
            scripts.add(caught.value.script)
    assert len(scripts) == 1
