"""Wrong in what is known of the system."""

from __future__ import annotations

import time
from typing import Any

from conformance.mutants.base import Wrong, client, mutant


@mutant("SYS-SITES-01", also={"ROLE-VIEW-01": "it counts the sites", "META-DEPLOY-01": "it asks which sites there are"})
class ForgetsSites(Wrong):
    """It names one site at most."""

    def get_system_info(self) -> Any:
        info = self._session.get_system_info()
        info.client_info = info.client_info[:1]
        return info


@mutant("SYS-INFO-01", release="2.9")
class NeverHeardOfSites(Wrong):
    """It does not tell when a site was heard of."""

    def get_system_info(self) -> Any:
        info = self._session.get_system_info()
        for site in info.client_info:
            site.last_connect_time = 0.0
        return info


@mutant("SYS-JOBS-01", release="2.9", also={"SYS-JOBS-03": "it asks for the apps, too"})
class ForgetsApps(Wrong):
    """It does not tell which app a job runs."""

    def get_system_info(self) -> Any:
        info = self._session.get_system_info()
        for job in info.job_info:
            job.app_name = None
        return info


@mutant("SYS-JOBS-02", release="2.9")
class EveryJobRuns(Wrong):
    """It names the jobs that are over among those that run."""

    def get_system_info(self) -> Any:
        info = self._session.get_system_info()
        kind = type("JobInfo", (), {})
        for job in self._session.list_jobs():
            if job["status"].startswith("FINISHED"):
                one = kind()
                one.app_name, one.job_id = "app", job["job_id"]
                info.job_info.append(one)
        return info


@mutant("SYS-JOBS-03", release="2.9")
class OneRunningJob(Wrong):
    """It names one running job at most."""

    def get_system_info(self) -> Any:
        info = self._session.get_system_info()
        info.job_info = info.job_info[:1]
        return info


@mutant("SYS-START-01", release="2.9")
class StartsWhenAsked(Wrong):
    """It tells the time of the call as that of the server's start."""

    def get_system_info(self) -> Any:
        info = self._session.get_system_info()
        info.server_info.start_time = time.time()
        return info


@mutant("SYS-STOP-01", release="2.9")
class AlwaysStarted(Wrong):
    """It tells that the server is started, always."""

    def get_system_info(self) -> Any:
        info = self._session.get_system_info()
        info.server_info.status = "started"
        return info


@mutant("SYS-CELL-01", release="2.3")
class KnowsNoCells(Wrong):
    """It returns None for every cell."""

    def get_cell_conn_info(self, fqcn: str) -> Any:
        return None


@mutant("ROLE-UNKNOWN-01", release="2.9")
class SystemInfoIsForEverybody(Wrong):
    """It raises InternalError where the user may not ask for the state of the system."""

    def get_system_info(self) -> Any:
        try:
            return self._session.get_system_info()
        except client().AuthorizationError as problem:
            raise client().InternalError(str(problem)) from problem
