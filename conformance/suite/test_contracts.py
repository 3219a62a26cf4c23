"""Where pytest finds the contracts: one test each, made from the selection of the run."""

from __future__ import annotations

from conformance.contract import Contract
from conformance.trial import Trial


def test_contract(contract: Contract, trial: Trial) -> None:
    """Check one contract."""
    contract.check(trial)
