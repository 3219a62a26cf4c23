"""What each NVFLARE release does differently, as data.

A ``ReleaseProfile`` is the only place where a release is told from another: code asks the profile for the
difference it needs and never compares version numbers. Each field cites what was seen; the named oddities
that users meet are listed with their reproductions in ``docs/quirks.md``.

Source of every value: traffic between the official client and the official server of the release
(2.3.12, 2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0).
"""

from __future__ import annotations

import dataclasses
import enum

from flare_client.protocol.cellnet.rules import RULES_27, RULES_28, RULES_29, CellRules
from flare_client.protocol.jobs import JobStatus
from flare_client.protocol.site_rules import SITES_23, SITES_24, SITES_26, SITES_27, SITES_28, SITES_29, SiteRules


class Dialect(enum.Enum):
    """A wire generation."""

    HCI = "hci"
    """Releases 2.3-2.6: a TLS socket a command, JSON lines."""
    CELLNET = "cellnet"
    """Releases 2.7-2.9: one connection a session, msgpack frames, cell messages."""


class Upload(enum.Enum):
    """How a job definition travels to the server; the value is the ``CLIENTCMD`` that announces it."""

    INLINE_BASE64 = "file_transfer.upload_folder"
    """The zip in base64 as a word of the command line."""
    BINARY_EXCHANGE = "file_transfer.push_folder"
    """The zip as the body of a binary exchange."""


class Download(enum.Enum):
    """How a result travels to the client."""

    INLINE_BASE64 = "inline"
    """One zip in base64 in a string item, or the address of a too large result."""
    CHUNKED_PULL = "chunked"
    """A file list, then a connection a file that answers in chunked frames."""
    BINARY_PULL = "binary"
    """A file list, then a connection a file that answers with a binary exchange."""
    REFERENCES = "references"
    """A list of files with references, which a service gives out piece by piece."""


class LogEnd(enum.Enum):
    """What is given of a log that is too long for a reply."""

    FIRST = "first"
    LAST = "last"


INLINE_DOWNLOAD_COMMAND = "file_transfer.download_folder"
PULL_FOLDER_COMMAND = "file_transfer.pull_folder"
PULL_BINARY_COMMAND = "file_transfer.pull_binary"


