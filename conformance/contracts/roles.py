"""Who may do what: the policy that official provisioning writes, role by role.

Every server has the policy that comes with its release; these contracts hold for servers on which nobody changed it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from conformance.adapters.base import ClientSession
from conformance.contract import Document, Observed, contract
from conformance.needs import Need
from conformance.targets import ADMIN, ControlledServer
from conformance.trial import Trial
from conformance.verdicts import same

_POLICY = Observed("2.3.12, 2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0", "the default policy of provisioning")

CHANGES = ("abort_job", "delete_job", "clone_job", "download_job_result")
ROLES = ("project_admin", "org_admin", "lead", "member")


class _Users:
    """Sessions on a server of the check's own, opened when first asked for."""

    def __init__(self, trial: Trial, server: ControlledServer) -> None:
        self.trial = trial
        self._server = server
        self._sessions: dict[str, ClientSession] = {}

    def get(self, role: str, org: str = "nvidia") -> ClientSession:
        """The session of the user of that role in that organisation."""
        user = f"{role}@{org}.org"
        if user not in self._sessions:
            kit = self._server.kit(user, org=org, role=role)
            self._sessions[user] = self.trial.adapter.open(user, kit)
        return self._sessions[user]

    def job_of(self, role: str, org: str = "nvidia") -> str:
        """A job that the user of that role submitted; it is over, so that every method may be tried on it."""
        session = self.get(role, org)
        job_id = str(session.call("submit_job", str(self.trial.folder())))
        session.call("abort_job", job_id)
        return job_id

    def may(self, session: ClientSession, job_id: str, *methods: str) -> None:
        """Demand that the methods succeed; what is deleted is deleted last."""
        for method in sorted(methods, key=lambda name: name == "delete_job"):
            session.call(method, job_id)

    def may_not(self, session: ClientSession, job_id: str, who: str, *methods: str) -> None:
        """Demand that the methods raise AuthorizationError."""
        for method in methods:
            self.trial.raises(("AuthorizationError",), f"{method} of {who}", session.call, method, job_id)

    def close(self) -> None:
        """Close every session."""
        for session in self._sessions.values():
            session.close()


@contextlib.contextmanager
def _users(trial: Trial) -> Iterator[_Users]:
    with trial.own_server() as server:
        users = _Users(trial, server)
        yield users
        users.close()


@contract(
    "ROLE-VIEW-01",
    "Everybody may look",
    "Users of every role may list all jobs, read every meta and ask for the state of the system.",
    Document("list"),
    Document("meta"),
    Document("system"),
    _POLICY,
    needs=(Need.CONTROL,),
)
def view(trial: Trial) -> None:
    with _users(trial) as users:
        job_id = users.job_of("lead", "acme")
        for role in ROLES:
            session = users.get(role)
            same([job["job_id"] for job in session.call("list_jobs")], [job_id], f"the jobs that a {role} sees")
            same(session.call("get_job_meta", job_id)["job_id"], job_id, f"the meta that a {role} sees")
            same(len(session.call("get_system_info")["client_info"]), 2, f"the sites that a {role} sees")


@contract(
    "ROLE-PROJECT-01",
    "The project admin may do everything",
    "A project admin may abort, clone, download and delete the jobs of everybody.",
    Document("abort"),
    Document("clone"),
    Document("delete"),
    Document("download"),
    _POLICY,
    needs=(Need.CONTROL,),
)
def project_admin(trial: Trial) -> None:
    with _users(trial) as users:
        users.may(users.get("project_admin"), users.job_of("lead", "acme"), *CHANGES)


@contract(
    "ROLE-LEAD-01",
    "A lead may do everything with jobs of their own",
    "A lead may abort, clone, download and delete the jobs that they submitted.",
    Document("abort"),
    Document("clone"),
    Document("delete"),
    Document("download"),
    _POLICY,
    needs=(Need.CONTROL,),
)
def lead(trial: Trial) -> None:
    with _users(trial) as users:
        users.may(users.get("lead"), users.job_of("lead"), *CHANGES)


@contract(
    "ROLE-ORG-01",
    "An organisation's admin manages its jobs",
    "An org admin may abort, download and delete the jobs of their organisation, but neither clone nor submit.",
    Document("abort"),
    Document("delete"),
    Document("download"),
    _POLICY,
    needs=(Need.CONTROL,),
)
def org_admin(trial: Trial) -> None:
    with _users(trial) as users:
        session, job_id = users.get("org_admin"), users.job_of("lead")
        users.may_not(session, job_id, "an org admin", "clone_job")
        users.may(session, job_id, "abort_job", "download_job_result", "delete_job")


@contract(
    "ROLE-ORG-02",
    "Jobs of another organisation",
    "An org admin may do nothing with the jobs of another organisation.",
    Document("delete"),
    _POLICY,
    needs=(Need.CONTROL,),
)
def other_org(trial: Trial) -> None:
    with _users(trial) as users:
        users.may_not(users.get("org_admin"), users.job_of("lead", "acme"), "another organisation's admin", *CHANGES)


@contract(
    "ROLE-MEMBER-01",
    "A member may only look",
    "A member may neither abort nor clone, download or delete a job, not even one of their organisation.",
    Document("delete"),
    _POLICY,
    needs=(Need.CONTROL,),
)
def member(trial: Trial) -> None:
    with _users(trial) as users:
        users.may_not(users.get("member"), users.job_of("lead"), "a member", *CHANGES)


@contract(
    "ROLE-UNKNOWN-01",
    "A role that the policy does not know",
    "A user whose role the policy does not know may log in, and every call raises AuthorizationError.",
    Document("submit.fails"),
    Observed("2.3.12, 2.4.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0", "user ... is not authorized for 'list_jobs'"),
    needs=(Need.CONTROL,),
)
def unknown_role(trial: Trial) -> None:
    with _users(trial) as users:
        session = users.get("guest")
        folder = str(trial.folder())
        for method, arguments in (("list_jobs", ()), ("get_system_info", ()), ("submit_job", (folder,))):
            trial.raises(("AuthorizationError",), f"{method} of a guest", session.call, method, *arguments)


@contract(
    "ROLE-CLONE-01",
    "Whose clone it is",
    "A clone belongs to whoever made it, not to the submitter of its source.",
    Document("clone"),
    Observed("2.3.12, 2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0", "submitter_name is the caller's"),
    needs=(Need.CONTROL,),
)
def whose_clone(trial: Trial) -> None:
    with trial.own_server() as server:
        lead_session = trial.adapter.open("lead@nvidia.com", server.kit("lead@nvidia.com", role="lead"))
        admin = trial.adapter.open(ADMIN, server.kit())
        source = lead_session.call("submit_job", str(trial.folder()))
        clone = admin.call("clone_job", source)
        owners = [admin.call("get_job_meta", job_id)["submitter_name"] for job_id in (source, clone)]
        same(owners, ["lead@nvidia.com", ADMIN], "the submitters of source and clone")
        trial.raises(
            ("AuthorizationError",), "delete_job of the clone by the lead", lead_session.call, "delete_job", clone
        )
        lead_session.close()
        admin.close()
