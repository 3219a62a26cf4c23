"""Probes of machines: their state, their files, their logs, and what may be told to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.lab.fidelity.probe import Chapter, Probe, probe

_SITES: tuple[Any, ...] = (
    None,
    [],
    ["site-1"],
    ["site-2", "site-1"],
    ["site-1", "site-1"],
    ["site-9"],
    ["site-1", "site-9"],
    ["server"],
    ["a b"],
    [""],
    [5],
    "site-1",
    5,
)
"""Names of sites, right and wrong."""
_TARGETS = ("server", "client", "all", "nobody", "", None, 5)


def _asking() -> Iterator[Probe]:
    yield probe("get_system_info")
    yield probe("get_connected_client_list")
    for method in ("get_client_job_status", "get_client_env"):
        yield probe(method)
        yield from (probe(method, sites) for sites in _SITES[1:])
    for method in ("check_status", "report_resources", "report_version"):
        yield from (probe(method, target) for target in _TARGETS)
        yield from (probe(method, "client", sites) for sites in _SITES[1:])
        yield probe(method, "server", ["site-1"])
        yield probe(method, "all", ["site-1"])
    yield from (probe("list_sp"), probe("get_active_sp"))
    for point in ("example.com:8002:8003", "example.com", "", None, "a:b:c", "example.com:1:2:3", 5):
        yield probe("promote_sp", point)
    for name in ("server", "site-1", "nope", "", None, 5):
        yield probe("get_cell_conn_info", name)
    for value in (5, 0.5, 0, -1, "5", None, True):
        yield probe("set_timeout", value)
    yield probe("unset_timeout")
    for seconds in (5, 0.1):
        yield probe("try_connect", seconds)


def _refused() -> Iterator[Probe]:
    """Calls that would change something, on what is not there."""
    for method in ("restart", "shutdown"):
        for target in ("nobody", "", None, 5):
            yield probe(method, target)
        for sites in (["site-9"], ["site-1", "site-9"], [5], 5, ["a b"]):
            yield probe(method, "client", sites)
    for name in ("site-9", "", None, 5, "a b", "server"):
        yield probe("remove_client", name)
    for name in ("", None, 5):
        yield probe("disable_client", name)
        yield probe("enable_client", name)
    yield probe("enable_client", "site-9")
    yield probe("disable_client", "site-9")
    yield Probe("disable_client", ("site-9",), what="again")
    yield Probe("enable_client", ("site-9",), what="disabled before")
    yield Probe("enable_client", ("site-1",), what="not disabled")


def _calls(method: str, *arguments: tuple[object, ...]) -> Iterator[Probe]:
    yield from (probe(method, *words) for words in arguments)


_WRONG_FILES = ("nowhere.txt", "startup", "../log.txt", "/etc/passwd", "model.bin", "a b.txt", "a;b.txt", "", 5)
_LS_OPTIONS = ("-a", "-l", "-a -l", "-R", "-t", "-S", "-u", "-x", "-la", "--all", "-a -x", "a", "-;", "-$HOME", 5)
_LS_PATHS = ("startup", "local", "transfer", "startup/", "./startup", "nowhere", "startup/nowhere")
_WRONG_PATHS = ("..", "/etc", "startup/..", "~", "*.txt", "a b", "a;b", "$HOME", "startup local", 5, "")
_COUNTS = ("-n 3", "-n 0", "-n -1", "-n x", "-n", "-c 5", "-c x", "-n3", "-n 1 -c 1", "-q")
_KIT_FILES = ("local/privacy.json.sample", "local/nowhere.json", "startup/server.crt", "startup/server.key")
_PATTERNS = ("no line has this", "two words", "", None, 5, "-e", "a;id", "$(id)", "'", "[", "*")


def _listing() -> Iterator[Probe]:
    for target in ("server", "site-1", "site-9", "", None, 5, "a b", "client", "all"):
        yield probe("get_working_directory", target)
        yield probe("ls_target", target)
    yield from _calls("ls_target", *(("server", options, "startup") for options in _LS_OPTIONS))
    yield from _calls("ls_target", *((target, None, path) for target in ("server", "site-1") for path in _LS_PATHS))
    yield from _calls("ls_target", *(("server", None, path) for path in _WRONG_PATHS))


def _reading() -> Iterator[Probe]:
    for method in ("cat_target", "head_target", "tail_target"):
        yield from _calls(method, ("server",), ("site-9", None, "readme.txt"))
        yield from _calls(method, *(("server", None, file) for file in (*_WRONG_FILES, *_KIT_FILES)))
        options = ("-x", "-z", "--help", "-n -x", "5", 5)
        yield from _calls(method, *(("server", one, "nowhere.txt") for one in options))
    flags = ("-n", "-b", "-s", "-T", "-n -b", "-nb", "-A")
    yield from _calls("cat_target", *(("server", one, "nowhere.txt") for one in flags))
    for method in ("head_target", "tail_target"):
        yield from _calls(method, *(("server", one, "nowhere.txt") for one in _COUNTS))
    for method in ("head_target_log", "tail_target_log"):
        yield from _calls(method, ("site-9",), ("",), (None,))
        yield from _calls(method, *(("server", one) for one in ("-n 0", "-c 0", "-n x", "-x", 5)))


def _searching() -> Iterator[Probe]:
    yield from _calls("grep_target", *(("server", None, one, "log.txt") for one in _PATTERNS))
    options = ("-n", "-i", "-b", "-n -i", "-v", "-E", "-x;", 5)
    yield from _calls("grep_target", *(("server", one, "no line has this", "log.txt") for one in options))
    files = (None, "", "nowhere.txt", "startup", "../log.txt", "a b.txt", 5)
    yield from _calls("grep_target", *(("server", None, "word", one) for one in files))
    yield probe("grep_target", "site-9", None, "word", "log.txt")


def _logs() -> Iterator[Probe]:
    for config in ("INFO", "DEBUG", "concise", "full", "verbose", "reload", "loud", "", None, 5, {"version": 1}, {}):
        yield probe("configure_site_log", config)
    for target in ("all", "server", "client", "site-1", "site-9", "", None, 5):
        yield probe("configure_site_log", "INFO", target)


_LINES = (
    "no_such_command",
    "no_such_command with words",
    "",
    "   ",
    "list_jobs extra",
    "get_job_meta",
    "get_job_meta a b",
    "abort_job",
    "delete_job",
    "clone_job",
    "download_job",
    "list_job",
    "check_status",
    "check_status server",
    "check_status client",
    "check_status client site-1",
    "check_status client site-9",
    "check_status all",
    "check_status nobody",
    "admin_check_status",
    "admin_check_status client",
    "training.check_status client",
    "sys_info",
    "sys_info server",
    "sys_info client",
    "sys_info nobody",
    "report_env",
    "report_env client",
    "report_env client site-1",
    "report_env nobody",
    "report_resources",
    "report_resources all",
    "report_version all",
    "show_scopes",
    "show_scopes all",
    "show_scopes client site-1",
    "show_stats",
    "show_errors",
    "reset_errors",
    "restart",
    "restart nobody",
    "shutdown",
    "shutdown nobody",
    "remove_client site-9",
    "disable_client",
    "enable_client",
    "set_timeout",
    "set_timeout 5",
    "set_timeout x",
    "list_sp",
    "get_active_sp",
    "promote_sp",
    "promote_sp x",
    "info",
    "pwd",
    "pwd server",
    "ls",
    "ls server -x",
    "cat",
    "cat server",
    "head server",
    "tail server",
    "grep server",
    "grep server word",
    "cells",
    "peers",
    "peers server",
    "peers nowhere",
    "conns",
    "conns nowhere",
    "route",
    "route server",
    "ping",
    "job_mgmt.list_jobs",
    "no_such_scope.list_jobs",
    "list_sessions",
    "app_command",
    "configure_job_log",
    "configure_site_log",
    "get_job_log",
    "delete_workspace",
    "abort",
    "abort_task",
    "start_app",
    "deploy_app",
    "list_studies",
    "register_study",
    "show_study",
    "list_jobs 'unbalanced",
)
"""Command lines for ``api.do_command``: wrong words, missing ones, and the few commands that no method sends."""

_CHECKED_LINES = ("list_jobs", "abort_job x", "delete_job x", "shutdown all", "job_mgmt.delete_job x", "no_such", "")


def _raw() -> Iterator[Probe]:
    for line in _LINES:
        yield probe("api.do_command", line)
    for one in ("list_jobs", "no_such_command", "get_job_meta nonsense", "check_status server", "", None, 5):
        yield probe("do_command", one)
    for line in _CHECKED_LINES:
        yield probe("api.check_command", line)
    yield probe("api.is_ready")


ASKED = Chapter(
    "machines",
    "no job is there, both sites are connected",
    (*_asking(), *_refused()),
)
SHELL = Chapter(
    "shell", "no job is there, both sites are connected", (*_listing(), *_reading(), *_searching(), *_logs())
)
LINES = Chapter("lines", "no job is there, both sites are connected", tuple(_raw()))
