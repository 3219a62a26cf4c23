"""Wrong only in sequences: each call by itself is fine, what comes after it is not.

Some keep what they know beside the session, as a client with a cache of the module would.
"""

from __future__ import annotations

import threading
import time
from typing import Any, ClassVar

from conformance.mutants.base import MAY, Wrong, client, mutant

_SETTLED_SECONDS = 0.5


@mutant("MODEL-SEQ-01", also={"MODEL-STATE-01": "it lists jobs that were deleted there, too"})
class ListsDeletedJobs(Wrong):
    """It keeps a list for the same arguments until a job is submitted, cloned or aborted; a deletion it forgets."""

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self._lists: dict[str, Any] = {}

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        key = repr((args, sorted(kwargs.items())))
        if key not in self._lists:
            self._lists[key] = self._session.list_jobs(*args, **kwargs)
        return self._lists[key]

    def _changed(self, result: Any) -> Any:
        self._lists.clear()
        return result

    def submit_job(self, *args: Any, **kwargs: Any) -> Any:
        return self._changed(self._session.submit_job(*args, **kwargs))

    def clone_job(self, job_id: str) -> Any:
        return self._changed(self._session.clone_job(job_id))

    def abort_job(self, job_id: str) -> Any:
        return self._changed(self._session.abort_job(job_id))


@mutant("MODEL-SEQ-01", also={"CLONE-STATE-01": "it clones an aborted job, too"})
class LosesClonesAfterAborts(Wrong):
    """A clone of a job that it aborted is missing in its lists."""

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self._aborted: set[str] = set()
        self._lost: set[str] = set()

    def abort_job(self, job_id: str) -> Any:
        self._aborted.add(job_id)
        return self._session.abort_job(job_id)

    def clone_job(self, job_id: str) -> Any:
        clone = self._session.clone_job(job_id)
        if job_id in self._aborted:
            self._lost.add(clone)
        return clone

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        return [job for job in self._session.list_jobs(*args, **kwargs) if job["job_id"] not in self._lost]


@mutant("MODEL-STATE-01", also={"MON-FINISH-01": "it asks for the status of a job that was monitored"})
class RemembersHowAMonitorBegan(Wrong):
    """It keeps the first status that a monitor saw, and shows it in metas from then on."""

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self._statuses: dict[str, Any] = {}

    def monitor_job(
        self,
        job_id: str,
        timeout: float = 0.0,
        poll_interval: float = 2.0,
        cb: Any = None,
        *cb_args: Any,
        **cb_kwargs: Any,
    ) -> Any:
        def noting(session: Any, called_id: str, meta: Any, *args: Any, **kwargs: Any) -> Any:
            self._statuses.setdefault(job_id, meta.get("status"))
            return cb is None or cb(session, called_id, meta, *args, **kwargs)

        return super().monitor_job(job_id, timeout, poll_interval, noting, *cb_args, **cb_kwargs)

    def get_job_meta(self, job_id: str) -> Any:
        meta = self._session.get_job_meta(job_id)
        return {**meta, "status": self._statuses[job_id]} if job_id in self._statuses else meta


_IN_ANOTHERS_NAME = "it aborts in the name of another user"


@mutant(
    "MODEL-ROLE-01",
    release="2.9",
    also={"DELETE-ROLE-01": _IN_ANOTHERS_NAME, "ROLE-MEMBER-01": _IN_ANOTHERS_NAME, "ROLE-ORG-02": _IN_ANOTHERS_NAME},
)
class MixesUsers(Wrong):
    """What its user may not do, it does in the name of another user who has a session."""

    _sessions: ClassVar[list[Any]] = []

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self._sessions.append(session)

    def close(self) -> None:
        if self._session in self._sessions:
            self._sessions.remove(self._session)
        self._session.close()

    def abort_job(self, job_id: str) -> Any:
        server = self._session._conversation.kit.root.resolve().parent
        others = [one for one in self._sessions if one._conversation.kit.root.resolve().parent == server]
        for session in [self._session, *others]:
            try:
                return session.abort_job(job_id)
            except client().AuthorizationError as problem:
                refused = problem
        raise refused


