"""Wrong in sessions beside each other, closing, and threads."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from conformance.mutants.base import MAY, Wrong, client, factory, mutant, open_reference, unconnected

ANYTHING = "no call of a session that is not connected succeeds"


@mutant("CONN-SECURE-01", release="2.9", also={"*": ANYTHING})
def never_connects(username: str, kit: str, **_further: Any) -> Any:
    """It returns a session without connecting it."""
    return unconnected(username, kit)


@mutant("CONN-DEBUG-01", release="2.9")
def debugs_without_a_server(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    """It does not connect where it is to debug."""
    if further.pop("debug", False):
        return unconnected(username, kit)
    return open_reference(username, kit, secure, timeout, **further)


@mutant("CONN-TYPE-01", release="2.9")
def any_user_name(username: Any, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    """It raises TypeError for a user name that is no text."""
    if not isinstance(username, str):
        raise TypeError(f"username must be str but got {type(username)}")
    return open_reference(username, kit, secure, timeout, **further)


@mutant("CONN-PATH-01", release="2.9")
def absolute_kits_alone(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    """It finds no kit by a relative path."""
    if not Path(kit).is_absolute():
        raise AssertionError(f"startup kit does not exist at {kit}")
    return open_reference(username, kit, secure, timeout, **further)


@mutant("CONN-TIMEOUT-07", release="2.9")
def whole_seconds_alone(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    """It takes no broken number of seconds over 1 as timeout."""
    if timeout > 1 and timeout % 1:
        raise ValueError(f"timeout must be a whole number but got {timeout}")
    return open_reference(username, kit, secure, timeout, **further)


@mutant("CONN-INSECURE-01")
def believes_the_caller(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    """It tells the jobs of an insecure session as those of the user whom the caller named."""

    class Believing(Wrong):
        def get_job_meta(self, job_id: str) -> Any:
            return {**self._session.get_job_meta(job_id), "submitter_name": username}

    opens = open_reference if secure else factory(Believing)
    return opens(username, kit, secure, timeout, **further)


AGAIN = "it connects a connected session again, too"


@mutant("CONN-AGAIN-01", release="2.9", also={"CONN-TIMEOUT-07": AGAIN})
class ConnectsToSucceed(Wrong):
    """It returns True from try_connect."""

    def try_connect(self, timeout: float) -> Any:
        self._session.try_connect(timeout)
        return True


@mutant("CONN-AGAIN-02")
class LooksAtTheClockFirst(Wrong):
    """It raises NoConnection where try_connect has no time, though it is connected."""

    def try_connect(self, timeout: float) -> Any:
        if timeout <= 0:
            raise client().NoConnection(f"cannot connect to FLARE in {timeout} seconds")
        return self._session.try_connect(timeout)


@mutant("CONN-TWO-01", release="2.9")
class ClosesLaterSessions(Wrong):
    """It closes the sessions that were opened after it, too."""

    opened: list[Any] = []  # noqa: RUF012 - of all sessions, on purpose

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self.opened.append(session)

    def close(self) -> None:
        place = self.opened.index(self._session) if self._session in self.opened else len(self.opened)
        for session in self.opened[place:]:
            session.close()
        del self.opened[place:]
        self._session.close()


@mutant(
    "CONN-TWO-02",
    release="2.9",
    also={
        "ROLE-CLONE-01": "its users submit through sessions that are not the last",
        "DELETE-ROLE-01": "its users submit through sessions that are not the last",
        "STUDY-*": "its sessions differ in the study, and the last one is used for both",
        "ROBUST-*": f"{MAY} the session that was opened last is over",
    },
)
class OneUserAtATime(Wrong):
    """It submits through the session that was opened last on the same server."""

    last: dict[Path, Any] = {}  # noqa: RUF012 - of all sessions, on purpose

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self.server = session._conversation.kit.root.resolve().parent
        self.last[self.server] = session

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        if self._session._conversation.closed or self.last[self.server]._conversation.closed:
            return self._session.submit_job(job_definition_path, **options)
        return self.last[self.server].submit_job(job_definition_path, **options)


OF_BEFORE = "it looks at a job of a session that was closed"


class _KnowsItsJobs(Wrong):
    """A session that keeps the ids of what it submitted."""

    own: frozenset[str] = frozenset()

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        job_id = self._session.submit_job(job_definition_path, **options)
        self.own |= {job_id}
        return job_id


@mutant(
    "CLOSE-NEW-01",
    release="2.9",
    also={"CLOSE-JOB-01": OF_BEFORE, "CONN-TWO-01": OF_BEFORE, "LIFE-RESTART-02": OF_BEFORE},
)
class ForgetsJobsOfClosedSessions(_KnowsItsJobs):
    """It knows nothing of the jobs of sessions that were closed."""

    gone: set[str] = set()  # noqa: RUF012 - of all sessions, on purpose

    def get_job_meta(self, job_id: str) -> Any:
        if isinstance(job_id, str) and job_id in self.gone:
            raise client().JobNotFound(f"no such job: {job_id}")
        return self._session.get_job_meta(job_id)

    def close(self) -> None:
        self.gone.update(self.own)
        self._session.close()


@mutant("CLOSE-JOB-01", release="2.9", also={"CLOSE-NEW-01": OF_BEFORE, "LIFE-RESTART-02": OF_BEFORE})
class TakesItsJobsAlong(_KnowsItsJobs):
    """It aborts its jobs when it is closed."""

    def close(self) -> None:
        for job_id in self.own:
            try:
                self._session.abort_job(job_id)
            except Exception:  # noqa: BLE001, S112 - whatever becomes of them
                continue
        self._session.close()


@mutant("CONN-THREAD-01")
class OneThreadAlone(Wrong):
    """It keeps its answer where the next thread overwrites it."""

    def get_job_meta(self, job_id: str) -> Any:
        self._answer = self._session.get_job_meta(job_id)
        time.sleep(0.01)  # as long as the next thread needs
        return self._answer


@mutant("CLOSE-ALL-01", also={"CONN-TWO-01": "it uses a closed session, too"})
class UsableAfterClose(Wrong):
    """It does not close."""

    def close(self) -> None:
        """Pretend."""


@mutant("CLOSE-TWICE-01", release="2.9")
class ClosesOnce(Wrong):
    """It raises SessionClosed where a closed session is closed."""

    def close(self) -> None:
        if self._session._conversation.closed:
            raise client().SessionClosed("session closed")
        self._session.close()


@mutant("ARG-NAME-01", release="2.9")
class NamesOfItsOwn(Wrong):
    """It calls the argument of clone_job another name."""

    def clone_job(self, job: str) -> Any:
        return self._session.clone_job(job)


@mutant("STUDY-USER-01", release="2.9")
def strangers_are_unauthorised(
    username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any
) -> Any:
    """It raises AuthorizationError where a lead may not log in to a study."""
    try:
        return open_reference(username, kit, secure, timeout, **further)
    except client().AuthenticationError as problem:
        if further.get("study") and username.startswith("lead@"):
            raise client().AuthorizationError(str(problem)) from problem
        raise


@mutant("CONN-EXPIRE-01", "CONN-RESTART-01", also={"ROBUST-FORGET-01": "the session is over there, too"})
class LogsInAgain(Wrong):
    """It logs in again where the server does not know the session."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._session.list_jobs(*args, **kwargs)
        except client().SessionExpired:
            self._session.try_connect(5.0)
            return self._session.list_jobs(*args, **kwargs)


@mutant(
    "CONN-GONE-01",
    also=dict.fromkeys(
        ("ROBUST-AFTER-01", "ROBUST-CLOSE-01", "ROBUST-CUT-01", "ROBUST-RESET-01", "ROBUST-RESTART-01"),
        "no answer comes there either",
    ),
)
class UnreachableIsAConnectionError(Wrong):
    """It raises a plain ConnectionError where the server is gone."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._session.list_jobs(*args, **kwargs)
        except client().errors.ServerUnreachable as problem:
            raise ConnectionError(str(problem)) from problem
