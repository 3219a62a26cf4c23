"""Wrong about ids."""

from __future__ import annotations

import re
from typing import Any

from conformance.mutants.base import Wrong, client, mutant

_WHOLE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@mutant("ID-MISSING-01", release="2.9")
class NoIdIsABadArgument(Wrong):
    """It raises InvalidArgumentError where the job to clone is not named."""

    def clone_job(self, job_id: str) -> Any:
        if not job_id:
            raise client().InvalidArgumentError("job_id is required")
        return self._session.clone_job(job_id)


@mutant("ID-TYPE-01", release="2.9")
class WrongTypeIsATypeError(Wrong):
    """It raises TypeError where the id of the job to delete is no text."""

    def delete_job(self, job_id: str) -> Any:
        if job_id and not isinstance(job_id, str):
            raise TypeError(f"job_id must be str but got {type(job_id)}")
        return self._session.delete_job(job_id)


@mutant("ID-UNKNOWN-01", release="2.9")
class UnknownIsAnInternalError(Wrong):
    """It raises InternalError where the job to abort is none that it submitted itself, and not there."""

    submitted: frozenset[str] = frozenset()

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        job_id = self._session.submit_job(job_definition_path, **options)
        self.submitted |= {job_id}
        return job_id

    def abort_job(self, job_id: str) -> Any:
        try:
            return self._session.abort_job(job_id)
        except client().JobNotFound as problem:
            if isinstance(job_id, str) and _WHOLE.fullmatch(job_id) and job_id not in self.submitted:
                raise client().InternalError(str(problem)) from problem
            raise


@mutant("ID-FORM-01", release="2.9")
class MalformedIsAnInternalError(Wrong):
    """It raises InternalError where the id of the job to clone is malformed."""

    def clone_job(self, job_id: str) -> Any:
        try:
            return self._session.clone_job(job_id)
        except client().JobNotFound as problem:
            if isinstance(job_id, str) and job_id and not _WHOLE.fullmatch(job_id):
                raise client().InternalError(str(problem)) from problem
            raise


@mutant("ID-PREFIX-01", release="2.9")
class PrefixesWillDo(Wrong):
    """It takes the first eight characters of an id for the id."""

    def get_job_meta(self, job_id: str) -> Any:
        if isinstance(job_id, str) and len(job_id) == 8:
            found = self._session.list_jobs(id_prefix=job_id)
            job_id = found[0]["job_id"] if len(found) == 1 else job_id
        return self._session.get_job_meta(job_id)


@mutant("ID-CASE-01", release="2.9")
class CaseSensitiveIds(Wrong):
    """It finds no job by an id in upper case."""

    def get_job_meta(self, job_id: str) -> Any:
        if isinstance(job_id, str) and job_id != job_id.lower():
            raise client().JobNotFound(f"no such job: {job_id}")
        return self._session.get_job_meta(job_id)
