"""What users of a client see where something goes wrong: every case, measured on the mock server.

``python -m conformance.lab.fault_matrix 2.6.3`` runs the official client of a version and writes ``docs/faults.md``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from conformance.adapters.base import ClientSession
from conformance.jobs import JobKind, write_job
from conformance.lab.cases.bench import ADMIN, HUNG, RETURNED, Attempt, Bench, attempt
from conformance.lab.cases.clients import OFFICIALS, LabClient
from conformance.lab.cases.measuring import CaseLab, command
from conformance.lab.fault_cases import (
    CASES,
    COMMAND_SECONDS,
    DELETE,
    DOWNLOAD,
    HANG_SECONDS,
    LIST,
    LOGIN,
    LOGIN_SECONDS,
    MONITOR,
    SUBMIT,
    FaultCase,
)
from conformance.lab.fault_page import MODULE, PAGE, SIGHTINGS, FaultSighting, page, words
from mock_server.faults.injection import Fault


class FaultBench(Bench[FaultCase, FaultSighting]):
    """Has one client meet faults."""

    hang_seconds = HANG_SECONDS
    scenario: ClassVar[dict[str, Any] | None] = {
        "jobs": [
            {"match": {"name": "long*"}, "queued": 0, "running": "1d"},
            {"queued": 0, "running": 0, "result": {"files": {"model.txt": "weights"}, "size": "100KiB"}},
        ]
    }

    def __init__(self, asked: LabClient) -> None:
        super().__init__(asked)
        self._jobs = 0

    def run(self, case: FaultCase) -> FaultSighting:
        """Have the client meet a fault."""
        self.server.reset()  # jobs that run would keep others from being done
        faults = self.server.faults
        self.kit = self.server.kit(ADMIN)
        fault = faults.inject(case.kind, **case.how) if case.strikes_before_login else None
        try:
            login = self.log_in(self.kit, LOGIN_SECONDS)
            if login.outcome != RETURNED:
                # A command that gets no session does not come about: its fault has not struck.
                return _seen(login, fired=fault.fired if fault is not None and case.call == LOGIN else 0)
            with self.closing(login.value) as session:
                if case.call == LOGIN:
                    return self._login(login, session, fault)
                return self._command(case, session, fault)
        finally:
            faults.clear()

    def _login(self, login: Attempt, session: ClientSession, fault: Fault | None) -> FaultSighting:
        fired = fault.fired if fault is not None else 0
        self.server.faults.clear()
        return _seen(login, self.attempt(session, LIST), fired=fired)

    def _command(self, case: FaultCase, session: ClientSession, fault: Fault | None) -> FaultSighting:
        server = self.server
        prepared = attempt(lambda: self._prepared(case, session))
        if prepared.outcome != RETURNED:
            return _seen(prepared)  # its fault has not struck
        downloads = self.kit / "transfer"
        files = set(downloads.glob("*"))
        jobs = len(server.job_metas())
        name = case.how.get("command", case.call)
        sent = server.received(name)
        if fault is None:
            fault = server.faults.inject(case.kind, **case.how)
        told = self.attempt(session, case.call, *prepared.value)
        fired = fault.fired
        server.faults.clear()
        sent = server.received(name) - sent
        if case.call == MONITOR and told.outcome == RETURNED:
            sent = 0  # one that goes on asks as often as there is time for: that says nothing of the client
        # A client that hung was ended, and its session with it.
        after = self.attempt(session, LIST, limit=1) if told.outcome != HUNG else None
        left = len(set(downloads.glob("*")) - files)
        return _seen(told, after, sent=sent, jobs=len(server.job_metas()) - jobs, left=left, fired=fired)

    def _prepared(self, case: FaultCase, session: ClientSession) -> tuple[Any, ...]:
        """What the call of a case is given, which may be a job that it needs."""
        if self.server.profile.cell is not None:
            session.call("set_timeout", COMMAND_SECONDS)
        if case.call == SUBMIT:
            return (self._job(JobKind.QUICK),)
        if case.call == MONITOR:
            return (session.call(SUBMIT, self._job(JobKind.LONG)), 1.0, 0.05)
        if case.call in (DELETE, DOWNLOAD):
            return (session.call(SUBMIT, self._job(JobKind.QUICK)),)
        return ()

    def _job(self, kind: JobKind) -> str:
        """A new job folder."""
        self._jobs += 1
        return str(write_job(self.scratch / str(self._jobs), f"{kind.value}-{self._jobs}", kind))


def _seen(told: Attempt, after: Attempt | None = None, **counts: int) -> FaultSighting:
    return FaultSighting(told.outcome, told.seconds, after.outcome if after else "", text=told.text, **counts)


LAB = CaseLab(
    module=MODULE,
    clients=OFFICIALS,
    cases=CASES,
    bench=FaultBench,
    kind=FaultSighting,
    words=words,
    record=SIGHTINGS,
    page=PAGE,
    write=page,
)
main = command(LAB)

if __name__ == "__main__":
    main()
