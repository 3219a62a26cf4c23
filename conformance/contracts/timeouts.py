"""How long a command may take, and which commands are sent again (releases from 2.7, one connection a session)."""

from __future__ import annotations

from conformance.adapters.base import ClientSession
from conformance.contract import CELL_RELEASES, FROM_28, Level, Observed, contract
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.timing import confirmed, measured, not_after, not_before
from conformance.trial import Trial
from conformance.verdicts import same

_SEEN = "2.7.3, 2.8.3, 2.9.0"
_SECONDS = 0.6
_MARGIN = 1.5
"""Seconds by which a client may notice late that no answer came."""
_SHORT_SECONDS = 0.3
"""Where only the number of commands counts, and the time does not."""
_USUAL_SECONDS = 5.0


def _gives_up_after(trial: Trial, session: ClientSession, seconds: float) -> None:
    def once() -> None:
        with measured() as spent:
            trial.raises(("ConnectionError",), "list_jobs without an answer", session.call, "list_jobs")
        not_before(spent, seconds, "ConnectionError")
        not_after(spent, seconds + _MARGIN, "ConnectionError")

    confirmed(once)


@contract(
    "CMD-TIMEOUT-01",
    "A command that is not answered",
    f"A command without an answer raises ConnectionError after the time of set_timeout, at most {_MARGIN} s later.",
    Observed(_SEEN, "set_timeout bounds the wait for the reply"),
    releases=CELL_RELEASES,
    needs=(Need.CONTROL,),
)
def unanswered(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        session.call("set_timeout", _SECONDS)
        server.withhold("list_jobs")
        _gives_up_after(trial, session, _SECONDS)
        session.close()


@contract(
    "CMD-TIMEOUT-02",
    "NoConnection where no answer comes",
    "A command that gets no answer raises NoConnection.",
    Observed("2.8.3, 2.9.0", "`cannot connect to server: ERROR_SERVER_CONNECTION`; 2.7 raises the builtin class"),
    releases=FROM_28,
    needs=(Need.CONTROL,),
)
def unanswered_no_connection(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        session.call("set_timeout", _SECONDS)
        server.withhold("list_jobs")
        trial.raises(("NoConnection",), "list_jobs without an answer", session.call, "list_jobs")
        session.close()


@contract(
    "CMD-TIMEOUT-03",
    "The session outlives a command",
    "After a command that got no answer the session is as good as before.",
    Observed(_SEEN, "the connection stays; a late answer is dropped"),
    releases=CELL_RELEASES,
    needs=(Need.CONTROL,),
)
def outlives(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        session.call("set_timeout", _SECONDS)
        server.withhold("list_jobs")
        trial.raises(("ConnectionError",), "list_jobs without an answer", session.call, "list_jobs")
        server.release_command("list_jobs")
        same(session.call("list_jobs"), [], "the jobs of an empty server")
        session.close()


@contract(
    "CMD-TIMEOUT-04",
    "The usual time",
    f"Without set_timeout, and after unset_timeout, a command without an answer fails after {_USUAL_SECONDS:g} s.",
    Observed(_SEEN, "5.0 s"),
    releases=CELL_RELEASES,
    needs=(Need.CONTROL,),
    level=Level.SHOULD,
)
def usual_time(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        session.call("set_timeout", 8.0)
        session.call("unset_timeout")
        server.withhold("list_jobs")
        _gives_up_after(trial, session, _USUAL_SECONDS)
        session.close()


@contract(
    "CMD-TIMEOUT-05",
    "A timeout that is none",
    "set_timeout raises TypeError for what is no number, ValueError for one that is not positive.",
    Observed(_SEEN, "checked before anything is sent"),
    releases=CELL_RELEASES,
    level=Level.SHOULD,
)
def bad_timeout(trial: Trial) -> None:
    with trial.own_session() as session:
        for value in ("3", None, [1]):
            trial.raises(("TypeError",), f"set_timeout({value!r})", session.call, "set_timeout", value)
        for number in (0, -1, -0.5):
            trial.raises(("ValueError",), f"set_timeout({number!r})", session.call, "set_timeout", number)
        session.call("list_jobs", limit=1)


@contract(
    "RETRY-ABORT-01",
    "abort_job is sent again",
    "abort_job that gets no answer is sent three times in all, then NoConnection is raised.",
    Observed("2.8.3, 2.9.0", "three tries, 0.5 s and 1.0 s between them; so is shutdown"),
    releases=FROM_28,
    needs=(Need.CONTROL,),
    level=Level.SHOULD,
)
def abort_again(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        job_id = session.call("submit_job", str(trial.folder()))
        session.call("set_timeout", _SHORT_SECONDS)
        server.withhold("abort_job")
        trial.raises(("NoConnection",), "abort_job without an answer", session.call, "abort_job", job_id)
        same(server.received("abort_job"), 3, "the number of abort_job commands")
        session.close()


@contract(
    "RETRY-ONCE-01",
    "Nothing else is sent again",
    "get_job_meta, list_jobs, clone_job, delete_job and submit_job are sent once, answered or not.",
    Observed(_SEEN, "one request a call"),
    releases=CELL_RELEASES,
    needs=(Need.CONTROL,),
)
def nothing_else_again(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        job_id = session.call("submit_job", str(trial.folder()))
        session.call("set_timeout", _SHORT_SECONDS)
        for method in ("get_job_meta", "list_jobs", "clone_job", "delete_job", "submit_job"):
            server.withhold(method)
            before = server.received(method)
            arguments = {"list_jobs": (), "submit_job": (str(trial.folder()),)}.get(method, (job_id,))
            trial.raises(("ConnectionError",), f"{method} without an answer", session.call, method, *arguments)
            same(server.received(method) - before, 1, f"the number of {method} commands")
        session.close()
