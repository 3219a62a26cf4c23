"""The values that ``Session`` returns besides plain dicts: same names, attributes and texts as the official ones."""

from __future__ import annotations

import enum
import time


class MonitorReturnCode(int, enum.Enum):
    """Why ``monitor_job`` returned."""

    JOB_FINISHED = 0
    TIMEOUT = 1
    ENDED_BY_CB = 2


class TargetType:
    """The words for what a command addresses."""

    ALL = "all"
    SERVER = "server"
    CLIENT = "client"


def _local(seconds: float) -> str:
    return time.asctime(time.localtime(seconds))


class ServerInfo:
    """The state of the server.

    Attributes:
        status: ``started`` while a job runs, otherwise ``stopped``.
        start_time: when the server started, in seconds since the epoch.
    """

    def __init__(self, status: str, start_time: float) -> None:
        self.status = status
        self.start_time = start_time

    def __str__(self) -> str:
        return f"status: {self.status}, start_time: {_local(self.start_time)}"


class ClientInfo:
    """A connected FL client.

    Attributes:
        name: the name of the site.
        last_connect_time: when it was last heard of, in seconds since the epoch.
    """

    def __init__(self, name: str, last_connect_time: float) -> None:
        self.name = name
        self.last_connect_time = last_connect_time

    def __str__(self) -> str:
        return f"{self.name}(last_connect_time: {_local(self.last_connect_time)})"


class JobInfo:
    """A running job.

    Attributes:
        job_id: the id of the job.
        app_name: the app that the server runs for it.
    """

    def __init__(self, job_id: str, app_name: str) -> None:
        self.job_id = job_id
        self.app_name = app_name

    def __str__(self) -> str:
        return f"JobInfo:\n  job_id: {self.job_id}\n  app_name: {self.app_name}"


class SystemInfo:
    """The server, the connected FL clients and the running jobs."""

    def __init__(self, server_info: ServerInfo, client_info: list[ClientInfo], job_info: list[JobInfo]) -> None:
        self.server_info = server_info
        self.client_info = client_info
        self.job_info = job_info

    def __str__(self) -> str:
        clients = "\n".join(str(client) for client in self.client_info)
        jobs = "\n".join(str(job) for job in self.job_info)
        return f"SystemInfo\nserver_info:\n{self.server_info}\nclient_info:\n{clients}\njob_info:\n{jobs}"
