"""Wrong in what becomes of a job: submit, clone, meta, abort, delete, download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conformance.mutants.base import Wrong, mutant


@mutant("SUB-OK-01")
class SubmitsTwice(Wrong):
    """It submits a job twice."""

    def submit_job(self, path: str) -> Any:
        self._session.submit_job(path)
        return self._session.submit_job(path)


@mutant("CLONE-OK-01")
class ClonesTwice(Wrong):
    """It clones a job twice."""

    def clone_job(self, job_id: str) -> Any:
        self._session.clone_job(job_id)
        return self._session.clone_job(job_id)


@mutant("META-SAME-01")
class MetaAsText(Wrong):
    """It returns every value of the meta as text."""

    def get_job_meta(self, job_id: str) -> Any:
        return {key: str(value) for key, value in self._session.get_job_meta(job_id).items()}


@mutant("DELETE-RUN-01")
class DeletesRunning(Wrong):
    """It aborts a running job to delete it."""

    def delete_job(self, job_id: str) -> None:
        self._session.abort_job(job_id)
        self._session.delete_job(job_id)


@mutant("ABORT-RETURN-01")
class AbortReturnsDict(Wrong):
    """It returns a dict for an abort, as the document has it."""

    def abort_job(self, job_id: str) -> Any:
        self._session.abort_job(job_id)
        return {"status": "ok", "info": ""}


@mutant("DOWN-META-01")
class DownloadWithoutMeta(Wrong):
    """It drops the meta of a downloaded result."""

    def download_job_result(self, job_id: str) -> Any:
        folder = self._session.download_job_result(job_id)
        (Path(folder) / "meta.json").unlink(missing_ok=True)
        return folder


@mutant("DOWN-AGAIN-01")
class OneDownloadFolder(Wrong):
    """It names the folder of the first download again."""

    def download_job_result(self, job_id: str) -> Any:
        return str(self._session.download_job_result(job_id)).partition("__")[0]
