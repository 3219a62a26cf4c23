"""What a client does when a submission, a monitoring or a download is broken half-way."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conformance.adapters.base import ClientError, ClientSession
from conformance.contract import CELL_RELEASES, FROM_24, Level, Observed, contract
from conformance.contracts.robustness import lost, patient
from conformance.jobs import JobKind
from conformance.needs import Need
from conformance.targets import InjectedFault
from conformance.trial import Trial
from conformance.verdicts import Violation, holds, same

_SOCKETS = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
_CELLS = "2.7.3, 2.8.3, 2.9.0"
_ALL = f"{_SOCKETS}, {_CELLS}"
_FILES = "2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0"
_MODEL = "weights"
"""What is in `model.txt` of a quick job."""


# --- submissions -------------------------------------------------------------------------------------------------


def _submission(trial: Trial, session: ClientSession, names: tuple[str, ...], jobs: int, kind: str, **how: Any) -> None:
    """Submit through a fault: the call must raise, one command be sent, and so many jobs come of it."""
    server, name = trial.shared, trial.name(JobKind.WAITING)
    folder = str(trial.folder(name=name))
    before = server.received("submit_job")
    with server.inject(kind, command="submit_job", times=1, **how) as fault:
        trial.raises(names, f"submit_job that meets the fault {kind}", session.call, "submit_job", folder)
        same(fault.fired, 1, "the number of submissions that the fault struck")
    same(server.received("submit_job") - before, 1, "the number of submit_job commands")
    found = [meta["job_id"] for meta in server.job_metas() if meta.get("name") == name]
    for job_id in found:
        trial.adopt(job_id)
    same(len(found), jobs, "the number of jobs")


@contract(
    "ROBUST-SUBMIT-01",
    "A submission that is lost",
    "submit_job whose connection ends before the server acts raises, and is not sent again: there is no job.",
    Observed(_ALL, "InternalError (to 2.6) or ConnectionError; one command"),
    needs=(Need.FAULTS,),
)
def submission_lost(trial: Trial) -> None:
    session = patient(trial)
    _submission(trial, session, lost(trial), 0, "close")


@contract(
    "ROBUST-SUBMIT-02",
    "A submission whose answer is lost",
    "submit_job whose connection ends after the server acted raises, and is not sent again: there is one job.",
    Observed(_ALL, "InternalError (to 2.6) or ConnectionError; one command, one job"),
    needs=(Need.FAULTS,),
)
def submission_unanswered(trial: Trial) -> None:
    session = patient(trial)
    _submission(trial, session, lost(trial), 1, "close", direction="answer")


@contract(
    "ROBUST-SUBMIT-03",
    "A submission answered with something else",
    "submit_job whose answer is no envelope raises ConnectionError, and is not sent again: there is one job.",
    Observed(_ALL, "ConnectionError; one command, one job"),
    needs=(Need.FAULTS,),
)
def submission_garbled(trial: Trial) -> None:
    session = patient(trial)
    _submission(trial, session, ("ConnectionError",), 1, "text", text="garbage")


@contract(
    "ROBUST-SUBMIT-04",
    "A submission without a job id",
    "submit_job whose answer names no job raises InternalError; nothing is returned for an id.",
    Observed(_ALL, "server failed to return job id"),
    needs=(Need.FAULTS,),
)
def submission_nameless(trial: Trial) -> None:
    items, meta = [{"type": "success", "data": ""}], {"status": "ok", "info": ""}
    _submission(trial, trial.session, ("InternalError",), 0, "reply", items=items, meta=meta)


@contract(
    "ROBUST-SUBMIT-05",
    "A server whose disk is full",
    "submit_job that the server cannot store raises InternalError; the next one, with room, works.",
    Observed(_ALL, "server internal error: exception <class 'OSError'> occurred"),
    needs=(Need.FAULTS,),
)
def disk_full(trial: Trial) -> None:
    _submission(trial, trial.session, ("InternalError",), 0, "full_disk")
    trial.submit()


@contract(
    "ROBUST-SUBMIT-06",
    "A submission that is answered late",
    "submit_job whose answer is late returns the id of the one job that came of it.",
    Observed(_ALL, "the id; one command, one job"),
    needs=(Need.FAULTS,),
)
def submission_late(trial: Trial) -> None:
    server, name = trial.shared, trial.name(JobKind.WAITING)
    with server.inject("delay", command="submit_job", seconds=0.25):
        job_id = trial.submit(name=name)
    same([meta["job_id"] for meta in server.job_metas() if meta.get("name") == name], [job_id], "the jobs")


@contract(
    "ROBUST-UPLOAD-01",
    "An upload whose connection ends",
    "submit_job whose connection ends under the upload raises ConnectionError; there is no job.",
    Observed(_CELLS, "ConnectionError; the upload is not begun again"),
    releases=CELL_RELEASES,
    needs=(Need.FAULTS,),
)
def upload_lost(trial: Trial) -> None:
    server, name = trial.shared, trial.name(JobKind.WAITING)
    folder = str(trial.folder(name=name))
    session = patient(trial)
    with server.inject("close", at="upload", times=1) as fault:
        trial.raises(lost(trial), "submit_job whose upload breaks", session.call, "submit_job", folder)
        same(fault.fired, 1, "the number of pieces that the fault struck")
    same([meta for meta in server.job_metas() if meta.get("name") == name], [], "the jobs")


# --- monitoring --------------------------------------------------------------------------------------------------


def _monitoring(trial: Trial, names: tuple[str, ...], kind: str, **how: Any) -> None:
    """Monitor a job whose second poll meets a fault: that must come out, and no return code."""
    server = trial.shared
    job_id = trial.submit()
    polls: list[str] = []

    def note(_same: Any, _job_id: Any, meta: dict[str, Any], *_: Any, **__: Any) -> bool:
        polls.append(str(meta.get("status")))
        return True

    session = patient(trial)
    with server.inject(kind, command="get_job_meta", nth=2, **how) as fault:
        trial.raises(
            names,
            f"monitor_job whose second poll meets the fault {kind}",
            session.monitor,
            job_id,
            timeout=3.0,
            poll_interval=0.02,
            cb=note,
        )
        same(fault.fired, 1, "the number of polls that the fault struck")
    same(len(polls), 1, "the number of callbacks")


@contract(
    "ROBUST-MON-01",
    "A poll whose connection ends",
    "monitor_job whose poll is lost raises as the poll would: it returns neither TIMEOUT nor anything else.",
    Observed(_ALL, "InternalError (to 2.6) or ConnectionError, after one callback"),
    needs=(Need.FAULTS,),
)
def poll_lost(trial: Trial) -> None:
    _monitoring(trial, lost(trial), "close")


@contract(
    "ROBUST-MON-02",
    "A poll answered with something else",
    "monitor_job whose poll brings no envelope raises ConnectionError, and the callback is not called with it.",
    Observed(_ALL, "ConnectionError, after one callback"),
    needs=(Need.FAULTS,),
)
def poll_garbled(trial: Trial) -> None:
    _monitoring(trial, ("ConnectionError",), "text", text="garbage")


@contract(
    "ROBUST-MON-03",
    "A poll without a job meta",
    "monitor_job whose poll brings no job meta raises InternalError, and the callback is not called with it.",
    Observed(_ALL, "server failed to return job meta"),
    needs=(Need.FAULTS,),
)
def poll_empty(trial: Trial) -> None:
    items, meta = [{"type": "success", "data": ""}], {"status": "ok", "info": ""}
    _monitoring(trial, ("InternalError",), "reply", items=items, meta=meta)


@contract(
    "ROBUST-MON-04",
    "A poll without a status",
    "monitor_job whose poll brings a job meta without a status raises InternalError, after the callback.",
    Observed(_ALL, "missing status in job"),
    needs=(Need.FAULTS,),
)
def poll_without_status(trial: Trial) -> None:
    server = trial.shared
    job_id = trial.submit()
    meta = {"status": "ok", "info": "", "job_meta": {"job_id": job_id, "name": "without a status"}}
    with server.inject("reply", command="get_job_meta", items=[{"type": "dict", "data": {}}], meta=meta):
        trial.raises(
            ("InternalError",), "monitor_job of a job without a status", trial.session.monitor, job_id, timeout=3.0
        )


@contract(
    "ROBUST-MON-05",
    "A late poll",
    "monitor_job waits for a poll that is answered late, and goes on.",
    Observed(_ALL, "the return code, as without the delay"),
    needs=(Need.FAULTS, Need.RUNNING),
)
def poll_late(trial: Trial) -> None:
    job_id = trial.submit(JobKind.QUICK)
    with trial.shared.inject("delay", command="get_job_meta", nth=1, seconds=0.25) as fault:
        code = trial.session.monitor(job_id, timeout=trial.target.patience, poll_interval=0.05)
        same(fault.fired, 1, "the number of polls that the fault struck")
    same(code.name, "JOB_FINISHED", "the return code")


@contract(
    "ROBUST-MON-06",
    "A session that expires under a monitoring",
    "monitor_job whose session expires raises: it neither goes on for ever nor returns a code.",
    Observed(_SOCKETS, "InternalError: session_inactive"),
    Observed(_CELLS, "SessionClosed"),
    needs=(Need.FAULTS,),
)
def poll_expired(trial: Trial) -> None:
    server = trial.shared
    job_id = trial.submit()
    names = ("SessionClosed", "ConnectionError") if trial.release in CELL_RELEASES else ("InternalError",)
    session = patient(trial)
    with server.inject("expire_session", command="get_job_meta", nth=2) as fault:
        trial.raises(
            names, "monitor_job whose session expires", session.monitor, job_id, timeout=3.0, poll_interval=0.02
        )
        same(fault.fired, 1, "the number of polls that the fault struck")


@contract(
    "ROBUST-MON-07",
    "A server that restarts under a monitoring",
    "monitor_job whose server restarts raises InternalError (to 2.6) or ConnectionError.",
    Observed(_ALL, "as ROBUST-MON-01"),
    needs=(Need.FAULTS, Need.CONTROL),
)
def poll_restarted(trial: Trial) -> None:
    with trial.own_server() as server:
        session = patient(trial, server)
        job_id = session.call("submit_job", str(trial.folder()))
        with server.inject("restart", command="get_job_meta", nth=2):
            trial.raises(
                lost(trial),
                "monitor_job whose server restarts",
                session.monitor,
                job_id,
                timeout=5.0,
                poll_interval=0.02,
            )


# --- downloads ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _faulty_download(trial: Trial, kind: str, **how: Any) -> Iterator[tuple[ClientSession, str, Path, InjectedFault]]:
    """A job that is over, and a fault on the way of its workspace."""
    job_id, session = trial.finished(), patient(trial)
    where = {} if "command" in how else {"at": "download", "file": "workspace.zip"}
    with trial.shared.inject(kind, times=1, **where, **how) as fault:
        yield session, job_id, trial.target.kit() / "transfer", fault


def _is_whole(location: object) -> bool:
    found = {path.name: path for path in Path(str(location)).rglob("*") if path.is_file()}
    return "model.txt" in found and found["model.txt"].read_text() == _MODEL


def _never_half(trial: Trial, kind: str, **how: Any) -> None:
    """Download through a fault: the call raises, or what it returns is whole."""
    with _faulty_download(trial, kind, **how) as (session, job_id, downloads, fault):
        try:
            location = session.call("download_job_result", job_id)
        except ClientError:
            holds(fault.fired, "a download that the fault struck", "none")
            same((downloads / job_id).exists(), False, "that there is a folder of the result's name")
            return
        if not _is_whole(location):
            raise Violation("an exception, or a whole result", f"half a result at {Path(str(location)).name}")


@contract(
    "ROBUST-DOWN-01",
    "A download that ends between two files",
    "download_job_result whose connection ends before a file raises, or returns a whole result: never a part of it.",
    Observed("2.4.2, 2.5.2, 2.6.3", "an exception"),
    Observed(_CELLS, "the whole result, after 7 s: the file is asked for again"),
    releases=FROM_24,
    needs=(Need.FAULTS, Need.RUNNING),
)
def between_files(trial: Trial) -> None:
    _never_half(trial, "close")


@contract(
    "ROBUST-DOWN-02",
    "A download that ends in the middle of a file",
    "download_job_result whose connection ends in a file raises, or returns a whole result: never a part of it.",
    Observed("2.4.2, 2.5.2, 2.6.3", "an exception"),
    Observed(_CELLS, "the whole result, after 7 s: the rest is asked for again"),
    releases=FROM_24,
    needs=(Need.FAULTS, Need.RUNNING),
)
def inside_a_file(trial: Trial) -> None:
    _never_half(trial, "cut", keep=100)


@contract(
    "ROBUST-DOWN-03",
    "A file with a broken byte",
    "download_job_result does not return a result of which a byte was broken on the way.",
    Observed(_FILES, "an exception: of the checksum of the wire (2.4 to 2.6), or of the archive"),
    releases=FROM_24,
    needs=(Need.FAULTS, Need.RUNNING),
)
def broken_byte(trial: Trial) -> None:
    _never_half(trial, "corrupt")


@contract(
    "ROBUST-DOWN-04",
    "A file that is too short",
    "download_job_result does not return a result of which a file is too short.",
    Observed("2.4.2, 2.5.2, 2.6.3", "an exception"),
    Observed(_CELLS, "the whole result: the rest is asked for again, as the client counts for itself"),
    releases=FROM_24,
    needs=(Need.FAULTS, Need.RUNNING),
)
def short_file(trial: Trial) -> None:
    _never_half(trial, "truncate", keep=100)


@contract(
    "ROBUST-DOWN-05",
    "A session that expires between two files",
    "download_job_result whose session expires before a file raises, or returns a whole result.",
    Observed("2.4.2, 2.5.2, 2.6.3, 2.9.0", "an exception; 2.7.3 and 2.8.3 hang"),
    releases=("2.4", "2.5", "2.6", "2.9"),
    needs=(Need.FAULTS, Need.RUNNING),
)
def expires_between_files(trial: Trial) -> None:
    _never_half(trial, "expire_session")


@contract(
    "ROBUST-DOWN-06",
    "A result that arrives slowly",
    "download_job_result of a file that arrives slowly returns a whole result.",
    Observed(_FILES, "the result"),
    releases=FROM_24,
    needs=(Need.FAULTS, Need.RUNNING),
)
def slow_file(trial: Trial) -> None:
    with _faulty_download(trial, "throttle", rate=3000) as (session, job_id, _, fault):
        holds(_is_whole(session.call("download_job_result", job_id)), "a whole result", "a part of it")
        holds(fault.fired, "a download that the fault struck", "none")


@contract(
    "ROBUST-DOWN-07",
    "A result cut in its reply",
    "download_job_result whose one reply ends in its middle raises InternalError; there is no result.",
    Observed("2.3.12", "InternalError"),
    releases=("2.3",),
    needs=(Need.FAULTS, Need.RUNNING),
)
def reply_cut(trial: Trial) -> None:
    with _faulty_download(trial, "cut", command="download_job", keep=300) as (session, job_id, downloads, _):
        trial.raises(
            ("InternalError",), "download_job_result cut in its reply", session.call, "download_job_result", job_id
        )
        same((downloads / job_id).exists(), False, "that there is a folder of the result's name")


@contract(
    "ROBUST-DOWN-08",
    "A result without files",
    "download_job_result whose reply names no files gives no path: it raises, or returns None.",
    Observed("2.3.12", "an exception"),
    Observed("2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0", "None"),
    needs=(Need.FAULTS, Need.RUNNING),
)
def no_files(trial: Trial) -> None:
    items, meta = [{"type": "string", "data": "OK"}], {"status": "ok", "info": ""}
    with _faulty_download(trial, "reply", command="download_job", items=items, meta=meta) as (session, job_id, _, _f):
        try:
            location = session.call("download_job_result", job_id)
        except ClientError:
            return
        same(location, None, "the result")


@contract(
    "ROBUST-DOWN-09",
    "What a failed download leaves",
    "A download that failed leaves nothing in the download folder.",
    Observed("2.5.2, 2.6.3, 2.8.3, 2.9.0", "nothing is left; 2.4.2 and 2.7.3 leave the folder `<id>__<tx>`"),
    releases=("2.5", "2.6", "2.8", "2.9"),
    needs=(Need.FAULTS, Need.RUNNING),
    level=Level.SHOULD,
)
def nothing_left(trial: Trial) -> None:
    with _faulty_download(trial, "corrupt") as (session, job_id, downloads, _):
        before = sorted(path.name for path in downloads.iterdir())
        trial.raises(("Exception",), "download_job_result that breaks", session.call, "download_job_result", job_id)
        same(sorted(path.name for path in downloads.iterdir()), before, "what is in the download folder")


@contract(
    "ROBUST-DOWN-10",
    "A download that goes on",
    "download_job_result whose connection ends, before a file or in it, asks for the rest over another connection.",
    Observed(_CELLS, "the whole result, after 7 s"),
    releases=CELL_RELEASES,
    needs=(Need.FAULTS, Need.RUNNING),
    level=Level.SHOULD,
)
def goes_on(trial: Trial) -> None:
    with _faulty_download(trial, "close") as (session, job_id, _, fault):
        holds(_is_whole(session.call("download_job_result", job_id)), "a whole result", "a part of it")
        same(fault.fired, 1, "the number of pieces that the fault struck")
