"""Every method of ``Session`` with plain arguments: what a chapter calls that wants all of them once."""

from __future__ import annotations

from typing import Any

from conformance.lab.fidelity.probe import Probe

UNKNOWN = "6fb9bbd0-3b1b-4a2c-8f2f-0123456789ab"
"""A well-formed id that no job has."""

PLAIN: dict[str, tuple[Any, ...]] = {
    "abort_job": (UNKNOWN,),
    "add_study_site": ("cancer", None, ["nvidia:site-1"]),
    "add_study_user": ("cancer", "lead@nvidia.com"),
    "cat_target": ("server", None, "readme.txt"),
    "check_status": ("server",),
    "clone_job": (UNKNOWN,),
    "close": (),
    "configure_job_log": (UNKNOWN, "INFO"),
    "configure_site_log": ("INFO",),
    "delete_job": (UNKNOWN,),
    "disable_client": ("site-9",),
    "do_app_command": (UNKNOWN, "topic", {}),
    "do_command": ("list_jobs",),
    "download_job_components": (UNKNOWN,),
    "download_job_result": (UNKNOWN,),
    "enable_client": ("site-9",),
    "get_active_sp": (),
    "get_available_apps_to_upload": (),
    "get_cell_conn_info": ("server",),
    "get_client_env": (),
    "get_client_job_status": (),
    "get_connected_client_list": (),
    "get_job_logs": (UNKNOWN,),
    "get_job_meta": (UNKNOWN,),
    "get_job_status": (UNKNOWN,),
    "get_system_info": (),
    "get_working_directory": ("server",),
    "grep_target": ("server", None, "word", "log.txt"),
    "head_target": ("server", None, "readme.txt"),
    "head_target_log": ("server",),
    "list_job_components": (UNKNOWN,),
    "list_jobs": (),
    "list_sp": (),
    "list_studies": (),
    "ls_target": ("server",),
    "monitor_job": (UNKNOWN, 1, 0.1),
    "monitor_job_and_return_job_meta": (UNKNOWN, 1, 0.1),
    "promote_sp": ("example.com:8002:8003",),
    "register_study": ("cancer", None, ["nvidia:site-1"]),
    "remove_client": ("site-9",),
    "remove_study": ("cancer",),
    "remove_study_site": ("cancer", None, ["nvidia:site-1"]),
    "remove_study_user": ("cancer", "lead@nvidia.com"),
    "report_resources": ("server",),
    "report_version": ("server",),
    "reset_errors": (UNKNOWN,),
    "restart": ("client", ["site-9"]),
    "set_timeout": (5.0,),
    "show_errors": (UNKNOWN, "all"),
    "show_stats": (UNKNOWN, "all"),
    "show_study": ("cancer",),
    "shutdown": ("client", ["site-9"]),
    "shutdown_system": (),
    "submit_job": ("nowhere",),
    "tail_target": ("server", None, "readme.txt"),
    "tail_target_log": ("server",),
    "try_connect": (5.0,),
    "unset_timeout": (),
    "wait_for_job": (UNKNOWN, 1, 0.1),
}
"""Arguments that are in order, on things that are not there, so that a call changes nothing."""


def every_method(*left_out: str) -> tuple[Probe, ...]:
    """A plain call of every method but some."""
    return tuple(Probe(method, args) for method, args in PLAIN.items() if method not in left_out)
