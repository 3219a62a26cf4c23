"""What a check leaves on a server is removed, and not while the server is busy with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.adapters.base import ClientError
from conformance.needs import Need
from conformance.trial import Trial


class StubSession:
    """Notes every call; a job is in each of the statuses in turn, the last one for ever."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.calls: list[str] = []

    def call(self, method: str, _job_id: str) -> Any:
        self.calls.append(method)
        if method != "get_job_meta":
            return None
        if not self.statuses:
            raise ClientError(("JobNotFound", "Exception"), "gone")
        return {"status": self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]}

    def close(self) -> None:
        pass


class StubTarget:
    user = "admin"
    release = "2.6"
    poll_interval = 0.0
    patience = 20.0

    def __init__(self, *provides: Need) -> None:
        self.provides = frozenset(provides)

    def begin(self, seed: int) -> None:
        pass

    def kit(self) -> Path:
        return Path("/kit")


class StubAdapter:
    name = "stub"

    def __init__(self, session: StubSession) -> None:
        self.session = session

    def open(self, *_: Any, **__: Any) -> StubSession:
        return self.session


def cleaned_up(target: StubTarget, *statuses: str) -> list[str]:
    session = StubSession(*statuses)
    trial = Trial(StubAdapter(session), target, 1)  # type: ignore[arg-type] # as much of each as is used
    trial.adopt("job")
    trial.clean_up()
    trial.clean_up()
    trial.close()
    return session.calls


@pytest.mark.parametrize(
    ("statuses", "looks"), [(["DISPATCHED", "DISPATCHED", "RUNNING"], 3), (["SUBMITTED"], 1), ([], 1)]
)
def test_a_real_server_dispatches_a_job_before_it_is_removed(statuses: list[str], looks: int) -> None:
    expected = ["get_job_meta"] * looks + ["abort_job", "delete_job"]
    assert cleaned_up(StubTarget(Need.RUNNING), *statuses) == expected


def test_the_mock_is_never_in_between() -> None:
    assert cleaned_up(StubTarget(Need.RUNNING, Need.CONTROL), "DISPATCHED") == ["abort_job", "delete_job"]
