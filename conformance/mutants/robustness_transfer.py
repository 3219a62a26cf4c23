"""Wrong where a submission, a monitoring or a download goes wrong half-way."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from conformance.mutants.base import MAY, Wrong, client, mutant

# --- submissions -------------------------------------------------------------------------------------------------


@mutant("ROBUST-SUBMIT-01", also={"ROBUST-SUBMIT-02": "it cannot tell whether the server acted"})
class SubmitsAgain(Wrong):
    """It submits again where the connection was lost."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        try:
            return self._session.submit_job(job_definition_path, **options)
        except client().ServerUnreachable:
            return self._session.submit_job(job_definition_path, **options)


@mutant("ROBUST-SUBMIT-02")
class LooksForItsJob(Wrong):
    """It returns the job that came of a submission whose answer was lost."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        try:
            return self._session.submit_job(job_definition_path, **options)
        except client().ServerUnreachable:
            found = self._session.list_jobs(name_prefix=Path(job_definition_path).name)
            if not found:
                raise
            return found[0]["job_id"]


@mutant("ROBUST-SUBMIT-03")
class SubmitsAgainAfterGarbage(Wrong):
    """It submits again where the answer was garbage."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        try:
            return self._session.submit_job(job_definition_path, **options)
        except client().MalformedReply:
            return self._session.submit_job(job_definition_path, **options)


@mutant("ROBUST-SUBMIT-04")
class ReturnsNoId(Wrong):
    """It returns an empty id where the server names none."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        try:
            return self._session.submit_job(job_definition_path, **options)
        except client().InternalError as problem:
            if "failed to return job id" in str(problem):
                return ""
            raise


@mutant("ROBUST-SUBMIT-05")
class HopesForRoom(Wrong):
    """It submits again where the server had no room."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        try:
            return self._session.submit_job(job_definition_path, **options)
        except client().InternalError as problem:
            if "OSError" in str(problem):
                return self._session.submit_job(job_definition_path, **options)
            raise