@dataclasses.dataclass(frozen=True)
class ReleaseProfile:
    """One release line of NVFLARE, as far as the admin API can tell it from the others."""

    release: str
    """The release line, as ``2.6``."""
    official: str
    """The published version that was observed, as ``2.6.3``."""
    dialect: Dialect
    cell: CellRules | None
    """The wire of the CellNet dialect; ``None`` for the other."""
    sites: SiteRules
    """What its machines look like."""
    upload: Upload
    download: Download

    # --- what the server does -------------------------------------------------------------------
    checks_job_id_form: bool
    """Whether an id that is no version 4 UUID is refused before it is looked up."""
    detailed_meta_statuses: bool
    """Whether replies use ``invalid_target``, ``job_not_running``, ``clients_running`` ...; 2.3 says ``error``."""
    protocol_violation_status: str
    """The meta status of the answer to a request that is no valid envelope."""
    keeps_given_job_id: bool
    """Whether a ``job_id`` in the submitted meta becomes the id of the job."""
    folder_name_first: bool
    """Whether ``job_folder_name`` stands before the submitter in the meta, and in the stored meta.json too."""
    data_storage_format: int | None
    """The value of the meta key of that name; ``None``: the release has no such key."""
    marks_byoc: bool
    """Whether a job with a ``custom/`` folder gets ``byoc`` in its meta."""
    meta_formats: tuple[str, ...]
    """File name endings under which the meta of a job definition is looked up, in order."""
    accepts_legacy_jobs: bool
    """Whether a job without meta is taken for a legacy application and given one."""
    site_groups_in_deploy_map: bool
    """Whether an element of a deploy map entry may be an object with ``sites``."""
    rejection_prefix: str
    """What stands before the reason for which a job definition is refused."""
    quotes_app_names: bool
    """Whether those reasons put application names in single quotes."""
    killed_status: JobStatus
    """The status of a job whose process was killed with signal 9."""
    wraps_job_zip: bool
    """Whether the downloaded ``job.zip`` is a zip inside a serialised object."""
    reports_fqcn: bool
    """Whether ``check_status server`` names the cells of the sites."""
    client_status_in_meta: bool
    """Whether ``check_status client`` puts its rows into the meta too."""
    insecure_role: str
    """The role of the one user of an insecure server."""
    goodbye: str
    """The text of the ``shutdown`` item."""
    poc_is_insecure: bool
    """Whether the release's proof-of-concept kit is the clear-text, password form."""
    workspace_files: tuple[str, ...]
    """Files at the top of the workspace of a finished job."""
    signs_admin_kit: bool
    """Whether an admin kit carries ``signature.json``."""

    forgives_quotes: bool
    """Whether single quotes count in a command line, and quotes that do not match are taken as they are."""
    reads_server_config: bool
    """Whether the server's configuration of a job is read at submission, so that it must be JSON."""
    checks_site_log_config: bool
    """Whether the level of a site's log must be one; otherwise it may name a file as well."""
    log_end: LogEnd
    times_abnormal_ends: bool
    """Whether a job that ended abnormally has a duration."""
    session_over_text: str
    """What has become of a session, in the refusal of its token."""
    idle_timeout: float
    """Seconds without a command after which the server ends an admin session."""
    has_studies: bool
    """Whether a session works in a study, and jobs belong to one."""
    unknown_job_text: str
    """What is said of a job that is not there; ``{}`` stands for its id."""
    option_errors_are_internal: bool
    """Whether a bad option of a command is an internal error; otherwise it is one of syntax."""
    checks_deploy_map_form: bool
    """Whether a deploy map that is no object, an app's name and the keys of its sites are refused in so many words."""
    launcher_modes: tuple[str, ...]
    """How a definition may ask sites to launch the job; none where the server does not look at it."""
    checks_empty_resources: bool
    """Whether an empty ``resource_spec``, or part of one, must be an object, too."""
    site_lists_in_deploy_map: bool
    """Whether an entry of a deploy map may be an object with ``sites`` or ``targets``, or one name."""
    downloads_unfinished_jobs: bool
    """Whether the result of a job that is not over is given out, as far as there is one."""
    abandons_jobs_at_restart: bool
    """Whether jobs that ran when the server stopped are over when it is back; otherwise they seem to run for ever."""
    start_time_has_zone: bool
    """Whether ``start_time`` is written in UTC, in ISO form; otherwise it is the server's local time."""
    no_components_status: str
    """The meta status where a job has no additional components."""
    lists_no_components: bool
    """Whether asking for the additional components of a job without any is a success."""
    tolerates_nameless_jobs: bool
    """Whether a job without a name can be listed by name; otherwise it breaks the list."""
    clones_byoc: bool
    """Whether a clone is marked as bringing code where its source is."""
    derives_byoc: bool
    """Whether a definition's own ``byoc`` is dropped where it brings no code."""
    dropped_definition_keys: frozenset[str]
    """What a definition may not say of itself; dropped from its meta."""
    replaces_jobs: bool
    """Whether a definition that gives the id of a job that is there replaces it; otherwise it is refused."""
    requires_job_signatures: bool
    """Whether every folder and file of an app must be signed; otherwise what has no signature passes."""
    unsigned_job_text: str | None
    """The deploy detail of an app without any signature; ``None``: as of one with a bad signature."""
    refusal_of_roles: str
    """How the refusal of a role begins, before ``for`` and the role."""
    stops_cellnet_first: bool
    """Whether ``shutdown all`` tells of the cell network, too."""
    reports_resources_of_all: bool
    """Whether ``report_resources all`` is answered."""

    # --- what the official client does ----------------------------------------------------------
    checks_id_type_first: bool
    """Whether ``None`` for a job id is told to be no text; otherwise it is missing."""
    login_tries: int
    login_pause: float
    """Seconds between two tries to log in."""
    missing_meta_status_is_error: bool
    """Whether a reply meta without ``status`` counts as a failure."""
    maps_no_reply: bool
    """Whether the meta status ``no_reply`` has an exception of its own."""
    renames_downloads: bool
    """Whether a repeated download gets the suffix ``__1``, ``__2`` ...; otherwise it writes over the first."""
    has_cell_conn_info: bool
    """Whether ``Session.get_cell_conn_info`` exists."""
    sends_server_name: bool
    """Whether the TLS greeting carries the host of the kit."""
    names_missing_clients: bool
    """Whether ``invalid_target`` with the info that there are no clients has an exception of its own."""
    abort_returns_info: bool
    """Whether ``abort_job`` returns what the server says; otherwise ``None``."""
    delete_returns_record: bool
    """Whether ``delete_job`` returns a dict; otherwise ``None``."""
    has_submit_tokens: bool
    """Whether a job may be submitted, and listed, by a token of the caller's."""
    checks_polling_options: bool
    """Whether ``monitor_job`` refuses a negative timeout and a poll interval that is not positive."""
    older_final_statuses: frozenset[str]
    """Statuses that end the monitoring beside those that begin with ``FINISHED``."""
    retried_commands: frozenset[str]
    """Commands that are sent again when the server does not answer."""
    checks_job_folder_name: bool
    """Whether a job folder's name is checked before it is sent."""
    finds_jobs_as_given: bool
    """Whether a job folder is looked up as given before it is in the upload folder."""
    local_replies_have_meta: bool
    """Whether commands that the client answers by itself say a meta, too."""
    quotes_words: bool
    """Whether words with white space, quotes or backslashes are sent in quotes; otherwise lines are glued together."""
    waits_for_machines: bool
    """Whether ``restart`` and ``shutdown`` wait until it is done, and ``shutdown`` returns the meta of the reply."""
    closes_after_shutdown: bool
    """Whether the session is closed once it has shut the server down."""
    closes_before_last_look: bool
    """Whether ``shutdown_system`` closes the session before it looks whether jobs run, and so fails in the end."""

    def __str__(self) -> str:
        return self.release


