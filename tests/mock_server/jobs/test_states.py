"""The table of transitions."""

from __future__ import annotations

import itertools

import pytest

from flare_client.protocol.jobs import JobStatus
from mock_server.jobs.states import TRANSITIONS, IllegalTransition, check_transition

_S = JobStatus

LEGAL = {
    (_S.SUBMITTED, _S.DISPATCHED),
    (_S.SUBMITTED, _S.FINISHED_ABORTED),
    (_S.SUBMITTED, _S.FINISHED_CANT_SCHEDULE),
    (_S.SUBMITTED, _S.FINISHED_FAILED_TO_RUN),
    (_S.DISPATCHED, _S.RUNNING),
    (_S.DISPATCHED, _S.FINISHED_ABORTED),
    (_S.DISPATCHED, _S.FINISHED_FAILED_TO_RUN),
    (_S.DISPATCHED, _S.FINISHED_ABANDONED),
    (_S.RUNNING, _S.FINISHED_COMPLETED),
    (_S.RUNNING, _S.FINISHED_ABORTED),
    (_S.RUNNING, _S.FINISHED_EXECUTION_EXCEPTION),
    (_S.RUNNING, _S.FINISHED_ABNORMAL),
    (_S.RUNNING, _S.FINISHED_ABANDONED),
}


@pytest.mark.parametrize(("current", "wanted"), sorted(LEGAL))
def test_a_legal_step_is_let_through(current: JobStatus, wanted: JobStatus) -> None:
    check_transition(current, wanted)


@pytest.mark.parametrize(("current", "wanted"), sorted(set(itertools.product(JobStatus, repeat=2)) - LEGAL))
def test_any_other_step_is_refused_with_both_ends(current: JobStatus, wanted: JobStatus) -> None:
    with pytest.raises(IllegalTransition, match=current.value) as caught:
        check_transition(current, wanted)
    assert (caught.value.current, caught.value.wanted) == (current, wanted)
    assert wanted.value in str(caught.value)


def test_the_table_knows_every_status_and_nothing_follows_an_end() -> None:
    assert set(TRANSITIONS) == set(JobStatus)
    assert all(not TRANSITIONS[status] for status in JobStatus if status.is_finished)
