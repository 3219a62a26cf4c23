"""Whether an upload is a job definition: the checks of the official server in their order, then those of ours.

Texts, order and oddities are the official server's, one release a profile (observed: 2.3.12 and 2.6.3, all rules;
2.4.2 and 2.5.2 in part). Nothing is ever extracted: a definition stays a zip.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from flare_client.protocol.archive import ArchiveLimits, check_members
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.jobs import ALL_SITES, SERVER_SITE, JobMetaKey
from flare_client.protocol.limits import GIB, MIB
from flare_client.protocol.releases import ReleaseProfile
from flare_client.protocol.statuses import MetaStatus
from mock_server.jobs.store import participants

MAX_CLIENTS = 1_000_000
MAX_META_SIZE = 4 * MIB
UPLOAD_LIMITS = ArchiveLimits(entries=100_000, total=64 * GIB, ratio=200, free=256 * MIB)

SERVER_CONFIG = "config_fed_server"
CLIENT_CONFIG = "config_fed_client"


class DefinitionRejected(Exception):
    """The upload is refused.

    Attributes:
        text: the words for the user.
        status: the status of the reply's meta.
        info: the info of the reply's meta.
    """

    def __init__(
        self, text: str, status: MetaStatus = MetaStatus.INVALID_JOB_DEFINITION, info: str | None = None
    ) -> None:
        super().__init__(text)
        self.text = text
        self.status = status
        self.info = text if info is None else info


class _Broken(ValueError):
    """A rule of the definition is broken; the text is the official one without the prefix of 2.3."""


@dataclasses.dataclass(frozen=True)
class _Check:
    """One upload under examination."""

    archive: zipfile.ZipFile
    names: frozenset[str]
    folder: str
    profile: ReleaseProfile

    def app(self, name: str) -> str:
        return f"'{name}'" if self.profile.quotes_app_names else name


def read_definition(path: Path, folder: str, profile: ReleaseProfile) -> dict[str, Any]:
    """Check an uploaded job definition and return its meta.

    Args:
        path: the upload.
        folder: the name of the job folder inside it.
        profile: the release whose rules count.

    Returns:
        The content of the meta file, marked ``byoc`` where the release does so.

    Raises:
        DefinitionRejected: a rule is broken.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            meta = _examine(_Check(archive, frozenset(archive.namelist()), folder, profile))
            # Our own rules come last: an upload that the official server refuses is refused in its words.
            check_members(archive.infolist(), path.stat().st_size, UPLOAD_LIMITS)
            return meta
    except _Broken as problem:
        raise DefinitionRejected(f"{profile.rejection_prefix}{problem}") from problem
    except RemoteProtocolError as problem:
        raise DefinitionRejected(f"{profile.rejection_prefix}{problem.reason}") from problem
    except (zipfile.BadZipFile, StopIteration, AttributeError, TypeError, NotImplementedError, RuntimeError) as problem:
        # What a definition breaks in the official validator without a rule for it.
        raise _crash(problem, profile) from problem


def _crash(problem: Exception, profile: ReleaseProfile) -> DefinitionRejected:
    kind = type(problem).__name__
    if isinstance(problem, zipfile.BadZipFile) and not profile.detailed_meta_statuses:
        text = f"Exception Occurred: {kind}: {problem}"
        return DefinitionRejected(text, MetaStatus.ERROR)
    return DefinitionRejected(
        f"Exception occurred trying to submit job: {kind}: {problem}",
        MetaStatus.INTERNAL_ERROR,
        f"exception {type(problem)} occurred",
    )


def _examine(check: _Check) -> dict[str, Any]:
    meta = _read_meta(check)
    sites = _check_deploy_map(check, meta)
    _check_apps(check, meta)
    clients = {ALL_SITES} if sites == [ALL_SITES] else {site for site in sites if site != SERVER_SITE}
    _check_min_clients(check, meta, clients)
    _check_resources(check, meta)
    _check_mandatory(check, meta, clients)
    return meta


# --- the meta file ----------------------------------------------------------------------------------------------


def _read_meta(check: _Check) -> dict[str, Any]:
    for ending in check.profile.meta_formats:
        name = f"{check.folder}/meta{ending}"
        if name in check.names:
            meta = _parse_meta(check, name, ending)
            if meta:
                return meta
            break
    if check.profile.accepts_legacy_jobs:
        return _legacy_meta(check)
    raise _Broken(
        f"meta.[json|conf|yml] not existing for job {check.folder}, possible in legacy job format.  "
        "Please upgrade the job structure."
    )


def _parse_meta(check: _Check, name: str, ending: str) -> dict[str, Any]:
    size = check.archive.getinfo(name).file_size
    if size > MAX_META_SIZE:
        raise RemoteProtocolError(f"expected at most {MAX_META_SIZE:,} bytes in {name}, but it has {size:,}")
    with check.archive.open(name) as file:
        content = file.read(MAX_META_SIZE)
    try:
        # A .conf file is HOCON on an official server; here its JSON form is read, which is HOCON too.
        meta = yaml.safe_load(content) if ".y" in ending else json.loads(content.decode("utf-8"))
    except json.JSONDecodeError as problem:
        if check.profile.detailed_meta_statuses:
            raise _Broken(str(problem)) from problem
        raise DefinitionRejected(f"Exception Occurred: JSONDecodeError: {problem}", MetaStatus.ERROR) from problem
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as problem:
        raise _Broken(" ".join(str(problem).split())) from problem
    if not isinstance(meta, dict):
        raise AttributeError(f"'{type(meta).__name__}' object has no attribute 'get'")
    return meta


