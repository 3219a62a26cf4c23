"""What the machines of a release look like to an admin: their files, and the commands that look into them.

Source: the shell and cell commands of official servers and sites (observed: 2.6.3 and 2.9.0; the others by what their
source does otherwise).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

_TO_25_FILES = ("audit.log", "daemon_pid.fl", "log.txt", "pid.fl", "readme.txt")


@dataclasses.dataclass(frozen=True)
class SiteRules:
    """The machines of one release.

    Attributes:
        keeps_last_newline: whether the output of a shell command ends as the program's does; otherwise without its last
            newline.
        reads_rotated_files: whether a number behind the name of a text file is fine, as in ``log.txt.1``.
        one_target_of_info: whether statistics and errors are asked of ``server`` or ``client``, and shown a machine an
            item; otherwise they come as one object.
        task_is_text: whether the statistics of a site name one task as text; otherwise they list them.
        usage_is_text: whether a wrong ``app_command`` is answered with a text item; otherwise with an error.
        announces_stress: whether the answer to ``stress`` begins with what is tested.
        tells_failed_sites: whether the answer about the log of a job ends with the sites that refused the level.
        workspace_suffix: what stands behind the workspace of a site in its environment.
        signs_startup: whether the startup folder holds ``signature.json``.
        signs_local: whether the local folder does.
        log_config_file: the log configuration in the local folder: of Python's ini form to 2.5, JSON from 2.6 on.
        files: the files at the top of the workspace of a machine.
        server_vars: the configuration variables of a server.
        site_vars: those of a site.
        server_resources: what the server listens on for its jobs.
    """

    keeps_last_newline: bool
    reads_rotated_files: bool
    one_target_of_info: bool
    task_is_text: bool
    usage_is_text: bool
    announces_stress: bool
    tells_failed_sites: bool
    workspace_suffix: str
    signs_startup: bool
    signs_local: bool
    log_config_file: str
    files: tuple[str, ...]
    server_vars: Mapping[str, object]
    site_vars: Mapping[str, object]
    server_resources: Mapping[str, object]


_SHARED_VARS = {
    "max_message_size": 2144337904,
    "heartbeat_interval": 60,
    "backbone_conn_gen": 2,
    "internal_conn_scheme": "tcp",
    "allow_adhoc_conns": False,
    "adhoc_conn_scheme": "tcp",
}
_VARS_FROM_26 = {
    "streaming_chunk_size": 1048576,
    "use_aio_grpc": False,
    "max_concurrent_streaming_sessions": 20,
}
_VARS_FROM_29 = {
    "sfm_send_stall_timeout": 45.0,
    "sfm_close_stalled_connection": False,
    "sfm_send_stall_consecutive_checks": 3,
    "streaming_chunk_size": 1048576,
    "streaming_max_blob_size": 4294967296,
    "max_concurrent_streaming_sessions": 20,
}

SITES_23 = SiteRules(
    keeps_last_newline=False,
    reads_rotated_files=False,
    one_target_of_info=True,
    task_is_text=True,
    usage_is_text=True,
    announces_stress=False,
    tells_failed_sites=False,
    workspace_suffix="/startup/..",
    signs_startup=True,
    signs_local=False,
    log_config_file="log.config.default",
    files=_TO_25_FILES,
    server_vars=_SHARED_VARS | {"max_reg_duration": 60.0},
    site_vars=_SHARED_VARS | {"job_query_timeout": 5.0},
    server_resources={"host": "localhost", "connection_security": "clear"},
)
SITES_24 = dataclasses.replace(SITES_23, reads_rotated_files=True, one_target_of_info=False, task_is_text=False)
SITES_26 = dataclasses.replace(
    SITES_24,
    log_config_file="log_config.json.default",
    files=(*_TO_25_FILES, "log.json", "log_error.txt", "log_fl.txt"),
    server_vars={**SITES_24.server_vars, **_VARS_FROM_26},
    site_vars={**SITES_24.site_vars, **_VARS_FROM_26},
)
SITES_27 = dataclasses.replace(
    SITES_26,
    keeps_last_newline=True,
    announces_stress=True,
    tells_failed_sites=True,
    signs_local=True,
)
SITES_28 = dataclasses.replace(
    SITES_27,
    workspace_suffix="",
    usage_is_text=False,
    signs_startup=False,
    signs_local=False,
    files=(*_TO_25_FILES, "error_log.txt", "log.json", "log_fl.txt"),
    server_resources={"host": "127.0.0.1", "listen_host": "127.0.0.1", "connection_security": "clear"},
)
SITES_29 = dataclasses.replace(
    SITES_28,
    server_vars=_SHARED_VARS | _VARS_FROM_29 | {"max_reg_duration": 60.0, "client_outcome_wait_timeout": 900.0},
    site_vars=_SHARED_VARS | _VARS_FROM_29 | {"job_query_timeout": 5.0, "allow_log_streaming": True},
)
