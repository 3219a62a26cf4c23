"""Whether an upload is a job definition: the checks of the official server in their order, then those of ours.

Texts, order and oddities are the official server's, one release a profile (observed: the validators of 2.3.12, 2.4.2,
2.5.2 and 2.6.3 on the same uploads, and their servers). Nothing is ever extracted: a definition stays a zip.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flare_client.protocol.archive import ArchiveLimits, check_members
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.formats import JOB_NAME_RULE, is_job_folder_name
from flare_client.protocol.jobs import ALL_SITES, SERVER_SITE, JobMetaKey
from flare_client.protocol.limits import GIB, MIB
from flare_client.protocol.releases import ReleaseProfile
from flare_client.protocol.statuses import MetaStatus
from mock_server.jobs import meta_file
from mock_server.jobs.legacy import Conversion, conversion_of
from mock_server.jobs.meta_file import UnfitMeta

MAX_CLIENTS = 1_000_000
UPLOAD_LIMITS = ArchiveLimits(entries=100_000, total=16 * GIB, ratio=20, free=64 * MIB)
"""Official clients store without compression, so a ratio of 1 is what is seen in earnest."""
MAX_DIRECTORY_SIZE = 8 * MIB
"""Bytes of a zip's directory: it is in memory before the first member can be counted."""

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


@dataclasses.dataclass(frozen=True)
class Definition:
    """A definition that passed.

    Attributes:
        meta: the content of its meta file, marked ``byoc`` where the release does so.
        conversion: how the release rewrites the upload before it stores it; ``None`` if it does not.
    """

    meta: dict[str, Any]
    conversion: Conversion | None


@dataclasses.dataclass(frozen=True)
class _Check:
    """One upload under examination."""

    archive: zipfile.ZipFile
    names: frozenset[str]
    folder: str
    profile: ReleaseProfile
    conversion: Conversion | None

    def app(self, name: str) -> str:
        return f"'{name}'" if self.profile.quotes_app_names else name


def read_definition(
    path: Path, folder: str, profile: ReleaseProfile, limits: ArchiveLimits = UPLOAD_LIMITS
) -> Definition:
    """Check an uploaded job definition.

    Args:
        path: the upload.
        folder: the name of the job folder inside it.
        profile: the release whose rules count.
        limits: what the upload may unfold to.

    Raises:
        DefinitionRejected: a rule is broken.
    """
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            conversion = _convert(archive, profile)
            names = conversion.names(archive) if conversion else frozenset(archive.namelist())
            meta = _examine(_Check(archive, names, folder, profile, conversion))
            # Our own rules come last: an upload that the official server refuses is refused in its words.
            check_members(archive.infolist(), path.stat().st_size, limits)
            return Definition(_usable(meta), conversion)
    except DefinitionRejected:
        raise
    except RemoteProtocolError as problem:
        raise DefinitionRejected(f"{profile.rejection_prefix}{problem.reason}") from problem
    except ValueError as problem:
        # The official validator reports every ValueError as a broken rule, those of parsers too.
        raise DefinitionRejected(f"{profile.rejection_prefix}{problem}") from problem
    except zipfile.BadZipFile as problem:
        raise (_crash(problem) if not profile.accepts_legacy_jobs else _bare_crash(problem)) from problem
    except Exception as problem:
        # What a definition breaks in the official validator without a rule for it.
        raise _crash(problem) from problem


def _crash(problem: Exception) -> DefinitionRejected:
    return DefinitionRejected(
        f"Exception occurred trying to submit job: {type(problem).__name__}: {problem}",
        MetaStatus.INTERNAL_ERROR,
        f"exception {type(problem)} occurred",
    )


def _bare_crash(problem: Exception) -> DefinitionRejected:
    return DefinitionRejected(f"Exception Occurred: {type(problem).__name__}: {problem}", MetaStatus.ERROR)


def _convert(archive: zipfile.ZipFile, profile: ReleaseProfile) -> Conversion | None:
    if not profile.accepts_legacy_jobs:
        return None
    try:
        return conversion_of(archive)
    except UnfitMeta:
        raise
    except Exception as problem:
        raise _bare_crash(problem) from problem


