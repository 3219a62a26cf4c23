"""Both labs that go case by case: their pages are what was measured, and everything was measured."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from conformance.lab import broken_kits, fault_matrix
from conformance.lab.cases.measuring import CaseLab

LABS = [pytest.param(one.LAB, id=one.LAB.module.rpartition(".")[2]) for one in (broken_kits, fault_matrix)]


@pytest.mark.parametrize("lab", LABS)
def test_the_page_is_what_was_measured(lab: CaseLab[Any, Any]) -> None:
    assert lab.page.read_text(encoding="utf-8") == lab.write(lab.load())


@pytest.mark.parametrize("lab", LABS)
def test_every_case_was_measured_with_every_client_that_can_have_it(lab: CaseLab[Any, Any]) -> None:
    expected = {client.name: [case.name for case in lab.cases_of(client)] for client in lab.clients}
    assert {client: list(one.cases) for client, one in lab.load().items()} == expected


@pytest.mark.parametrize("lab", LABS)
def test_the_names_of_cases_are_unique(lab: CaseLab[Any, Any]) -> None:
    names = [case.name for case in lab.cases]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("module", "said"), [(broken_kits, "'2.9.0', 'flare_client'"), (fault_matrix, "'2.8.3', '2.9.0'.")]
)
def test_a_client_that_the_lab_does_not_know(module: Any, said: str) -> None:
    done = CliRunner().invoke(module.main, ["2.2.1"])
    assert done.exit_code == 2
    assert "'2.2.1' is not one of '2.3.12'" in done.output
    assert said in done.output