_JSON_ONLY = (".json",)
_ALL_FORMATS = (
    ".json",
    ".conf",
    ".yml",
    ".yaml",
    ".json.default",
    ".conf.default",
    ".yml.default",
    ".yaml.default",
)

_R23 = ReleaseProfile(
    release="2.3",
    official="2.3.12",
    dialect=Dialect.HCI,
    cell=None,
    sites=SITES_23,
    upload=Upload.INLINE_BASE64,
    download=Download.INLINE_BASE64,
    checks_job_id_form=False,
    detailed_meta_statuses=False,
    protocol_violation_status="error",
    keeps_given_job_id=False,
    folder_name_first=True,
    data_storage_format=None,
    marks_byoc=False,
    meta_formats=_JSON_ONLY,
    accepts_legacy_jobs=True,
    site_groups_in_deploy_map=False,
    rejection_prefix="ValueError: ",
    quotes_app_names=False,
    killed_status=JobStatus.FINISHED_ABNORMAL,
    wraps_job_zip=False,
    reports_fqcn=False,
    client_status_in_meta=False,
    insecure_role="super",
    goodbye="Bye bye",
    poc_is_insecure=True,
    workspace_files=("fl_app.txt", "log.txt", "meta.json"),
    signs_admin_kit=False,
    forgives_quotes=False,
    reads_server_config=False,
    checks_site_log_config=False,
    log_end=LogEnd.FIRST,
    times_abnormal_ends=False,
    session_over_text="timed out",
    idle_timeout=3600.0,
    has_studies=False,
    unknown_job_text="Job with ID {} doesn't exist",
    option_errors_are_internal=True,
    checks_deploy_map_form=False,
    launcher_modes=(),
    checks_empty_resources=False,
    site_lists_in_deploy_map=False,
    downloads_unfinished_jobs=True,
    abandons_jobs_at_restart=True,
    start_time_has_zone=False,
    no_components_status="no_job_compoents",
    lists_no_components=False,
    tolerates_nameless_jobs=False,
    clones_byoc=False,
    derives_byoc=False,
    dropped_definition_keys=frozenset(),
    replaces_jobs=True,
    requires_job_signatures=False,
    unsigned_job_text=None,
    refusal_of_roles="Not authorized",
    stops_cellnet_first=False,
    reports_resources_of_all=False,
    checks_id_type_first=False,
    login_tries=5,
    login_pause=1.0,
    missing_meta_status_is_error=True,
    maps_no_reply=False,
    renames_downloads=False,
    has_cell_conn_info=True,
    sends_server_name=False,
    names_missing_clients=False,
    abort_returns_info=False,
    delete_returns_record=False,
    has_submit_tokens=False,
    checks_polling_options=False,
    older_final_statuses=frozenset(),
    retried_commands=frozenset(),
    checks_job_folder_name=False,
    finds_jobs_as_given=False,
    local_replies_have_meta=False,
    quotes_words=False,
    waits_for_machines=False,
    closes_after_shutdown=False,
    closes_before_last_look=False,
)

_R24 = dataclasses.replace(
    _R23,
    release="2.4",
    official="2.4.2",
    sites=SITES_24,
    download=Download.CHUNKED_PULL,
    checks_job_id_form=True,
    detailed_meta_statuses=True,
    protocol_violation_status="internal_error",
    keeps_given_job_id=True,
    folder_name_first=False,
    meta_formats=_ALL_FORMATS,
    accepts_legacy_jobs=False,
    rejection_prefix="",
    quotes_app_names=True,
    wraps_job_zip=True,
    client_status_in_meta=True,
    insecure_role="project_admin",
    goodbye="Goodbye!",
    poc_is_insecure=False,
    workspace_files=("fl_app.txt", "log.txt", "meta.json", "stats_pool_summary.json"),
    login_tries=15,
    login_pause=1.5,
    missing_meta_status_is_error=False,
    renames_downloads=True,
    has_cell_conn_info=False,
    sends_server_name=True,
    local_replies_have_meta=True,
)