def _check_directory(path: Path) -> None:
    """Refuse a zip whose directory alone would fill the memory, before anything reads it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - (1 << 16) - 98))
        tail = file.read()
    # The end record stands at the very end, or before a comment; one for large archives may stand before it.
    for at in {len(tail) - 22, tail.rfind(b"PK\5\6")}:
        if at < 0 or tail[at : at + 4] != b"PK\5\6" or len(tail) - at < 22:
            continue
        declared: int = struct.unpack_from("<L", tail, at + 12)[0]
        if at >= 76 and tail[at - 76 : at - 72] == b"PK\6\6":
            declared = struct.unpack_from("<Q", tail, at - 76 + 40)[0]
        if min(declared, size) > MAX_DIRECTORY_SIZE:
            raise UnfitMeta(f"expected at most {MAX_DIRECTORY_SIZE:,} bytes of archive directory, but got {declared:,}")


def _examine(check: _Check) -> dict[str, Any]:
    meta: dict[str, Any] = _read_meta(check)
    if check.profile.checks_deploy_map_form and meta.get(JobMetaKey.JOB_ID.value):
        _check_name("job_id", meta[JobMetaKey.JOB_ID.value])
    sites = _check_deploy_map(check, meta)
    _check_apps(check, meta)
    clients = {ALL_SITES} if sites == [ALL_SITES] else {site for site in sites if site != SERVER_SITE}
    _check_min_clients(check, meta, clients)
    _check_resources(check, meta)
    _check_mandatory(check, meta, clients)
    if check.profile.launcher_modes:
        _check_launchers(check, meta.get(JobMetaKey.LAUNCHER_SPEC.value))
    return meta


def _usable(meta: dict[str, Any]) -> dict[str, Any]:
    """Check what the official validator lets through, and its scheduler or its replies then stumble over."""
    mandatory = meta.get(JobMetaKey.MANDATORY_CLIENTS.value)
    if mandatory and not (
        isinstance(mandatory, (str, list, dict)) and all(isinstance(name, str) for name in mandatory)
    ):
        raise UnfitMeta(f"expected a list of site names as mandatory_clients, but got {mandatory!r:.60}")
    usable: dict[str, Any] = meta_file.plain(meta, "the job's meta")
    return usable


# --- the meta file ----------------------------------------------------------------------------------------------


def _read_meta(check: _Check) -> Any:
    """The content of the meta file. What is not a mapping breaks the first rule that looks into it."""
    meta = None
    for ending in check.profile.meta_formats:
        name = f"{check.folder}/meta{ending}"
        if check.conversion is not None and name == check.conversion.meta_name:
            meta = dict(check.conversion.meta)
            break
        if name in check.names:
            meta = meta_file.parse(check.archive, name)
            break
    if meta:
        return meta
    if check.profile.accepts_legacy_jobs:
        raise ValueError(f"meta.json is empty for job {check.folder}")
    raise ValueError(
        f"meta.[json|conf|yml] not existing for job {check.folder}, possible in legacy job format.  "
        "Please upgrade the job structure."
    )


# --- the deploy map and the apps ---------------------------------------------------------------------------------


def _participants(check: _Check, deployments: Any) -> list[Any]:
    """The sites of one entry of the deploy map."""
    if check.profile.site_lists_in_deploy_map:
        return _listed_participants(check, deployments)
    if not check.profile.site_groups_in_deploy_map:
        return list(deployments)
    sites: list[Any] = []
    for element in deployments:
        if isinstance(element, str):
            sites.append(element)
        elif isinstance(element, dict):
            sites.extend(element.get("sites"))  # type: ignore[arg-type]  # None breaks as in the official validator
        else:
            raise ValueError(f"Must be tye of str or dict, but got {type(element)}")
    return sites


_SITE_KEYS = ("sites", "targets")


def _listed_participants(check: _Check, deployments: Any) -> list[Any]:
    """As releases from 2.7 on read an entry: a name, an object, or a list of both."""
    if isinstance(deployments, dict):
        key = next((one for one in reversed(_SITE_KEYS) if one in deployments), None)
        if key is None:
            raise ValueError(f"invalid participant entry keys {list(deployments)}: expected 'targets' or 'sites'")
        deployments = deployments[key]
    elif isinstance(deployments, str):
        deployments = [deployments]
    if not isinstance(deployments, list):
        raise ValueError(f"participants must be list/str/dict, but got {type(deployments)}")
    sites: list[Any] = []
    for element in deployments:
        if isinstance(element, str):
            sites.append(element)
            continue
        if not isinstance(element, dict):
            raise ValueError(f"Must be type of str or dict, but got {type(element)}")
        unknown = set(element) - set(_SITE_KEYS)
        if unknown and check.profile.checks_deploy_map_form:
            raise ValueError(
                f"Unknown keys {unknown} in deploy_map entry for job {check.folder}. "
                f"Valid keys are: {sorted(_SITE_KEYS)}"
            )
        named = element.get("sites") if element.get("sites") is not None else element.get("targets")
        if not isinstance(named, list):
            raise ValueError(f"site list must be list in participant entry {element}: expected 'targets' or 'sites'")
        sites.extend(named)
    return sites


def _is_all(site: str) -> bool:
    return site.casefold() == ALL_SITES.casefold()


def _check_deploy_map(check: _Check, meta: dict[str, Any]) -> list[str]:
    deploy_map = meta.get(JobMetaKey.DEPLOY_MAP.value)
    if not deploy_map:
        raise ValueError(f"deploy_map is empty for job {check.folder}")
    if check.profile.checks_deploy_map_form:
        _check_form(check, deploy_map)
    sites = [site for deployments in deploy_map.values() for site in _participants(check, deployments)]
    if not sites:
        raise ValueError(f"No site is specified in deploy_map for job {check.folder}")
    if any(_is_all(site) for site in sites):
        if len(sites) > 1:
            raise ValueError(f"No other site can be specified if {ALL_SITES} is used for job {check.folder}")
        return [ALL_SITES]
    if SERVER_SITE not in sites:
        raise ValueError(f"Missing server site in deploy_map for job {check.folder}")
    twice = [site for site, count in collections.Counter(sites).items() if count > 1]
    if twice:
        raise ValueError(f"Multiple apps to be deployed to following sites {twice} for job {check.folder}")
    return sites


def _check_form(check: _Check, deploy_map: Any) -> None:
    if not isinstance(deploy_map, dict):
        raise ValueError(f"deploy_map must be a dictionary for job {check.folder}")
    for app in deploy_map:
        _check_name("job app name", app)


def _check_name(what: str, name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise ValueError(f"{what} must be a non-empty string")
    if not is_job_folder_name(name):
        raise ValueError(
            f"invalid {what} '{name}': name={name} is ill-formatted for entity_type=job_name based on "
            f"regex_pattern={JOB_NAME_RULE}"
        )


def _config_names(check: _Check, stem: str) -> Iterator[str]:
    return (f"{stem}{ending}" for ending in check.profile.meta_formats)


def _check_apps(check: _Check, meta: dict[str, Any]) -> None:
    brings_code = False
    for app, deployments in meta[JobMetaKey.DEPLOY_MAP.value].items():
        sites = _participants(check, deployments)
        base = f"{check.folder}/{app}"
        config = f"{base}/config/"
        if config not in check.names:
            raise ValueError(f"App {check.app(app)} in deploy_map doesn't exist for job {check.folder}")
        for who, stem, wanted in (
            ("server", SERVER_CONFIG, any(_is_all(s) or s == SERVER_SITE for s in sites)),
            ("client", CLIENT_CONFIG, any(_is_all(s) or s != SERVER_SITE for s in sites)),
        ):
            if wanted and not any(name in check.names for name in _config_names(check, f"{config}{stem}")):
                raise ValueError(f"App {check.app(app)} will be deployed to {who} but {who} config is missing")
            if wanted and stem == SERVER_CONFIG and check.profile.reads_server_config:
                _read_config(check, f"{config}{stem}.json")
        brings_code = brings_code or f"{base}/custom/" in check.names
    if brings_code and check.profile.marks_byoc:
        meta[JobMetaKey.BYOC.value] = True
    elif check.profile.derives_byoc:
        meta.pop(JobMetaKey.BYOC.value, None)


def _read_config(check: _Check, name: str) -> None:
    """Read a configuration as the official server of 2.9 does, which looks into it for apps of Flower.

    Raises:
        ValueError: it is no JSON; the text is that of the parser.
    """
    if check.conversion is None and name in check.names:
        json.loads(check.archive.read(name))


# --- how many sites, and which -----------------------------------------------------------------------------------


def _as_int(value: Any) -> int:
    if isinstance(value, int):
        return value
    try:
        return int(value)
    except (ValueError, TypeError) as problem:
        # The official validator hands two words to its error, so the text is that of a pair.
        words = (f"invalid data type for {value},can't not convert to Int", f"{type(problem).__name__}: {problem}")
        raise ValueError(str(words)) from problem


def _check_min_clients(check: _Check, meta: dict[str, Any], clients: set[str]) -> None:
    value = meta.get(JobMetaKey.MIN_CLIENTS.value)
    if value is None:
        return
    count = _as_int(value)
    if count <= 0:
        raise ValueError(f"min_clients {count} must be positive for job {check.folder}")
    if count > MAX_CLIENTS:
        raise ValueError(f"min_clients {count} must be less than {MAX_CLIENTS}  for job {check.folder}")
    if _names_sites(clients) and len(clients) < count:
        raise ValueError(f"min {count} clients required for job {check.folder}, found {len(clients)}.")


def _names_sites(clients: set[str]) -> bool:
    # A deploy map with the server alone has no first client: the official validator stumbles over that.
    return next(iter(clients)) != ALL_SITES


def _check_resources(check: _Check, meta: dict[str, Any]) -> None:
    resources = meta.get(JobMetaKey.RESOURCE_SPEC.value)
    strict = check.profile.checks_empty_resources
    if resources is None or not (resources or strict):
        return
    if not isinstance(resources, dict):
        raise ValueError(f"Invalid resource_spec for job {check.folder}")
    for site, spec in resources.items():
        if (spec or strict) and not isinstance(spec, dict):
            raise ValueError(f"value for key {site} in resource spec is expecting a dictionary")


def _check_launchers(check: _Check, launchers: Any) -> None:
    """Check how sites are to launch the job; what stands under a mode is not looked into."""
    if launchers is None:
        return
    if not isinstance(launchers, dict):
        raise ValueError(f"launcher_spec for job {check.folder} must be a dict")
    for site, modes in launchers.items():
        if not isinstance(modes, dict):
            raise ValueError(f"launcher_spec['{site}'] for job {check.folder} must be a dict")
        for mode, spec in modes.items():
            if mode not in check.profile.launcher_modes:
                raise ValueError(
                    f"launcher_spec['{site}'] for job {check.folder} contains unknown launcher mode '{mode}'; "
                    f"valid modes: {sorted(check.profile.launcher_modes)}"
                )
            if not isinstance(spec, dict):
                raise ValueError(f"launcher_spec['{site}']['{mode}'] for job {check.folder} must be a dict")


def _check_mandatory(check: _Check, meta: dict[str, Any], clients: set[str]) -> None:
    if not _names_sites(clients):
        return
    missing = set(meta.get(JobMetaKey.MANDATORY_CLIENTS.value) or ()) - clients
    if missing:
        raise ValueError(f"Mandatory clients {missing} are not in the deploy_map for job {check.folder}")


# --- the stored definition ---------------------------------------------------------------------------------------


def is_intact(path: Path) -> bool:
    """Whether every member of a stored definition can be read.

    An official server finds out when it unpacks the definition to deploy it, not when it takes it in.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, RuntimeError):
        return False


def brings_code(path: Path, app_folder: str) -> bool:
    """Whether an app of a stored definition has code of its own, a folder ``custom``.

    Args:
        path: the stored definition.
        app_folder: the folder of the app in it.
    """
    with zipfile.ZipFile(path) as archive:
        return any(name.startswith(f"{app_folder}/custom/") for name in archive.namelist())
