"""Contracts of days: who waits on the server's clock, and what a client without that is told."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

import flare_client
from conformance import runner
from conformance.adapters.inprocess import InProcessAdapter
from conformance.catalogue import select
from conformance.results import Result, Verdict
from conformance.targets import MockTarget


def clockless(username: str, kit: str, secure: bool = True, timeout: float = 10.0) -> Any:
    return flare_client.new_secure_session(username, kit, timeout=timeout)


class Deaf:
    """A session that takes a clock, and waits on that of the machine."""

    clock: Any = None

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def monitor_job(self, job_id: str, timeout: float, poll_interval: float, cb: Any) -> Any:
        return self._session.monitor_job(job_id, timeout / 1e6, poll_interval / 1e6, cb)


def deaf(username: str, kit: str, secure: bool = True, timeout: float = 10.0) -> Any:
    return Deaf(flare_client.new_secure_session(username, kit, timeout=timeout))


deaf.takes_clock = True  # type: ignore[attr-defined] # of functions


def results(client: str, release: str = "2.9") -> list[Result]:
    with contextlib.closing(MockTarget(release)) as target, contextlib.closing(InProcessAdapter(client)) as adapter:
        return runner.run(select(release, ("MON-DAY-*",)), adapter, target, seed=1)


@pytest.mark.parametrize("release", ["2.3", "2.6", "2.7", "2.9"])
def test_the_reference_client_waits_for_days_in_no_time(release: str) -> None:
    # A client that waited on the machine's clock would run into the time limit of tests.
    found = results("flare_client", release)
    assert [one.verdict for one in found] == [Verdict.PASSED] * 3, [one.message for one in found]


def test_a_client_without_a_clock_is_told_why_it_is_not_checked() -> None:
    found = results(f"{__name__}:clockless")
    assert {one.verdict for one in found} == {Verdict.SKIPPED}
    assert all("a client that waits on the server's clock" in one.message for one in found)


def test_a_client_that_does_not_wait_on_the_clock_it_was_given_fails() -> None:
    assert {one.verdict for one in results(f"{__name__}:deaf")} == {Verdict.FAILED}
