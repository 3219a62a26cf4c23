"""Wrong metas."""

from __future__ import annotations

from typing import Any

from conformance.mutants.base import MAY, Wrong, client, mutant

ENTRY = "it compares the meta with the entry of a detailed list"


class Meta(Wrong):
    """Metas with a hook."""

    def alter(self, meta: dict[str, Any]) -> None:
        """Change a meta."""

    def get_job_meta(self, job_id: str) -> Any:
        meta = self._session.get_job_meta(job_id)
        self.alter(meta)
        return meta


@mutant("META-KEYS-01", release="2.9", also={"META-ORG-01": "it asks for the role, too", "LIST-DETAIL-02": ENTRY})
class ForgetsRoles(Meta):
    """It drops the role of the submitter from the meta of a job that waits."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "SUBMITTED":
            meta.pop("submitter_role")


@mutant("META-ORG-01", release="2.9")
class OneOrganisation(Meta):
    """It takes every submitter for one of the organisation nvidia."""

    def alter(self, meta: dict[str, Any]) -> None:
        meta["submitter_org"] = "nvidia"


@mutant(
    "META-SAME-01",
    release="2.9",
    also={"LIST-DETAIL-02": ENTRY, "CLONE-STATE-01": "it compares a waiting clone with a job that is over"},
)
class NumbersAsText(Meta):
    """It returns min_clients as a text while the job waits."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "SUBMITTED":
            meta["min_clients"] = str(meta["min_clients"])


@mutant("META-NEW-01", release="2.9", also={"LIST-DETAIL-02": ENTRY})
class NoTimeAtAll(Meta):
    """It tells the duration of a job that waits as 0:00:00."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "SUBMITTED":
            meta["duration"] = "0:00:00"


@mutant("META-END-01", release="2.9", also={"MON-CB-04": "it compares the meta with that of the callback"})
class CompletedInNoTime(Meta):
    """It tells no duration of a job that completed."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "FINISHED:COMPLETED":
            meta["duration"] = "N/A"


@mutant("META-OUTCOME-01", release="2.9")
class OneKindOfFailure(Meta):
    """It tells every failure as FINISHED:ABNORMAL."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "FINISHED:EXECUTION_EXCEPTION":
            meta["status"] = "FINISHED:ABNORMAL"


@mutant("META-TIME-01", release="2.9", also={"LIST-DETAIL-02": ENTRY})
class SubmittedALittleEarlier(Meta):
    """It tells the seconds of a waiting job's submission a hundredth of a second too early."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "SUBMITTED":
            meta["submit_time"] -= 0.01


@mutant("META-START-01", also={"MON-CB-04": "it compares the meta with that of the callback"})
class StartsInGreenwich(Meta):
    """It tells the start of a job as if it were in UTC."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "FINISHED:COMPLETED":
            meta["start_time"] += "Z"


@mutant("META-START-02", release="2.9", also={"MON-CB-04": "it compares the meta with that of the callback"})
class StartsAnywhere(Meta):
    """It drops the zone from the start of a job."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "FINISHED:COMPLETED":
            meta["start_time"] = meta["start_time"].partition("+")[0]


@mutant("META-DUR-01", release="2.9")
class RunsForAWhile(Meta):
    """It tells a duration of a job that runs."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "RUNNING":
            meta["duration"] = "0:00:01.000000"


@mutant("META-SCHED-01", release="2.9", also={"MON-CB-04": "it compares the meta with that of the callback"})
class ScheduledLongAgo(Meta):
    """It does not tell when the scheduler looked at a job that completed."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "FINISHED:COMPLETED":
            meta["last_schedule_time"] = 0


@mutant("META-SCHED-02", release="2.9")
class KnowsNoReason(Meta):
    """It does not tell why a job waits."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "SUBMITTED":
            meta.pop("schedule_history", None)


@mutant("META-DEPLOY-01", release="2.9", also={"MON-CB-04": "it compares the meta with that of the callback"})
class ForgetsTheLastSite(Meta):
    """It does not tell of the last site to which a job was deployed."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "FINISHED:COMPLETED":
            meta["job_deploy_detail"] = meta["job_deploy_detail"][:-1]


@mutant("META-OWN-01", release="2.9")
class KnownKeysAlone(Meta):
    """It drops tags and tickets from metas, keys that no release knows."""

    def alter(self, meta: dict[str, Any]) -> None:
        for key in ("ticket", "tags"):
            meta.pop(key, None)


@mutant("META-BYOC-01", release="2.9")
class NobodyBringsCode(Meta):
    """It drops byoc from metas."""

    def alter(self, meta: dict[str, Any]) -> None:
        meta.pop("byoc", None)


