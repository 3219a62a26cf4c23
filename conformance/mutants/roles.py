"""Wrong about who may do what."""

from __future__ import annotations

from typing import Any

from conformance.mutants.base import Wrong, client, mutant


class Refusing(Wrong):
    """Refuses by itself what some users may do."""

    role = ""

    def refuse(self, what: str) -> None:
        """Raise AuthorizationError for users of the role."""
        if self._session.username.startswith(f"{self.role}@"):
            raise client().AuthorizationError(f"user not authorized for the action '{what}'")


@mutant("ROLE-PROJECT-01", release="2.9")
class AdminsCloneNothing(Refusing):
    """It lets a project admin clone no job."""

    role = "project_admin"

    def clone_job(self, job_id: str) -> Any:
        self.refuse("clone_job")
        return self._session.clone_job(job_id)


@mutant("ROLE-LEAD-01", release="2.9")
class LeadsDownloadNothing(Refusing):
    """It lets a lead download no result."""

    role = "lead"

    def download_job_result(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        self.refuse("download_job")
        return self._session.download_job_result(job_id, *args, **kwargs)


@mutant("ROLE-ORG-01", release="2.9")
class OrgAdminsDownloadNothing(Refusing):
    """It lets an org admin download no result."""

    role = "org_admin"

    def download_job_result(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        self.refuse("download_job")
        return self._session.download_job_result(job_id, *args, **kwargs)


class Hushing(Wrong):
    """Keeps silent about an abort that was refused."""

    role = ""

    def abort_job(self, job_id: str) -> Any:
        try:
            return self._session.abort_job(job_id)
        except client().AuthorizationError:
            if self._session.username.startswith(f"{self.role}@"):
                return "Abort signal has been sent to the server app."
            raise


@mutant("ROLE-ORG-02", release="2.9")
class HushesOrgAdmins(Hushing):
    """It says nothing where an org admin may not abort a job."""

    role = "org_admin"


@mutant("ROLE-MEMBER-01", release="2.9")
class HushesMembers(Hushing):
    """It says nothing where a member may not abort a job."""

    role = "member"