@mutant("ROBUST-SUBMIT-06")
class SubmitsAgainWhenLate(Wrong):
    """It submits a second time where the answer is late."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        started = time.monotonic()
        job_id = self._session.submit_job(job_definition_path, **options)
        return self._session.submit_job(job_definition_path, **options) if time.monotonic() - started > 0.2 else job_id


_AGAIN = "a submission is lost there, too"


@mutant(
    "ROBUST-UPLOAD-01",
    release="2.9",
    also={"RETRY-ONCE-01": _AGAIN, "ROBUST-SUBMIT-01": _AGAIN, "ROBUST-SUBMIT-02": _AGAIN},
)
class UploadsAgain(SubmitsAgain):
    """It uploads again where the connection was lost under an upload."""


# --- monitoring --------------------------------------------------------------------------------------------------


class _Monitors(Wrong):
    """Does something else where monitor_job fails with some words."""

    words = ""

    def monitor_job(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().monitor_job(*args, **kwargs)
        except Exception as problem:
            if self.words in str(problem):
                return self.instead(args, kwargs)
            raise

    def instead(self, args: Any, kwargs: Any) -> Any:
        return client().MonitorReturnCode.TIMEOUT


@mutant("ROBUST-MON-01")
class TriesThePollAgain(_Monitors):
    """It polls again where a poll was lost."""

    words = "Failed to communicate"

    def instead(self, args: Any, kwargs: Any) -> Any:
        return Wrong.monitor_job(self, *args, **{**kwargs, "timeout": 0.1})


@mutant("ROBUST-MON-02")
class GarbageIsATimeout(_Monitors):
    """It returns TIMEOUT where a poll brought garbage."""

    words = "expected a JSON document"


@mutant("ROBUST-MON-03")
class NoMetaIsTheEnd(_Monitors):
    """It takes a job without a meta for one that is over."""

    words = "failed to return job meta"

    def instead(self, args: Any, kwargs: Any) -> Any:
        return client().MonitorReturnCode.JOB_FINISHED


@mutant("ROBUST-MON-04")
class NoStatusIsTheEnd(_Monitors):
    """It takes a job without a status for one that is over."""

    words = "missing status"

    def instead(self, args: Any, kwargs: Any) -> Any:
        return client().MonitorReturnCode.JOB_FINISHED


@mutant(
    "ROBUST-MON-05",
    also={
        "MON-POLL-05": "it asks once before, and that is counted",
        **dict.fromkeys(
            ("ROBUST-MON-01", "ROBUST-MON-02", "ROBUST-MON-03"), "it asks once before, and meets the fault"
        ),
    },
)
class LateIsATimeout(Wrong):
    """It returns TIMEOUT where a poll is late."""

    def monitor_job(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        started = time.monotonic()
        self._session.get_job_meta(job_id)
        if time.monotonic() - started > 0.2:
            return client().MonitorReturnCode.TIMEOUT
        return super().monitor_job(job_id, *args, **kwargs)


@mutant("ROBUST-MON-06")
class ExpiryIsATimeout(_Monitors):
    """It returns TIMEOUT where the session expired."""

    words = "session_inactive"


@mutant("ROBUST-MON-07", release="2.9", also={"ROBUST-MON-01": "the connection is lost there, too"})
class MonitorsOn(_Monitors):
    """It goes on after a restart of the server."""

    words = "the connection is lost"

    def instead(self, args: Any, kwargs: Any) -> Any:
        self._session._connection.log_in(5.0)
        return Wrong.monitor_job(self, *args, **{**kwargs, "timeout": 0.1})


# --- downloads ---------------------------------------------------------------------------------------------------


class _KeepsHalf(Wrong):
    """Returns the folder of what came where a download fails with some words."""

    words: tuple[str, ...] = ()

    def download_job_result(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._session.download_job_result(job_id, *args, **kwargs)
        except Exception as problem:
            if not any(word in str(problem) for word in self.words):
                raise
            folder = Path(self._session.download_dir) / job_id
            folder.mkdir(parents=True, exist_ok=True)
            return str(folder)


@mutant("ROBUST-DOWN-01")
class KeepsTheFilesThatCame(_KeepsHalf):
    """It returns the files that came where the connection ended between two."""

    words = ("after nothing",)


@mutant("ROBUST-DOWN-02", also={"ROBUST-DOWN-04": "the connection ends inside a file there, too"})
class KeepsHalfAFile(_KeepsHalf):
    """It returns half a file where the connection ended inside."""

    words = ("only a part of the answer",)


@mutant("ROBUST-DOWN-03", also={"ROBUST-DOWN-09": "a byte is broken there, too"})
class ChecksNoSum(_KeepsHalf):
    """It returns a result of which a byte was broken on the way."""

    words = ("checksum", "Bad CRC", "is refused")


@mutant("ROBUST-DOWN-04", release="2.9")
class CountsNoBytes(_KeepsHalf):
    """It returns a file that is shorter than the server says."""

    words = ("bytes so far",)


@mutant("ROBUST-DOWN-05")
class KeepsWhatCameBeforeTheEnd(_KeepsHalf):
    """It returns the files that came before the session expired."""

    words = ("session_inactive",)


@mutant(
    "ROBUST-DOWN-06",
    also={
        "DOWN-BIG-01": f"{MAY} a large result takes longer than it waits",
        "SUB-MANY-01": f"{MAY} a job of many files takes longer than it waits",
    },
)
class GivesUpSlowDownloads(Wrong):
    """It gives up a download that takes a while."""

    def download_job_result(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        started = time.monotonic()
        location = self._session.download_job_result(job_id, *args, **kwargs)
        if time.monotonic() - started > 0.15:
            raise client().ServerUnreachable("too slow")
        return location


@mutant("ROBUST-DOWN-07", release="2.3")
class KeepsHalfAReply(_KeepsHalf):
    """It returns what came of a result in one reply."""

    words = ("only a part of the answer",)


@mutant("ROBUST-DOWN-08")
class NothingIsAResult(_KeepsHalf):
    """It returns an empty folder where the server names no files."""

    words = ("expected the files of the result",)


@mutant("ROBUST-DOWN-09", also={"DOWN-FAIL-01": "a download fails there, and the folder is looked at"})
class LeavesPieces(Wrong):
    """It leaves the pieces of a download that failed."""

    def download_job_result(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._session.download_job_result(job_id, *args, **kwargs)
        except Exception:
            (Path(self._session.download_dir) / f"{job_id}__part").mkdir()
            raise


@mutant("ROBUST-DOWN-10", release="2.9")
class DownloadsInOneGo(Wrong):
    """It gives a download up with its connection."""

    def download_job_result(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        connection = self._session._connection
        link = connection.live_link()
        location = self._session.download_job_result(job_id, *args, **kwargs)
        if connection.live_link() is not link:
            shutil.rmtree(location)
            raise client().ServerUnreachable("the connection was lost")
        return location
