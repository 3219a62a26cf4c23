"""Commands about studies (releases from 2.8 on). A refusal is an object like any answer, with a code in it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import NoReturn

from flare_client.protocol.commands import Right
from flare_client.protocol.envelope import Json
from flare_client.protocol.formats import DEFAULT_STUDY, is_study_name
from flare_client.protocol.statuses import MetaStatus
from mock_server.answers import Reply, meta
from mock_server.commands.registry import answers
from mock_server.commands.targets import connected
from mock_server.context import Call, ServerContext
from mock_server.policy import ORG_ADMIN, PROJECT_ADMIN, Person
from mock_server.studies import Study

_ORG = re.compile(r"[A-Za-z0-9_]+")
_SITE = re.compile(r"[A-Za-z0-9_-]+")
_USAGE_EXIT = 4
"""The exit code for what is wrong in the words of a command; 1 is that for what is not so."""


class StudyRefused(Exception):
    """A command about a study is refused.

    Attributes:
        code: the word for programs.
        message: what is wrong.
        hint: what may help.
        exit_code: what a command line tool exits with.
    """

    def __init__(self, code: str, message: str, hint: str = "", exit_code: int = 1) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.exit_code = code, message, hint, exit_code

    def reply(self) -> Reply:
        """The refusal as it is answered."""
        fields: dict[str, Json] = {
            "error_code": self.code,
            "message": self.message,
            "hint": self.hint,
            "exit_code": self.exit_code,
        }
        return _told(fields)


def _told(fields: dict[str, Json]) -> Reply:
    return Reply().dict(fields, meta(MetaStatus.OK))


class _Parser(argparse.ArgumentParser):
    def __init__(self, command: str, *, sites: bool = False, user: bool = False) -> None:
        super().__init__(prog=command, add_help=False)
        self.add_argument("study")
        if sites:
            self.add_argument("--sites", required=False)
            self.add_argument("--site-org", action="append", default=[], dest="site_orgs")
        if user:
            self.add_argument("user")

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}\n{self.format_help()}")


# --- the words of a command -------------------------------------------------------------------------------------


def _checked_name(study: str) -> str:
    if not is_study_name(study) or study == DEFAULT_STUDY:
        raise StudyRefused("INVALID_STUDY_NAME", f"invalid study name '{study}'", exit_code=_USAGE_EXIT)
    return study


def _bad(message: str) -> StudyRefused:
    return StudyRefused("INVALID_ARGS", message, exit_code=_USAGE_EXIT)


def _listed(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]


def _sites(words: str | None) -> list[str]:
    if words is None:
        raise _bad("--sites is required")
    sites = list(dict.fromkeys(_listed(words)))
    if not sites:
        raise _bad("--sites must contain at least one site")
    return sites


def _site_orgs(values: list[str]) -> dict[str, list[str]]:
    if not values:
        raise _bad("--site-org is required")
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for value in values:
        org, colon, words = value.partition(":")
        if not colon:
            raise _bad(f"invalid --site-org value '{value}'")
        sites = _listed(words)
        for site in sites:
            if site in seen:
                raise _bad(f"site '{site}' appears in more than one org group")
            seen.add(site)
        if not sites:
            raise _bad(f"--site-org '{value}' must contain at least one site")
        found.setdefault(org.strip(), []).extend(sites)
    return found


def _requested(call: Call, options: argparse.Namespace) -> dict[str, list[str]]:
    """The sites that a command names, by organisation; how they are named depends on the role."""
    role = call.session.role
    if options.sites and options.site_orgs:
        raise _bad("--sites and --site-org are mutually exclusive; provide only one")
    if role == ORG_ADMIN and options.site_orgs:
        raise _bad("org_admin must use --sites, not --site-org")
    if role == PROJECT_ADMIN and options.sites:
        raise _bad("project_admin must use --site-org, not --sites")
    if role == PROJECT_ADMIN:
        found = _site_orgs(options.site_orgs)
    else:
        if not call.session.org:
            raise _bad("caller org is empty — misconfigured certificate")
        found = {call.session.org: _sites(options.sites)}
    for org, sites in found.items():
        if not _ORG.fullmatch(org):
            raise _bad(f"invalid org '{org}'")
        for site in sites:
            if not _SITE.fullmatch(site):
                raise StudyRefused("INVALID_SITE", f"invalid site '{site}'", exit_code=_USAGE_EXIT)
    return found


def _read_sites(call: Call) -> tuple[str, dict[str, list[str]]]:
    options = _Parser(call.spec.name, sites=True).parse_args(call.words[1:])
    return _checked_name(options.study), _requested(call, options)


def _read_name(call: Call, *, user: bool = False) -> argparse.Namespace:
    """The options of a command that names a study, and maybe a user; whatever is wrong counts as a wrong name."""
    try:
        options = _Parser(call.spec.name, user=user).parse_args(call.words[1:])
    except ValueError as problem:
        raise StudyRefused("INVALID_STUDY_NAME", str(problem), exit_code=_USAGE_EXIT) from problem
    _checked_name(options.study)
    return options


# --- who may see what -------------------------------------------------------------------------------------------


def _sees(call: Call, study: Study) -> bool:
    if call.session.role == PROJECT_ADMIN:
        return True
    if call.session.role == ORG_ADMIN:
        return call.session.org in study.site_orgs
    return call.session.user in study.users


def _visible(context: ServerContext, call: Call, name: str, hint: str) -> Study:
    study = context.studies.get(name)
    if study is None or not _sees(call, study):
        raise StudyRefused("STUDY_NOT_FOUND", f"Study '{name}' not found.", hint)
    return study


_ASK_ADMIN = "Verify the study name or contact a project_admin."


def _check_connected(context: ServerContext, requested: dict[str, list[str]]) -> None:
    here = connected(context)
    for org, sites in requested.items():
        bad = [site for site in sites if site not in here or context.engine.site_org(site) != org]
        if bad:
            raise StudyRefused(
                "INVALID_SITE",
                f"Sites {bad} are unknown or do not belong to org '{org}'.",
                "Each site must be currently connected to the server and provisioned under the specified org.",
                _USAGE_EXIT,
            )


def _organised(study: Study) -> dict[str, Json]:
    return {org: list(sites) for org, sites in study.site_orgs.items()}


def _shown(name: str, study: Study) -> dict[str, Json]:
    return {"name": name, "site_orgs": _organised(study), "sites": list(study.sites), "users": list(study.users)}


def _refusing(handler: Callable[[ServerContext, Call], Reply]) -> Callable[[ServerContext, Call], Reply]:
    def handle(context: ServerContext, call: Call) -> Reply:
        try:
            return handler(context, call)
        except StudyRefused as problem:
            return problem.reply()

    handle.__name__ = handler.__name__
    return handle


# --- the commands -----------------------------------------------------------------------------------------------


@answers("register_study")
@_refusing
def register_study(context: ServerContext, call: Call) -> Reply:
    """Begin a study, or add sites and the caller to one."""
    name, requested = _read_sites(call)
    study = context.studies.get(name)
    if study is not None and call.session.role == ORG_ADMIN and call.session.org not in study.site_orgs:
        hint = "The study name is already taken. Contact a project_admin to grant access."
        raise StudyRefused("STUDY_ALREADY_EXISTS", f"Study '{name}' already exists.", hint)
    _check_connected(context, requested)
    study = study or context.studies.add(name)
    for org, sites in requested.items():
        enrolled = study.site_orgs.setdefault(org, [])
        enrolled += [site for site in sites if site not in enrolled]
    if call.session.user not in study.users:
        study.users.append(call.session.user)
    return _told(_shown(name, study))


@answers("add_study_site")
@_refusing
def add_study_site(context: ServerContext, call: Call) -> Reply:
    """Add sites to a study."""
    name, requested = _read_sites(call)
    study = _visible(context, call, name, _ASK_ADMIN)
    _check_connected(context, requested)
    added: list[Json] = []
    already: list[Json] = []
    for org, sites in requested.items():
        enrolled = study.site_orgs.setdefault(org, [])
        for site in sites:
            (already if site in enrolled else added).append(site)
        enrolled += [site for site in sites if site not in enrolled]
    changed = {"study": name, "added": added, "already_enrolled": already}
    return _told({**changed, "site_orgs": _organised(study), "sites": list(study.sites)})


@answers("remove_study_site")
@_refusing
def remove_study_site(context: ServerContext, call: Call) -> Reply:
    """Take sites out of a study, connected or not."""
    name, requested = _read_sites(call)
    study = _visible(context, call, name, _ASK_ADMIN)
    removed: list[Json] = []
    missing: list[Json] = []
    for org, sites in requested.items():
        enrolled = study.site_orgs.get(org, [])
        removed += [site for site in enrolled if site in sites]
        missing += [site for site in sites if site not in enrolled]
        if org in study.site_orgs:
            study.site_orgs[org] = [site for site in enrolled if site not in sites]
    changed = {"study": name, "removed": removed, "not_enrolled": missing}
    return _told({**changed, "site_orgs": _organised(study), "sites": list(study.sites)})


@answers("remove_study")
@_refusing
def remove_study(context: ServerContext, call: Call) -> Reply:
    """Forget a study that has no jobs."""
    name = _read_name(call).study
    if context.studies.get(name) is None:
        raise StudyRefused("STUDY_NOT_FOUND", f"Study '{name}' not found.", "Verify the study name.")
    count = sum(job.study == name for job in context.engine.jobs(reverse=False))
    if count:
        message = f"Study '{name}' has {count} associated job(s) and cannot be removed."
        raise StudyRefused("STUDY_HAS_JOBS", message, "Archive or delete the associated jobs before retrying.")
    context.studies.remove(name)
    return _told({"name": name, "removed": True})


@answers("list_studies")
@_refusing
def list_studies(context: ServerContext, call: Call) -> Reply:
    """The studies that the caller may see, and whether they may submit jobs."""
    if len(call.words) != 1:
        raise _bad("list_studies does not accept arguments")
    session = call.session
    may = context.policy.allows(
        Right.SUBMIT_JOB, call.user, site_org=context.org, submitter=Person(name="", org="", role="")
    )
    reason = {} if may else {"reason": f"user '{session.user}' is not authorized for 'submit_job'"}
    names = sorted(name for name, study in context.studies if _sees(call, study))
    details: list[Json] = [
        {"name": name, "role": session.role, "capabilities": {"submit_job": may}, "can_submit_job": may, **reason}
        for name in names
    ]
    identity: dict[str, Json] = {"name": session.user, "org": session.org, "role": session.role}
    return _told({"identity": identity, "studies": list(names), "study_details": details})


@answers("show_study")
@_refusing
def show_study(context: ServerContext, call: Call) -> Reply:
    """One study."""
    name = _read_name(call).study
    hint = "Verify the study name. If the study exists and you expect access, contact a project_admin."
    return _told(_shown(name, _visible(context, call, name, hint)))


@answers("add_study_user")
@_refusing
def add_study_user(context: ServerContext, call: Call) -> Reply:
    """Let a user work in a study."""
    options = _read_name(call, user=True)
    study = _visible(context, call, options.study, _ASK_ADMIN)
    if options.user in study.users:
        message = f"User '{options.user}' is already in study '{options.study}'."
        raise StudyRefused("USER_ALREADY_IN_STUDY", message, "Use a different user or remove the existing entry first.")
    study.users.append(options.user)
    return _told({"study": options.study, "user": options.user})


@answers("remove_study_user")
@_refusing
def remove_study_user(context: ServerContext, call: Call) -> Reply:
    """Let a user work in a study no more."""
    options = _read_name(call, user=True)
    study = _visible(context, call, options.study, _ASK_ADMIN)
    if options.user not in study.users:
        message = f"User '{options.user}' is not in study '{options.study}'."
        raise StudyRefused("USER_NOT_IN_STUDY", message, "Use add-user to add the user first.")
    study.users.remove(options.user)
    return _told({"study": options.study, "user": options.user, "removed": True})
