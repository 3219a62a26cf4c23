"""Wrong in cloning jobs."""

from __future__ import annotations

from typing import Any

from conformance.mutants.base import Wrong, client, mutant


@mutant("CLONE-OK-01", also={"CLONE-STATE-01": "it counts the clones, too"})
class ClonesTwice(Wrong):
    """It clones a job twice."""

    def clone_job(self, job_id: str) -> Any:
        self._session.clone_job(job_id)
        return self._session.clone_job(job_id)


@mutant("CLONE-STATE-01", release="2.9", also={"RETRY-ONCE-01": "the meta is asked for first, and unanswered"})
class ClonesNoRunningJob(Wrong):
    """It does not clone a job that runs."""

    def clone_job(self, job_id: str) -> Any:
        if isinstance(job_id, str) and job_id and self._session.get_job_meta(job_id)["status"] == "RUNNING":
            raise client().JobNotDone(f"job {job_id} is still running")
        return self._session.clone_job(job_id)


@mutant("CLONE-CLONE-01", release="2.9")
class NamesTheFirstOfTheLine(Wrong):
    """It names the first job of a line of clones as that which was cloned."""

    def get_job_meta(self, job_id: str) -> Any:
        meta = self._session.get_job_meta(job_id)
        while "cloned_from" in meta:
            try:
                above = self._session.get_job_meta(meta["cloned_from"])
            except client().JobNotFound:
                break
            if "cloned_from" not in above:
                break
            meta["cloned_from"] = above["cloned_from"]
        return meta


@mutant("CLONE-ALONE-01", release="2.9")
class AbortsTheSourceToo(Wrong):
    """It aborts the source of a clone with the clone."""

    def abort_job(self, job_id: str) -> Any:
        said = self._session.abort_job(job_id)
        source = self._session.get_job_meta(job_id).get("cloned_from")
        if source:
            try:
                self._session.abort_job(source)
            except client().JobNotFound:
                pass
        return said


@mutant("CLONE-NEW-01", release="2.9")
class ClonesAreAsOldAsTheirSource(Wrong):
    """It tells of a clone that it was submitted when its source was."""

    def get_job_meta(self, job_id: str) -> Any:
        meta = self._session.get_job_meta(job_id)
        if "cloned_from" in meta:
            try:
                meta["submit_time"] = self._session.get_job_meta(meta["cloned_from"])["submit_time"]
            except client().JobNotFound:
                return meta
        return meta


@mutant("CLONE-RESULT-01", release="2.9")
class DownloadsTheSource(Wrong):
    """It downloads the result of a clone's source."""

    def download_job_result(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        if isinstance(job_id, str) and job_id:
            source = self._session.get_job_meta(job_id).get("cloned_from", job_id)
            if self._session.get_job_meta(source)["status"].startswith("FINISHED"):
                job_id = source
            elif source != job_id:
                self._session.abort_job(source)
                job_id = source
        return self._session.download_job_result(job_id, *args, **kwargs)


@mutant("ROLE-CLONE-01", release="2.9")
class ClonesBelongToTheSubmitter(Wrong):
    """It names the submitter of the source as that of the clone."""

    def get_job_meta(self, job_id: str) -> Any:
        meta = self._session.get_job_meta(job_id)
        if "cloned_from" in meta:
            try:
                meta["submitter_name"] = self._session.get_job_meta(meta["cloned_from"])["submitter_name"]
            except client().JobNotFound:
                pass
        return meta