@mutant(
    "MODEL-LIST-01",
    also={"ARG-PLACE-01": "a limit was given there before", "*": f"{MAY} a limit was given before"},
)
class RemembersTheLimit(Wrong):
    """A limit holds for the lists that come after it, too."""

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self._limit: int | None = None

    def list_jobs(self, detailed: bool = False, limit: Any = None, *args: Any, **kwargs: Any) -> Any:
        if type(limit) is int:
            self._limit = limit
        return self._session.list_jobs(detailed, limit or self._limit, *args, **kwargs)


@mutant(
    "MODEL-TOKEN-01", release="2.9", also={"TOKEN-OTHER-01": "nor does a conflict", "TOKEN-GONE-01": "nor is it told"}
)
class KnowsTheJobOfAToken(Wrong):
    """It remembers which job a token gave, and no more asks the server, whatever is submitted with it."""

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self._jobs: dict[str, str] = {}

    def submit_job(self, job_definition_path: str, submit_token: str | None = None) -> Any:
        if submit_token is None:
            return self._session.submit_job(job_definition_path)
        if submit_token not in self._jobs:
            self._jobs[submit_token] = self._session.submit_job(job_definition_path, submit_token=submit_token)
        return self._jobs[submit_token]


@mutant("MODEL-SESSION-01", also={"LIFE-RESTART-01": "two sessions of a user look at a job there"})
class SharesMetas(Wrong):
    """A meta that one session got is the answer to another session of the same user."""

    _metas: ClassVar[dict[str, tuple[Any, Any]]] = {}

    def get_job_meta(self, job_id: str) -> Any:
        asked, meta = self._metas.get(job_id, (self, None)) if isinstance(job_id, str) else (self, None)
        if asked is self or meta is None:
            meta = self._session.get_job_meta(job_id)
            self._metas[job_id] = (self, meta)
        return meta


@mutant("MODEL-CONC-01", release="2.9", also={"MODEL-CONC-02": "its threads submit at the same time, too"})
class DropsOneOfTwoSubmissions(Wrong):
    """Of two jobs that are submitted at the same time it submits one, and names that for both."""

    _turn: ClassVar[threading.Condition] = threading.Condition()
    _busy: ClassVar[bool] = False
    _latest: ClassVar[Any] = None

    def submit_job(self, *args: Any, **kwargs: Any) -> Any:
        kind = type(self)
        with self._turn:
            if kind._busy:
                self._turn.wait_for(lambda: not kind._busy, _SETTLED_SECONDS)
                return kind._latest
            kind._busy = True
        try:
            kind._latest = self._session.submit_job(*args, **kwargs)
        finally:
            with self._turn:
                kind._busy = False
                self._turn.notify_all()
        return kind._latest


@mutant("MODEL-CONC-02", release="2.9", also={"CONN-THREAD-01": "its threads ask for metas at the same time, too"})
class MixesAnswersOfThreads(Wrong):
    """It keeps the answer of a call in the session, where a call of another thread may put its own."""

    _answer: Any = None
    _calls: int = 0

    def get_job_meta(self, job_id: str) -> Any:
        return self._kept(self._session.get_job_meta, job_id)

    def clone_job(self, job_id: str) -> Any:
        return self._kept(self._session.clone_job, job_id)

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        return self._kept(self._session.submit_job, job_definition_path, **options)

    def _kept(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        self._calls += 1
        try:
            self._answer = method(*args, **kwargs)
            deadline = time.monotonic() + _SETTLED_SECONDS
            while self._calls > 1 and time.monotonic() < deadline:
                time.sleep(0)  # the others' answers come in between
            return self._answer
        finally:
            self._calls -= 1
