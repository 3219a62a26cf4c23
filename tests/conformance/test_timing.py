"""Times that do not lie: what counts as late, what as the machine's fault, and that failures are confirmed."""

from __future__ import annotations

import pytest

from conformance.timing import REPEATS, Measured, confirmed, measured, not_after, not_before
from conformance.verdicts import Inconclusive, Violation


def test_early_is_a_violation_whatever_the_load() -> None:
    not_before(Measured(1.0, 0.0), 1.0, "it")
    with pytest.raises(Violation, match="not before 1.000 s"):
        not_before(Measured(0.9, 5.0), 1.0, "it")


def test_late_is_a_violation_unless_the_machine_explains_it() -> None:
    not_after(Measured(1.0, 0.0), 1.0, "it")
    with pytest.raises(Violation, match="at most 1.000 s"):
        not_after(Measured(2.0, 0.5), 1.0, "it")
    with pytest.raises(Inconclusive, match="1.500 s behind"):
        not_after(Measured(2.0, 1.5), 1.0, "it")


@pytest.mark.parametrize("failures", range(REPEATS + 1))
def test_a_failure_counts_only_if_it_shows_every_time(failures: int) -> None:
    left = failures
    calls = 0

    def check() -> None:
        nonlocal left, calls
        calls += 1
        if left:
            left -= 1
            raise Violation("a", "b")

    if failures == REPEATS:
        with pytest.raises(Violation):
            confirmed(check)
    else:
        confirmed(check)
    assert calls == min(failures + 1, REPEATS)


def test_measuring_counts_what_happens_inside() -> None:
    with measured() as spent:
        assert sum(range(100_000))
    assert spent.seconds > 0
    assert spent.lag >= 0
