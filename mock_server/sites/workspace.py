"""The workspace of a simulated machine, as an admin finds it at this moment: configuration, logs, run folders.

Made anew for each look, and only as far as somebody looks. Must not know how its files are shown.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from flare_client.protocol.jobs import SERVER_SITE
from mock_server.jobs.store import Job
from mock_server.policy import AUTHORIZATION_FILE, DEFAULT_AUTHORIZATION
from mock_server.sites import logs
from mock_server.sites.tree import File, Folder

if TYPE_CHECKING:
    from mock_server.context import ServerContext

_MAX_MEMBER = 1024 * 1024
"""Bytes of a file of an app that are shown; a larger one is cut."""

_README = "A simulated machine: its files exist nowhere but in the answers of the mock server.\n"
_SCRIPT = "#!/usr/bin/env bash\n# A simulated machine: nothing is started or stopped here.\n"
_LOG_CONFIG = {"version": 1, "disable_existing_loggers": False, "root": {"level": "INFO"}}
_LOG_CONFIG_INI = """[loggers]
keys=root

[handlers]
keys=

[formatters]
keys=

[logger_root]
level=INFO
handlers=
"""
_PRIVACY = {"scopes": [], "default_scope": ""}
_RESOURCES = {"format_version": 2, "components": []}
_PRIVATE = "-rw-------"
_RUNS = "-rwxr-xr-x"
_FIRST_PID = 1000


def path_of(context: ServerContext, machine: str) -> str:
    """The path of the workspace, as the machine names it."""
    return str(context.workspace / (context.name if machine == SERVER_SITE else machine))


def pid_of(context: ServerContext, machine: str) -> int:
    """The id of the machine's process: a number that stands for no process."""
    sites = [site.name for site in context.engine.sites()]
    return _FIRST_PID + (0 if machine == SERVER_SITE else 1 + sites.index(machine))


def since(context: ServerContext, machine: str) -> float:
    """When the machine was started, or connected."""
    return context.started if machine == SERVER_SITE else context.engine.site(machine).since


def workspace(context: ServerContext, machine: str) -> Folder:
    """The workspace of ``server`` or of a site."""
    root = Folder(since(context, machine), lambda folder: _fill(context, machine, folder))
    for path, text in context.scenario.machine(machine).files.items():
        root.put(path, File(text, root.modified))
    return root


def jobs_at(context: ServerContext, machine: str) -> Iterator[Job]:
    """The jobs that have a run folder: at the server those that run, at a site those that it ran as well."""
    if machine == SERVER_SITE:
        yield from context.engine.running_jobs()
        return
    for job in context.engine.jobs(reverse=False):
        if job.started is not None and job.app_at(machine) is not None:
            yield job


# --- the parts --------------------------------------------------------------------------------------------------


def _fill(context: ServerContext, machine: str, root: Folder) -> None:
    begun = root.modified
    lines = list(_machine_lines(context, machine))
    logged = logs.last_time(lines, begun)
    texts = {
        "log.txt": lambda: logs.as_text(lines),
        "log.json": lambda: logs.as_json(lines),
        "readme.txt": lambda: _README,
        "daemon_pid.fl": lambda: f"{pid_of(context, machine)}\n",
        "pid.fl": lambda: f"{pid_of(context, machine)}\n",
    }
    for name in context.profile.sites.files:
        if name == "log_fl.txt" and machine != SERVER_SITE:
            continue  # a site writes of its jobs into their own folders
        root.put(name, File(texts.get(name, lambda: ""), logged if name.startswith("log.") else begun))
    root.put("startup", Folder(begun, lambda folder: _fill_startup(context, machine, folder)))
    root.put("local", Folder(begun, lambda folder: _fill_local(context, machine, folder)))
    root.put("transfer", Folder(begun))
    for job in jobs_at(context, machine):
        root.put(job.job_id, _run_folder(context, job, machine))


def _machine_lines(context: ServerContext, machine: str) -> Iterator[logs.Line]:
    joined = [(site.since, site.name) for site in context.engine.connected_sites()]
    jobs = jobs_at(context, machine)
    return logs.machine_lines(machine, since(context, machine), joined if machine == SERVER_SITE else (), jobs)


