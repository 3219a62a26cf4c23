"""Submit tokens: which submission gave which job, so that a submission can be tried again.

Owns the records and the fingerprint of a definition. Must not know replies.

Source: official 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import posixpath
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from mock_server.jobs.store import Submitter

MAX_MEMBER_SIZE = 10 * 1024 * 1024
"""Bytes of a file of a definition that is submitted with a token: it is read whole to be compared."""

_SIGNATURE_FILES = frozenset({".__nvfl_sig.json", ".__nvfl_submitter.crt"})
"""Made anew for each submission, so they do not count."""


class TokenConflict(Exception):
    """The token stands for another definition.

    Attributes:
        job_id: the job that it stands for.
    """

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id)
        self.job_id = job_id


class TokenOfDeletedJob(Exception):
    """The token stands for a job that was deleted.

    Attributes:
        job_id: the job.
        deleted_time: when, as replies have it.
    """

    def __init__(self, job_id: str, deleted_time: str) -> None:
        super().__init__(job_id)
        self.job_id = job_id
        self.deleted_time = deleted_time


@dataclasses.dataclass
class Record:
    """What a token stands for.

    Attributes:
        job_id: the job.
        content: the fingerprint of its definition.
        deleted_time: when the job was deleted, as replies have it; empty where it was not.
    """

    job_id: str
    content: str
    deleted_time: str = ""


Scope = tuple[str, Submitter, str]
"""Study, submitter and token."""


class Submissions:
    """The submissions with a token; a token is the submitter's own, and counts within a study.

    Args:
        noted: is told of each record that is new or changes.
    """

    def __init__(self, noted: Callable[[Scope, Record], None]) -> None:
        self._records: dict[Scope, Record] = {}
        self._noted = noted

    def restore(self, records: Mapping[Scope, Record]) -> None:
        """Take in the submissions of before."""
        self._records.update(records)

    def find(self, study: str, submitter: Submitter, token: str) -> str | None:
        """The job that a token stands for, or ``None``.

        Raises:
            TokenOfDeletedJob: it was deleted.
        """
        record = self._records.get((study, submitter, token))
        if record is None:
            return None
        if record.deleted_time:
            raise TokenOfDeletedJob(record.job_id, record.deleted_time)
        return record.job_id

    def match(self, study: str, submitter: Submitter, token: str, content: str) -> str | None:
        """The job of an earlier submission with this token and definition, or ``None`` where there was none.

        Args:
            study: the study of the session.
            submitter: who submits.
            token: the token.
            content: the fingerprint of the definition.

        Raises:
            TokenConflict: the earlier submission was another definition.
            TokenOfDeletedJob: the job was deleted.
        """
        job_id = self.find(study, submitter, token)
        if job_id is not None and self._records[study, submitter, token].content != content:
            raise TokenConflict(job_id)
        return job_id

    def add(self, study: str, submitter: Submitter, token: str, content: str, job_id: str) -> None:
        """Note a submission."""
        self._records[study, submitter, token] = record = Record(job_id, content)
        self._noted((study, submitter, token), record)

    def mark_deleted(self, job_id: str, now: float) -> int:
        """Note that a job was deleted.

        Args:
            job_id: the job.
            now: seconds since the epoch.

        Returns:
            How many tokens stood for it.
        """
        stood = [(scope, one) for scope, one in self._records.items() if one.job_id == job_id and not one.deleted_time]
        for scope, record in stood:
            record.deleted_time = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).isoformat()
            self._noted(scope, record)
        return len(stood)


def fingerprint(upload: Path) -> str:
    """What two uploads of the same definition have in common: their files without the signatures, in order.

    Raises:
        ValueError: a file is too large to be compared.
    """
    digest = hashlib.sha256()
    with zipfile.ZipFile(upload) as archive:
        files = {
            posixpath.normpath(info.filename): info
            for info in archive.infolist()
            if not info.is_dir() and posixpath.basename(info.filename) not in _SIGNATURE_FILES
        }
        for name, info in sorted(files.items(), key=lambda item: item[0]):
            if info.file_size > MAX_MEMBER_SIZE:
                raise ValueError(f"zip member exceeds size limit: {info.filename!r}")
            # The first part is the name of the job folder, which may differ.
            for part in (name.partition("/")[2].encode("utf-8"), archive.read(info)):
                digest.update(len(part).to_bytes(8, "big"))
                digest.update(part)
    return digest.hexdigest()
