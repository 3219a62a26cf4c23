"""The vocabulary of jobs: status words and the keys of the job meta.

Both sides of the wire speak it, so each word stands here once. What a status may turn into is the
server's business (``mock_server.jobs.states``); what a job definition must look like likewise.

Source: traffic of the official software, releases 2.3-2.6.
"""

from __future__ import annotations

import enum


class JobStatus(str, enum.Enum):
    """The value of ``status`` in a job's meta."""

    SUBMITTED = "SUBMITTED"
    APPROVED = "APPROVED"
    """Defined by the official software and never written by it."""
    DISPATCHED = "DISPATCHED"
    RUNNING = "RUNNING"
    FINISHED_COMPLETED = "FINISHED:COMPLETED"
    FINISHED_ABORTED = "FINISHED:ABORTED"
    FINISHED_EXECUTION_EXCEPTION = "FINISHED:EXECUTION_EXCEPTION"
    FINISHED_ABNORMAL = "FINISHED:ABNORMAL"
    FINISHED_CANT_SCHEDULE = "FINISHED:CAN_NOT_SCHEDULE"
    FINISHED_FAILED_TO_RUN = "FINISHED:FAILED_TO_RUN"
    FINISHED_ABANDONED = "FINISHED:ABANDONED"

    def __str__(self) -> str:
        return self.value

    @property
    def is_finished(self) -> bool:
        """Whether no further status follows."""
        return is_finished(self.value)


def is_finished(status: str) -> bool:
    """Whether a status as it stands on the wire means that the job is over.

    Clients go by the prefix, so that an outcome they have not heard of still ends a wait.
    """
    return status.startswith("FINISHED")


class JobMetaKey(str, enum.Enum):
    """The keys of a job's meta that the server or the client reads or writes."""

    NAME = "name"
    DEPLOY_MAP = "deploy_map"
    RESOURCE_SPEC = "resource_spec"
    LAUNCHER_SPEC = "launcher_spec"
    MIN_CLIENTS = "min_clients"
    MANDATORY_CLIENTS = "mandatory_clients"
    BYOC = "byoc"
    STUDY = "study"
    """From 2.8 on."""
    SUBMITTER_NAME = "submitter_name"
    SUBMITTER_ORG = "submitter_org"
    SUBMITTER_ROLE = "submitter_role"
    JOB_FOLDER_NAME = "job_folder_name"
    CUSTOM_PROPS = "custom_props"
    JOB_ID = "job_id"
    SUBMIT_TIME = "submit_time"
    SUBMIT_TIME_ISO = "submit_time_iso"
    START_TIME = "start_time"
    DURATION = "duration"
    DATA_STORAGE_FORMAT = "data_storage_format"
    STATUS = "status"
    JOB_DEPLOY_DETAIL = "job_deploy_detail"
    SCHEDULE_COUNT = "schedule_count"
    LAST_SCHEDULE_TIME = "last_schedule_time"
    SCHEDULE_HISTORY = "schedule_history"
    CLONED_FROM = "cloned_from"
    CONTENT_LOCATION = "content_location"
    RESULT_LOCATION = "result_location"
    APPROVALS = "approvals"

    def __str__(self) -> str:
        return self.value


SERVER_SITE = "server"
"""The name under which a deploy map names the server."""

ALL_SITES = "@ALL"
"""The word of a deploy map for the server and every connected site; compared case-insensitively."""