def _json(content: object) -> str:
    return json.dumps(content, indent=2) + "\n"


def _fill_startup(context: ServerContext, machine: str, folder: Folder) -> None:
    begun, is_server = folder.modified, machine == SERVER_SITE
    role = "server" if is_server else "client"
    service = {"target": context.fl_url.partition("://")[2], "scheme": context.fl_url.partition("://")[0]}
    files = {"ssl_private_key": f"{role}.key", "ssl_cert": f"{role}.crt", "ssl_root_cert": "rootCA.pem"}
    entry = {"name": context.project, "service": service}
    config: dict[str, object] = {"format_version": 2, "servers": [entry | (files if is_server else {})]}
    if not is_server:
        config["client"] = files | {"fqsn": machine, "is_leaf": True}
    folder.put(f"fed_{role}.json", File(_json(config), begun))
    for name in ("rootCA.pem", f"{role}.crt", f"{role}.key"):
        # What is in them no shell command shows; the real ones are the server's own.
        folder.put(name, File("", begun, _PRIVATE if name.endswith(".key") else "-rw-r--r--"))
    for name in ("start.sh", "stop_fl.sh", "sub_start.sh"):
        folder.put(name, File(_SCRIPT, begun, _RUNS))
    if context.profile.sites.signs_startup:
        folder.put("signature.json", File("{}", begun))


def _fill_local(context: ServerContext, machine: str, folder: Folder) -> None:
    begun = folder.modified
    custom = context.policy_of(machine).content
    log_config = context.profile.sites.log_config_file
    contents: dict[str, object] = {
        f"{AUTHORIZATION_FILE}.default": DEFAULT_AUTHORIZATION,
        log_config: _LOG_CONFIG,
        "privacy.json.sample": _PRIVACY,
        "resources.json.default": _RESOURCES,
    }
    if context.profile.sites.signs_local:
        contents["signature.json"] = {}
    if custom is not DEFAULT_AUTHORIZATION:
        contents[AUTHORIZATION_FILE] = custom
    for name, content in contents.items():
        folder.put(name, File(_json(content), begun))
    if not log_config.endswith(".json.default"):
        folder.put(log_config, File(_LOG_CONFIG_INI, begun))


def _run_folder(context: ServerContext, job: Job, machine: str) -> Folder:
    started = context.started if job.started is None else job.started
    ended = context.clock.time() if job.ended is None else job.ended

    def fill(folder: Folder) -> None:
        lines = list(logs.job_lines(job, machine, ended))
        logged = logs.last_time(lines, started)
        told = "".join(f"{line}\n" for line in job.logs.get(machine, ()))  # by stages of the scenario
        texts = {
            "log.txt": lambda: logs.as_text(lines) + told,
            "log_fl.txt": lambda: logs.as_text(lines) + told,
            "log.json": lambda: logs.as_json(lines),
            "meta.json": lambda: json.dumps(job.meta, indent=4),
            "stats_pool_summary.json": lambda: "{}",
        }
        for name in context.profile.workspace_files:
            if name != "stats_pool_summary.json" or job.status.is_finished:
                folder.put(name, File(texts.get(name, lambda: ""), logged if name in texts else started))
        app = job.app_name if machine == SERVER_SITE else job.app_at(machine)
        folder.put(f"app_{machine}", Folder(started, lambda below: _fill_app(job, str(app), below)))
        for name, text in job.result.files.items():
            path = str(PurePosixPath(name))
            if job.is_saved and path.startswith(f"{machine}/"):
                folder.put(path.removeprefix(f"{machine}/"), File(text, ended))

    return Folder(started, fill)


def _fill_app(job: Job, app: str, folder: Folder) -> None:
    top = f"{job.job_folder}/{app}/"
    with zipfile.ZipFile(job.definition) as definition:
        for info in definition.infolist():
            if info.filename.startswith(top) and not info.is_dir():
                with definition.open(info) as member:
                    text = member.read(_MAX_MEMBER).decode("utf-8", errors="replace")
                folder.put(info.filename.removeprefix(top), File(text, folder.modified))
