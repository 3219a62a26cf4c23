"""What stands in the meta of a job, in which order and form, and when it is written.

Key order and formats are the official server's (observed: 2.3.12-2.6.3). Knows nothing of time's course or of files.
"""

from __future__ import annotations

import copy
import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.jobs import JobMetaKey, JobStatus
from flare_client.protocol.releases import ReleaseProfile
from mock_server.jobs.store import Submitter

NO_DURATION = "N/A"

_CLONED_KEYS = (
    JobMetaKey.JOB_FOLDER_NAME,
    JobMetaKey.NAME,
    JobMetaKey.DATA_STORAGE_FORMAT,
    JobMetaKey.MIN_CLIENTS,
    JobMetaKey.DEPLOY_MAP,
    JobMetaKey.RESOURCE_SPEC,
    JobMetaKey.CONTENT_LOCATION,
    JobMetaKey.RESULT_LOCATION,
    JobMetaKey.APPROVALS,
    JobMetaKey.MANDATORY_CLIENTS,
)
"""What a clone takes over from its source in every release, as far as the source has it."""

_SCHEDULER_KEYS = (
    JobMetaKey.JOB_DEPLOY_DETAIL,
    JobMetaKey.SCHEDULE_COUNT,
    JobMetaKey.LAST_SCHEDULE_TIME,
    JobMetaKey.SCHEDULE_HISTORY,
)
"""What scheduler and runner write. A definition that brings them along would stop an official scheduler for good
(observed in part: 2.6.3 compares them without a look at their type); here they are dropped."""


def submitted(
    given: Mapping[str, Any],
    folder: str,
    submitter: Submitter,
    custom_props: Any,
    profile: ReleaseProfile,
    study: str = DEFAULT_STUDY,
) -> dict[str, Any]:
    """Begin the meta of a submitted job.

    Args:
        given: the content of the definition's meta file, as the release stores it.
        folder: the name of the job folder.
        submitter: who submits it.
        custom_props: what the request adds; nothing is added if it is empty.
        profile: the release.
        study: the study of the session; in the meta where the release knows studies.
    """
    dropped = {*_SCHEDULER_KEYS, *profile.dropped_definition_keys}
    meta = {key: value for key, value in given.items() if key not in dropped}
    if profile.has_studies:
        meta[JobMetaKey.STUDY.value] = study
    _add_submitter(meta, submitter)
    if not profile.folder_name_first:  # otherwise the conversion of the upload has put the folder into ``given``
        meta[JobMetaKey.JOB_FOLDER_NAME.value] = folder
        if custom_props:
            meta[JobMetaKey.CUSTOM_PROPS.value] = custom_props
    return meta


def cloned(source: Mapping[str, Any], source_id: str, submitter: Submitter, profile: ReleaseProfile) -> dict[str, Any]:
    """Begin the meta of a clone.

    Args:
        source: the meta of the cloned job.
        source_id: its id.
        submitter: who clones it.
        profile: the release.
    """
    keys = [key.value for key in (*_CLONED_KEYS, *_optional_cloned_keys(profile))]
    meta: dict[str, Any] = {key: copy.deepcopy(source[key]) for key in keys if key in source}
    _add_submitter(meta, submitter)
    meta[JobMetaKey.CLONED_FROM.value] = source_id
    return meta


def _optional_cloned_keys(profile: ReleaseProfile) -> Iterator[JobMetaKey]:
    if profile.has_studies:
        yield JobMetaKey.STUDY
    if profile.clones_byoc:
        yield JobMetaKey.BYOC


def _add_submitter(meta: dict[str, Any], submitter: Submitter) -> None:
    meta[JobMetaKey.SUBMITTER_NAME.value] = submitter.name
    meta[JobMetaKey.SUBMITTER_ORG.value] = submitter.org
    meta[JobMetaKey.SUBMITTER_ROLE.value] = submitter.role


def stamp(meta: dict[str, Any], job_id: str, now: float, data_storage_format: int | None) -> None:
    """Complete the meta of a new job.

    Args:
        meta: the meta so far.
        job_id: its id.
        now: seconds since the epoch.
        data_storage_format: the value of that key, or ``None`` to leave it as it is: a clone has its source's.
    """
    meta[JobMetaKey.JOB_ID.value] = job_id
    meta[JobMetaKey.SUBMIT_TIME.value] = now
    zoned = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).astimezone()
    meta[JobMetaKey.SUBMIT_TIME_ISO.value] = zoned.isoformat()
    meta[JobMetaKey.START_TIME.value] = ""
    meta[JobMetaKey.DURATION.value] = NO_DURATION
    if data_storage_format is not None:
        meta[JobMetaKey.DATA_STORAGE_FORMAT.value] = data_storage_format
    meta[JobMetaKey.STATUS.value] = JobStatus.SUBMITTED.value


def _local(now: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(now)  # noqa: DTZ006 - official servers write their local time


def start_text(now: float, profile: ReleaseProfile) -> str:
    """The form of ``start_time``."""
    if profile.start_time_has_zone:
        return datetime.datetime.fromtimestamp(now, datetime.timezone.utc).isoformat()
    return f"{_local(now):%Y-%m-%d %H:%M:%S.%f}"


def duration_text(seconds: float) -> str:
    """The form of ``duration``; never negative, even if the machine's clock was set back."""
    return str(datetime.timedelta(seconds=round(max(0.0, seconds), 6)))


def record_try(meta: dict[str, Any], result: str, now: float) -> None:
    """Write a look of the scheduler into the meta.

    Args:
        meta: the meta of the job.
        result: what came of it.
        now: seconds since the epoch.
    """
    meta[JobMetaKey.SCHEDULE_COUNT.value] = tries(meta) + 1
    meta[JobMetaKey.LAST_SCHEDULE_TIME.value] = now
    # A new list: whoever was given the meta keeps what was true then.
    history = meta.get(JobMetaKey.SCHEDULE_HISTORY.value, [])
    meta[JobMetaKey.SCHEDULE_HISTORY.value] = [*history, f"{_local(now):%Y-%m-%d %H:%M:%S}: {result}"]


def tries(meta: Mapping[str, Any]) -> int:
    """How often the scheduler looked at the job."""
    count: int = meta.get(JobMetaKey.SCHEDULE_COUNT.value, 0)
    return count
