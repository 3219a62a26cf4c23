"""Wrong in aborting and deleting jobs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from conformance.mutants.base import Wrong, client, mutant

ASKS_FIRST = "it asks for the meta first, which is not answered there"


@mutant("ABORT-WAIT-01", release="2.9", also={"LIST-DETAIL-02": "the meta is no longer that of the list"})
class EverythingHasStarted(Wrong):
    """It tells of a job that was aborted before it ran that it started when it was submitted."""

    def get_job_meta(self, job_id: str) -> Any:
        meta = self._session.get_job_meta(job_id)
        if meta["status"] == "FINISHED:ABORTED":
            meta["start_time"] = meta["start_time"] or meta["submit_time_iso"]
        return meta


@mutant(
    "ABORT-RUN-01",
    release="2.9",
    also={"LIFE-QUEUE-01": "it aborts a job that runs", "SYS-STOP-01": "it aborts a job that runs"},
)
class LeavesRunningJobsAlone(Wrong):
    """It does not abort a job that runs, and says that it did."""

    def abort_job(self, job_id: str) -> Any:
        if isinstance(job_id, str) and job_id:
            meta = self._session.get_job_meta(job_id)
            if meta["status"] == "RUNNING" and meta["name"].startswith("long-"):
                return "Abort signal has been sent to the server app."
        return self._session.abort_job(job_id)


@mutant("ABORT-DONE-01", release="2.9")
class CompletedCannotBeAborted(Wrong):
    """It raises JobNotRunning where the job to abort has completed."""

    def abort_job(self, job_id: str) -> Any:
        if isinstance(job_id, str) and job_id and self._session.get_job_meta(job_id)["status"] == "FINISHED:COMPLETED":
            raise client().JobNotRunning(f"job {job_id} is not running")
        return self._session.abort_job(job_id)


@mutant("ABORT-TWICE-01", release="2.9", also={"ROLE-LEAD-01": "its lead aborts a job once more"})
class SecondAbortDeletes(Wrong):
    """It deletes a job that it is told to abort once more."""

    aborted: frozenset[str] = frozenset()

    def abort_job(self, job_id: str) -> Any:
        said = self._session.abort_job(job_id)
        if job_id in self.aborted:
            self._session.delete_job(job_id)
        self.aborted |= {job_id}
        return said


@mutant("ABORT-ONE-01", release="2.9")
class AbortsByName(Wrong):
    """It aborts every job that has the name of the job to abort."""

    def abort_job(self, job_id: str) -> Any:
        said = self._session.abort_job(job_id)
        for other in _namesakes(self._session, job_id):
            self._session.abort_job(other)
        return said


@mutant("DELETE-ONE-01", release="2.9", also={"RETRY-ONCE-01": ASKS_FIRST})
class DeletesByName(Wrong):
    """It deletes every job that has the name of the job to delete."""

    def delete_job(self, job_id: str) -> Any:
        others = _namesakes(self._session, job_id) if isinstance(job_id, str) and job_id else []
        record = self._session.delete_job(job_id)
        for other in others:
            self._session.delete_job(other)
        return record


def _namesakes(session: Any, job_id: str) -> list[str]:
    """The other jobs of a job's name, neither of which is a clone."""
    try:
        meta = session.get_job_meta(job_id)
    except (client().JobNotFound, client().JobNotRunning):
        return []
    found = [] if "cloned_from" in meta else session.list_jobs(detailed=True, name_prefix=meta["name"])
    return [job["job_id"] for job in found if job["job_id"] != job_id and "cloned_from" not in job]


@mutant(
    "DELETE-OK-01",
    "ARG-NAME-01",
    release="2.9",
    also={
        "RETRY-ONCE-01": ASKS_FIRST,
        "ROLE-MEMBER-01": "the deletion of an aborted job is to be refused there",
        "ROLE-ORG-02": "the deletion of an aborted job is to be refused there",
    },
)
class KeepsAbortedJobs(Wrong):
    """It does not delete a job that was aborted, and says that it did."""

    def delete_job(self, job_id: str) -> Any:
        if isinstance(job_id, str) and job_id and self._session.get_job_meta(job_id)["status"] == "FINISHED:ABORTED":
            return {"job_id": job_id, "submit_records_marked_deleted": 0}
        return self._session.delete_job(job_id)


@mutant("DELETE-OK-02", release="2.9", also={"RETRY-ONCE-01": ASKS_FIRST})
class KeepsCompletedJobs(Wrong):
    """It does not delete a job that has completed, and says that it did."""

    def delete_job(self, job_id: str) -> Any:
        if isinstance(job_id, str) and job_id and self._session.get_job_meta(job_id)["status"] == "FINISHED:COMPLETED":
            return {"job_id": job_id, "submit_records_marked_deleted": 0}
        return self._session.delete_job(job_id)


@mutant("DELETE-RUN-01")
class DeletesRunning(Wrong):
    """It aborts a running job to delete it."""

    def delete_job(self, job_id: str) -> None:
        self._session.abort_job(job_id)
        self._session.delete_job(job_id)


@mutant("DELETE-FILES-01", release="2.9")
class DeletesDownloads(Wrong):
    """It deletes the downloaded results of a job with the job."""

    def delete_job(self, job_id: str) -> Any:
        record = self._session.delete_job(job_id)
        for folder in Path(self._session.download_dir).glob(f"{job_id}*"):
            shutil.rmtree(folder)
        return record


@mutant("DELETE-ROLE-01", release="2.9")
class RefusedCloneIsAnInternalError(Wrong):
    """It raises InternalError where a lead may not clone a job."""

    def clone_job(self, job_id: str) -> Any:
        try:
            return self._session.clone_job(job_id)
        except client().AuthorizationError as problem:
            if self._session.username.startswith("lead@"):
                raise client().InternalError(str(problem)) from problem
            raise


@mutant("ABORT-RETURN-01")
class AbortReturnsDict(Wrong):
    """It returns a dict for an abort, as the document has it."""

    def abort_job(self, job_id: str) -> Any:
        self._session.abort_job(job_id)
        return {"status": "ok", "info": ""}


@mutant("DELETE-RETURN-01")
class DeleteReturnsDict(Wrong):
    """It returns a dict for a deletion, as later releases do."""

    def delete_job(self, job_id: str) -> Any:
        self._session.delete_job(job_id)
        return {"job_id": job_id, "submit_records_marked_deleted": 0}