_R25 = dataclasses.replace(
    _R24,
    release="2.5",
    official="2.5.2",
    upload=Upload.BINARY_EXCHANGE,
    download=Download.BINARY_PULL,
    data_storage_format=2,
    marks_byoc=True,
    wraps_job_zip=False,
    maps_no_reply=True,
)

_R26 = dataclasses.replace(
    _R25,
    release="2.6",
    official="2.6.3",
    sites=SITES_26,
    site_groups_in_deploy_map=True,
    killed_status=JobStatus.FINISHED_EXECUTION_EXCEPTION,
    reports_fqcn=True,
    stops_cellnet_first=True,
    workspace_files=(
        "audit.log",
        "fl_app.txt",
        "log.json",
        "log.txt",
        "log_error.txt",
        "log_fl.txt",
        "meta.json",
        "stats_pool_summary.json",
    ),
    signs_admin_kit=True,
)

_R27 = dataclasses.replace(
    _R26,
    release="2.7",
    official="2.7.3",
    sites=SITES_27,
    dialect=Dialect.CELLNET,
    cell=RULES_27,
    download=Download.REFERENCES,
    idle_timeout=1800.0,
    site_lists_in_deploy_map=True,
    checks_site_log_config=True,
    requires_job_signatures=True,
    refusal_of_roles="not authorized",
    stops_cellnet_first=False,
    names_missing_clients=True,
    abort_returns_info=True,
    closes_after_shutdown=True,
    closes_before_last_look=True,
)

_R28 = dataclasses.replace(
    _R27,
    release="2.8",
    official="2.8.3",
    sites=SITES_28,
    workspace_files=(
        "audit.log",
        "error_log.txt",
        "fl_app.txt",
        "log.json",
        "log.txt",
        "log_fl.txt",
        "meta.json",
        "stats_pool_summary.json",
    ),
    cell=RULES_28,
    signs_admin_kit=False,
    has_studies=True,
    unknown_job_text="no such job: {}",
    option_errors_are_internal=False,
    checks_deploy_map_form=True,
    launcher_modes=("process", "docker", "k8s"),
    downloads_unfinished_jobs=False,
    abandons_jobs_at_restart=False,
    no_components_status="no_job_components",
    lists_no_components=True,
    tolerates_nameless_jobs=True,
    clones_byoc=True,
    derives_byoc=True,
    dropped_definition_keys=frozenset({"submit_token", "from_hub_site"}),
    replaces_jobs=False,
    unsigned_job_text="unsigned job rejected — require_signed_jobs is enabled",
    reports_resources_of_all=True,
    forgives_quotes=True,
    checks_id_type_first=True,
    delete_returns_record=True,
    has_submit_tokens=True,
    checks_polling_options=True,
    older_final_statuses=frozenset({"FINISHED_OK", "FINISHED_EXCEPTION", "ABORTED", "ABANDONED", "FAILED"}),
    retried_commands=frozenset({"abort_job", "shutdown"}),
    checks_job_folder_name=True,
    finds_jobs_as_given=True,
    quotes_words=True,
    waits_for_machines=True,
    closes_before_last_look=False,
)

_R29 = dataclasses.replace(
    _R28,
    release="2.9",
    reads_server_config=True,
    official="2.9.0",
    sites=SITES_29,
    cell=RULES_29,
    session_over_text="timed out/expired",
    times_abnormal_ends=True,
    log_end=LogEnd.LAST,
    dropped_definition_keys=frozenset({"submit_token"}),
    launcher_modes=("process", "docker", "k8s", "slurm"),
    checks_empty_resources=True,
    start_time_has_zone=True,
)

PROFILES: dict[str, ReleaseProfile] = {
    profile.release: profile for profile in (_R23, _R24, _R25, _R26, _R27, _R28, _R29)
}
"""Every known release line, oldest first."""

LATEST = _R29


def profile_for(release: str) -> ReleaseProfile:
    """Return the profile of a release.

    Args:
        release: a release line (``2.6``) or a version of it (``2.6.3``).

    Raises:
        ValueError: the release is not one of ``PROFILES``.
    """
    line = ".".join(str(release).split(".")[:2])
    try:
        return PROFILES[line]
    except KeyError:
        raise ValueError(f"unknown release {release!r}: expected one of {', '.join(PROFILES)}") from None
