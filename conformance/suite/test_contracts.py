"""Where pytest finds the contracts: one test each, made from the selection of the run."""

from __future__ import annotations

import signal

from conformance.adapters.base import ClientFailure
from conformance.contract import Contract
from conformance.trial import Trial


def test_contract(contract: Contract, trial: Trial) -> None:
    """Check one contract."""
    try:
        contract.check(trial)
    except SystemExit as problem:
        raise ClientFailure(f"it wanted to end the process: SystemExit({problem.code!r})") from problem
    except KeyboardInterrupt as problem:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            raise  # the user's own
        raise ClientFailure("it raised KeyboardInterrupt") from problem