def _legacy_meta(check: _Check) -> dict[str, Any]:
    """Release 2.3 takes a folder without meta for an application of the older layout, deployed everywhere."""
    if not any(name.startswith(f"{check.folder}/") for name in check.names):
        raise _Broken(f"meta.json is empty for job {check.folder}")
    if f"{check.folder}/config/" not in check.names:
        raise _Broken(f"App {check.folder} in deploy_map doesn't exist for job {check.folder}")
    return {
        JobMetaKey.NAME.value: check.folder,
        JobMetaKey.JOB_FOLDER_NAME.value: check.folder,
        JobMetaKey.DEPLOY_MAP.value: {check.folder: [ALL_SITES]},
        JobMetaKey.MIN_CLIENTS.value: 1,
    }


# --- the deploy map and the apps ---------------------------------------------------------------------------------


def _participants(check: _Check, deployments: Any) -> list[str]:
    if not check.profile.site_groups_in_deploy_map and any(isinstance(element, dict) for element in deployments):
        raise AttributeError("'dict' object has no attribute 'casefold'")
    return participants(deployments)


def _is_all(site: str) -> bool:
    return site.casefold() == ALL_SITES.casefold()


def _check_deploy_map(check: _Check, meta: dict[str, Any]) -> list[str]:
    deploy_map = meta.get(JobMetaKey.DEPLOY_MAP.value)
    if not deploy_map:
        raise _Broken(f"deploy_map is empty for job {check.folder}")
    sites = [site for deployments in deploy_map.values() for site in _participants(check, deployments)]
    if not sites:
        raise _Broken(f"No site is specified in deploy_map for job {check.folder}")
    if any(_is_all(site) for site in sites):
        if len(sites) > 1:
            raise _Broken(f"No other site can be specified if {ALL_SITES} is used for job {check.folder}")
        return [ALL_SITES]
    if SERVER_SITE not in sites:
        raise _Broken(f"Missing server site in deploy_map for job {check.folder}")
    twice = [site for site, count in collections.Counter(sites).items() if count > 1]
    if twice:
        raise _Broken(f"Multiple apps to be deployed to following sites {twice} for job {check.folder}")
    return sites


def _config_names(check: _Check, stem: str) -> Iterator[str]:
    return (f"{stem}{ending}" for ending in check.profile.meta_formats)


def _check_apps(check: _Check, meta: dict[str, Any]) -> None:
    brings_code = False
    for app, deployments in meta[JobMetaKey.DEPLOY_MAP.value].items():
        sites = _participants(check, deployments)
        # A legacy application is its own folder.
        is_legacy = check.profile.accepts_legacy_jobs and f"{check.folder}/meta.json" not in check.names
        base = check.folder if is_legacy else f"{check.folder}/{app}"
        config = f"{base}/config/"
        if config not in check.names:
            raise _Broken(f"App {check.app(app)} in deploy_map doesn't exist for job {check.folder}")
        for who, stem, wanted in (
            ("server", SERVER_CONFIG, any(_is_all(s) or s == SERVER_SITE for s in sites)),
            ("client", CLIENT_CONFIG, any(_is_all(s) or s != SERVER_SITE for s in sites)),
        ):
            if wanted and not any(name in check.names for name in _config_names(check, f"{config}{stem}")):
                raise _Broken(f"App {check.app(app)} will be deployed to {who} but {who} config is missing")
        brings_code = brings_code or f"{base}/custom/" in check.names
    if brings_code and check.profile.marks_byoc:
        meta[JobMetaKey.BYOC.value] = True


# --- how many sites, and which -----------------------------------------------------------------------------------


def _as_int(value: Any) -> int:
    if isinstance(value, int):
        return value
    try:
        return int(value)
    except (ValueError, TypeError) as problem:
        # The official validator hands two words to its error, so the text is that of a pair.
        words = (f"invalid data type for {value},can't not convert to Int", f"{type(problem).__name__}: {problem}")
        raise _Broken(str(words)) from problem


def _check_min_clients(check: _Check, meta: dict[str, Any], clients: set[str]) -> None:
    value = meta.get(JobMetaKey.MIN_CLIENTS.value)
    if value is None:
        return
    count = _as_int(value)
    if count <= 0:
        raise _Broken(f"min_clients {count} must be positive for job {check.folder}")
    if count > MAX_CLIENTS:
        raise _Broken(f"min_clients {count} must be less than {MAX_CLIENTS}  for job {check.folder}")
    if _names_sites(clients) and len(clients) < count:
        raise _Broken(f"min {count} clients required for job {check.folder}, found {len(clients)}.")


def _names_sites(clients: set[str]) -> bool:
    # A deploy map with the server alone has no first client: the official validator stumbles over that.
    return next(iter(clients)) != ALL_SITES


def _check_resources(check: _Check, meta: dict[str, Any]) -> None:
    resources = meta.get(JobMetaKey.RESOURCE_SPEC.value)
    if not resources:
        return
    if not isinstance(resources, dict):
        raise _Broken(f"Invalid resource_spec for job {check.folder}")
    for site, spec in resources.items():
        if spec and not isinstance(spec, dict):
            raise _Broken(f"value for key {site} in resource spec is expecting a dictionary")


def _check_mandatory(check: _Check, meta: dict[str, Any], clients: set[str]) -> None:
    if not _names_sites(clients):
        return
    missing = set(meta.get(JobMetaKey.MANDATORY_CLIENTS.value) or ()) - clients
    if missing:
        raise _Broken(f"Mandatory clients {missing} are not in the deploy_map for job {check.folder}")