@mutant("META-FORMAT-01", release="2.9", also={"LIST-DETAIL-02": ENTRY})
class NoFormat(Meta):
    """It drops data_storage_format from the meta of a job that waits."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "SUBMITTED":
            meta.pop("data_storage_format", None)


@mutant("META-FRESH-01", release="2.9", also={"ROBUST-*": f"{MAY} the question that the fault is for is not asked"})
class AsksOnceAboutJobsThatCannotRun(Wrong):
    """It asks once about a waiting job that wants more sites than there are, unless it does something to a job."""

    known: Any = None

    def get_job_meta(self, job_id: str) -> Any:
        if self.known is not None and self.known["job_id"] == job_id:
            return self.known
        meta = self._session.get_job_meta(job_id)
        if meta["status"] == "SUBMITTED" and meta["min_clients"] == 50:
            self.known = meta
        return meta

    def abort_job(self, job_id: str) -> Any:
        self.known = None
        return self._session.abort_job(job_id)

    def delete_job(self, job_id: str) -> Any:
        self.known = None
        return self._session.delete_job(job_id)


@mutant("LIFE-ORDER-01", release="2.9")
class SeesTheQueueAgain(Wrong):
    """It tells at the third look at a running job that it waits."""

    looks = 0

    def get_job_meta(self, job_id: str) -> Any:
        meta = self._session.get_job_meta(job_id)
        self.looks = self.looks + 1 if meta["status"] == "RUNNING" else 0
        if self.looks == 3:
            meta["status"] = "SUBMITTED"
        return meta


@mutant("LIFE-FINAL-01", release="2.9")
class GoesOnAfterTheEnd(Wrong):
    """It tells from the fourth look at a completed job on that it was aborted."""

    looks = 0

    def get_job_meta(self, job_id: str) -> Any:
        meta = self._session.get_job_meta(job_id)
        self.looks = self.looks + 1 if meta["status"] == "FINISHED:COMPLETED" else 0
        if self.looks > 3:
            meta["status"] = "FINISHED:ABORTED"
        return meta


@mutant("LIFE-QUEUE-01", release="2.9")
class DispatchedInTheQueue(Wrong):
    """It tells of a job that waits for its turn that it is being dispatched."""

    def get_job_meta(self, job_id: str) -> Any:
        meta = self._session.get_job_meta(job_id)
        if (
            meta["status"] == "SUBMITTED"
            and meta["name"].startswith("long-")
            and self._session.get_system_info().job_info
        ):
            meta["status"] = "DISPATCHED"
        return meta


@mutant("LIFE-WAIT-01", release="2.9")
class WantsSites(Wrong):
    """It does not submit a job while no site is connected."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        if not self._session.get_system_info().client_info:
            raise client().NoClientsAvailable("no clients available")
        return self._session.submit_job(job_definition_path, **options)


@mutant("LIFE-RESTART-01")
class AbandonedIsAborted(Meta):
    """It tells of an abandoned job that it was aborted."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "FINISHED:ABANDONED":
            meta["status"] = "FINISHED:ABORTED"


@mutant("LIFE-RESTART-02", release="2.9")
class NoticesAbandonedJobs(Wrong):
    """It tells of a job that seems to run, but does not, that it is abandoned."""

    def get_job_meta(self, job_id: str) -> Any:
        meta = self._session.get_job_meta(job_id)
        if meta["status"] == "RUNNING":
            running = [job.job_id for job in self._session.get_system_info().job_info]
            if meta["job_id"] not in running and self._session.get_job_meta(job_id)["status"] == "RUNNING":
                meta["status"] = "FINISHED:ABANDONED"
        return meta


@mutant(
    "SUB-USER-01",
    release="2.9",
    also={
        "CLONE-*": "it asks for the submitter of a clone",
        "ROLE-CLONE-01": "it asks for the submitter of a clone",
        "LIST-DETAIL-02": ENTRY,
    },
)
class AdminAlone(Meta):
    """It names the user admin@nvidia.com as admin while the job waits."""

    def alter(self, meta: dict[str, Any]) -> None:
        if meta["status"] == "SUBMITTED" and meta["submitter_name"] == "admin@nvidia.com":
            meta["submitter_name"] = "admin"


@mutant("SUB-FORMS-01", release="2.9")
class OneName(Meta):
    """It takes the name of the job for that of its folder."""

    def alter(self, meta: dict[str, Any]) -> None:
        meta["job_folder_name"] = meta["name"]


@mutant("STUDY-JOB-01", release="2.9")
class DefaultStudyAlone(Meta):
    """It takes every job for one of the default study."""

    def alter(self, meta: dict[str, Any]) -> None:
        meta["study"] = "default"
