"""Probes of rights: what each role may do with its own jobs, with those of others, and with machines; and studies."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.lab.fidelity.probe import LOOKED_AT, Chapter, Folder, Job, JobNeed, Probe, by, probe
from conformance.lab.fidelity.probes.plain import UNKNOWN
from conformance.lab.jobs import QUICK, SLOW, WAITING
from flare_client.presence import FROM_28

_ROLES = ("orgadmin", "lead", "other", "member")
_JOBS = ("admin's", "lead's", "other's")

_ON_MACHINES = (
    probe("list_jobs"),
    probe("get_system_info"),
    probe("get_connected_client_list"),
    probe("get_client_job_status"),
    probe("get_client_env"),
    probe("get_client_env", ["site-1"]),
    probe("check_status", "server"),
    probe("check_status", "client"),
    probe("report_resources", "all"),
    probe("report_version", "all"),
    probe("get_working_directory", "server"),
    probe("get_working_directory", "site-1"),
    probe("ls_target", "server", None, "startup"),
    probe("ls_target", "site-1", None, "startup"),
    probe("cat_target", "server", None, "nowhere.txt"),
    probe("head_target", "site-1", None, "nowhere.txt"),
    probe("tail_target", "site-1", None, "nowhere.txt"),
    probe("grep_target", "server", None, "no line has this", "log.txt"),
    probe("ls_target", "server", "-x"),
    probe("ls_target", "site-9"),
    probe("configure_site_log", "INFO"),
    probe("remove_client", "site-9"),
    probe("disable_client", "site-9"),
    probe("enable_client", "site-9"),
    probe("restart", "client", ["site-9"]),
    probe("shutdown", "client", ["site-9"]),
    probe("list_sp"),
    probe("get_active_sp"),
    probe("promote_sp", "example.com:8002:8003"),
    probe("list_studies"),
    probe("show_study", "cancer"),
    probe("remove_study", "cancer"),
    probe("api.do_command", "show_scopes all"),
    probe("api.do_command", "sys_info server"),
    probe("api.do_command", "sys_info client"),
    probe("api.do_command", "cells"),
    probe("api.do_command", "list_sessions"),
    probe("api.do_command", "admin_check_status"),
    probe("api.do_command", "report_resources server"),
)
"""Calls that are refused by right, or change nothing."""

_BAD_WORDS = (
    probe("get_job_meta", UNKNOWN),
    probe("delete_job", UNKNOWN),
    probe("clone_job", UNKNOWN),
    probe("submit_job", Folder("app-not-there")),
)
"""What is told first: that there is no such job, or that nobody may."""

_LOOKS = ("get_job_meta", "download_job_result", "list_job_components", "get_job_logs", "reset_errors")


def _waiting() -> Iterator[Probe]:
    for role in _ROLES:
        yield from by(role, *_ON_MACHINES, *_BAD_WORDS)
        yield Probe("submit_job", (Folder(WAITING),), user=role)
        for job in _JOBS:
            yield from by(role, *(probe(method, Job(job)) for method in _LOOKS))
            yield from by(role, probe("clone_job", Job(job)))
            yield from by(role, probe("show_stats", Job(job), "all"), probe("show_errors", Job(job), "all"))
    for role in ("member", "other", "lead", "orgadmin"):
        for method in ("abort_job", "delete_job"):
            for job in _JOBS:
                yield Probe(method, (Job(job),), user=role)


def _running() -> Iterator[Probe]:
    for role in _ROLES:
        yield from by(
            role,
            probe("show_stats", Job("job"), "all"),
            probe("show_errors", Job("job"), "all"),
            probe("show_stats", Job("job"), "client", ["site-1"]),
            probe("reset_errors", Job("job")),
            probe("do_app_command", Job("job"), "topic", {}),
            probe("configure_job_log", Job("job"), "INFO"),
            probe("get_job_logs", Job("job")),
            probe("delete_job", Job("job")),
            probe("restart", "client"),
            probe("shutdown", "client"),
            probe("shutdown_system"),
        )
    for role in ("member", "other"):
        yield Probe("abort_job", (Job("job"),), user=role)


ROLES = Chapter(
    "roles",
    "jobs of three submitters wait, and users of every role come",
    tuple(_waiting()),
    (
        JobNeed("admin's", WAITING, LOOKED_AT),
        JobNeed("lead's", WAITING, LOOKED_AT, user="lead"),
        JobNeed("other's", WAITING, LOOKED_AT, user="other"),
    ),
    _ROLES,
)
ROLES_RUNNING = Chapter(
    "roles, running",
    "a job of a lead runs, and users of every role come",
    tuple(_running()),
    (JobNeed("job", SLOW, "RUNNING", user="lead"),),
    _ROLES,
)
ROLES_FINISHED = Chapter(
    "roles, finished",
    "a job of a lead has run to its end, and users of every role come",
    tuple(
        Probe(method, (Job("job"),), user=role)
        for role in _ROLES
        for method in ("get_job_meta", "download_job_result", "abort_job", "get_job_logs")
    ),
    (JobNeed("job", QUICK, "FINISHED", user="lead"),),
    _ROLES,
)

STUDIES = Chapter(
    "studies",
    "no study is there at first",
    tuple(
        Probe(method, args, user=user, releases=FROM_28, what=what)
        for user, method, args, what in (
            ("admin", "list_studies", (), ""),
            ("admin", "show_study", ("cancer",), "none there"),
            ("admin", "show_study", ("",), ""),
            ("admin", "show_study", (None,), ""),
            ("admin", "show_study", (5,), ""),
            ("admin", "show_study", ("Bad Name",), ""),
            ("admin", "remove_study", ("cancer",), "none there"),
            ("admin", "remove_study", ("default",), ""),
            ("admin", "remove_study", ("",), ""),
            ("admin", "register_study", ("cancer",), "no sites"),
            ("admin", "register_study", ("cancer", ["site-1"]), "sites for site_orgs"),
            ("admin", "register_study", ("cancer", ["site-1"], ["nvidia:site-1"]), ""),
            ("admin", "register_study", ("cancer", []), ""),
            ("admin", "register_study", ("cancer", None, []), ""),
            ("admin", "register_study", ("cancer", None, ["nvidia"]), ""),
            ("admin", "register_study", ("cancer", None, [":site-1"]), ""),
            ("admin", "register_study", ("cancer", None, ["nvidia:"]), ""),
            ("admin", "register_study", ("cancer", None, [5]), ""),
            ("admin", "register_study", ("cancer", None, "nvidia:site-1"), ""),
            ("admin", "register_study", ("cancer", None, ["other:site-1"]), ""),
            ("admin", "register_study", ("cancer", None, ["nvidia:site-9"]), ""),
            ("admin", "register_study", ("Bad Name", None, ["nvidia:site-1"]), ""),
            ("admin", "register_study", ("default", None, ["nvidia:site-1"]), ""),
            ("admin", "register_study", ("x" * 70, None, ["nvidia:site-1"]), ""),
            ("lead", "register_study", ("cancer", None, ["nvidia:site-1"]), ""),
            ("orgadmin", "register_study", ("lung", ["site-1"]), ""),
            ("orgadmin", "register_study", ("liver", None, ["nvidia:site-1"]), ""),
            ("orgadmin", "list_studies", (), ""),
            ("orgadmin", "show_study", ("lung",), ""),
            ("admin", "register_study", ("cancer", None, ["nvidia:site-1"]), "again, in order"),
            ("admin", "register_study", ("cancer", None, ["nvidia:site-2"]), "more sites"),
            ("admin", "show_study", ("cancer",), "there"),
            ("admin", "list_studies", (), "some there"),
            ("lead", "list_studies", (), ""),
            ("lead", "show_study", ("cancer",), ""),
            ("member", "show_study", ("cancer",), ""),
            ("admin", "add_study_site", ("cancer", None, ["nvidia:site-1"]), "there already"),
            ("admin", "add_study_site", ("cancer", ["site-1"]), ""),
            ("admin", "add_study_site", ("nope", None, ["nvidia:site-1"]), ""),
            ("admin", "add_study_site", ("", None, ["nvidia:site-1"]), ""),
            ("orgadmin", "add_study_site", ("cancer", ["site-2"]), ""),
            ("admin", "remove_study_site", ("cancer", None, ["nvidia:site-2"]), ""),
            ("admin", "remove_study_site", ("cancer", None, ["nvidia:site-2"]), "again"),
            ("admin", "remove_study_site", ("cancer", None, ["nvidia:site-9"]), ""),
            ("admin", "remove_study_site", ("nope", None, ["nvidia:site-1"]), ""),
            ("admin", "remove_study_site", ("cancer", ["site-1"]), ""),
            ("admin", "add_study_user", ("cancer", "lead@nvidia.com"), ""),
            ("admin", "add_study_user", ("cancer", "lead@nvidia.com"), "again"),
            ("admin", "add_study_user", ("cancer", "nobody@nowhere.org"), ""),
            ("admin", "add_study_user", ("cancer", ""), ""),
            ("admin", "add_study_user", ("cancer", None), ""),
            ("admin", "add_study_user", ("cancer", "two words"), ""),
            ("admin", "add_study_user", ("nope", "lead@nvidia.com"), ""),
            ("lead", "add_study_user", ("cancer", "member@nvidia.com"), ""),
            ("lead", "list_studies", (), "a user of one"),
            ("lead", "show_study", ("cancer",), "a user of it"),
            ("admin", "show_study", ("cancer",), "with users"),
            ("admin", "remove_study_user", ("cancer", "member@nvidia.com"), ""),
            ("admin", "remove_study_user", ("cancer", "lead@nvidia.com"), ""),
            ("admin", "remove_study_user", ("nope", "lead@nvidia.com"), ""),
            ("lead", "remove_study", ("cancer",), ""),
            ("orgadmin", "remove_study", ("cancer",), ""),
            ("admin", "remove_study_site", ("cancer", None, ["nvidia:site-1"]), "the last one"),
            ("admin", "show_study", ("cancer",), "without sites"),
            ("admin", "remove_study", ("cancer",), ""),
            ("admin", "remove_study", ("lung",), ""),
            ("orgadmin", "remove_study", ("lung",), ""),
            ("orgadmin", "remove_study", ("liver",), ""),
            ("admin", "list_studies", (), "all gone"),
        )
    ),
    (),
    ("orgadmin", "lead", "member"),
)
