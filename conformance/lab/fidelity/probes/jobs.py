"""Probes of jobs: what can be asked of one in each state, and what is wrong with an id, a list or a submission."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from conformance.lab.fidelity.probe import (
    LOOKED_AT,
    Callback,
    Chapter,
    Folder,
    Job,
    JobNeed,
    Line,
    Probe,
    only,
    probe,
)
from conformance.lab.fidelity.probes.plain import UNKNOWN
from conformance.lab.jobs import QUICK, SLOW, WAITING
from flare_client.presence import FROM_28

_BY_ID = (
    "get_job_meta",
    "get_job_status",
    "abort_job",
    "delete_job",
    "clone_job",
    "download_job_result",
    "download_job_components",
    "list_job_components",
    "get_job_logs",
    "wait_for_job",
    "reset_errors",
)
"""Methods that need no more than an id."""

_WRONG_IDS = (
    UNKNOWN,
    str(uuid.UUID(int=0)),
    str(uuid.UUID(int=7, version=1)),
    "no-such-id",
    "two words",
    'quo"te',
    "$HOME",
    "a;b",
    "../up",
    UNKNOWN[:-1],
    UNKNOWN + "0",
    UNKNOWN.replace("-", ""),
    "",
    "   ",
    None,
    5,
    True,
    ["a"],
)


def _wrong_ids() -> Iterator[Probe]:
    for method in _BY_ID:
        yield from (probe(method, one) for one in _WRONG_IDS)
    for one in (UNKNOWN, "no-such-id", "", None, 5):
        yield probe("monitor_job", one, 1, 0.1)
        yield probe("monitor_job_and_return_job_meta", one, 1, 0.1)
        yield probe("do_app_command", one, "topic", {})
        yield probe("configure_job_log", one, "INFO")
        for target in ("server", "all", "nobody"):
            yield probe("show_stats", one, target)
            yield probe("show_errors", one, target)


def _lists() -> Iterator[Probe]:
    yield probe("list_jobs")
    for limit in (0, 1, 2, 3, 4, 5, 100, -1, -2, -4, -9):
        yield probe("list_jobs", limit=limit)
        yield probe("list_jobs", limit=limit, reverse=True)
    for prefix in ("a", "ALPHA", "alpha-1", "beta-", "lpha", "gamma", "", "two words", "-1", "*", "a.*", "'", '"'):
        yield probe("list_jobs", name_prefix=prefix)
    yield probe("list_jobs", name_prefix="beta", limit=1)
    yield probe("list_jobs", name_prefix="beta", limit=1, reverse=True)
    yield probe("list_jobs", name_prefix="alpha", reverse=True)
    for begin in (Job("two"), Job("two", 13), Job("two", 13, upper=True), Job("two", 18), "zzz", "", "-", "a b"):
        yield probe("list_jobs", id_prefix=begin)
    yield probe("list_jobs", id_prefix=Job("two", 13), name_prefix="beta")
    yield probe("list_jobs", id_prefix=Job("two", 13), name_prefix="alpha")
    yield probe("list_jobs", detailed=True)
    yield probe("list_jobs", detailed=True, limit=1, reverse=True)
    yield probe("list_jobs", detailed=True, name_prefix="beta-2")
    yield probe("list_jobs", True, 1, None, "alpha", True)
    yield from only(
        FROM_28,
        Probe("list_jobs", (), {"submit_token": "t1"}),
        Probe("list_jobs", (), {"submit_token": "a b"}),
        Probe("list_jobs", (), {"submit_token": 5}),
        Probe("list_jobs", (), {"submit_token": ""}),
        probe("list_jobs", max_num=1),
        probe("list_jobs", max_num="1"),
        probe("list_jobs", name="alpha"),
        probe("list_jobs", job_id_prefix=Job("two", 13)),
        probe("list_jobs", nonsense=1),
    )
    yield from (
        probe("api.do_command", line)
        for line in (
            "list_jobs",
            "list_jobs -d",
            "list_jobs -v",
            "list_jobs -m 2",
            "list_jobs -m x",
            "list_jobs -m",
            "list_jobs -n alpha",
            "list_jobs -r -m 1",
            "list_jobs -x",
            "list_jobs alpha",
            "list_jobs -d -n beta-2",
            "list_jobs -u admin",
            "list_jobs -u -m 1",
        )
    )


_WRONG_LISTS: tuple[dict[str, Any], ...] = (
    *({"detailed": value} for value in (1, "yes", None)),
    *({"reverse": value} for value in (1, "yes", None)),
    *({"limit": value} for value in ("2", True, 1.5, [1], 10**20)),
    *({"name_prefix": value} for value in (5, ["a"], True)),
    *({"id_prefix": value} for value in (5, ["a"], True)),
)


def _submissions() -> Iterator[Probe]:
    for path in ("", None, 5, ["a"], "nowhere", "/", "..", "/nowhere/at/all"):
        yield probe("submit_job", path)
    yield from only(
        FROM_28,
        *(probe("submit_job", Folder(WAITING), one) for one in ("a b", "a/b", "", 7, "x" * 200, "ünicode")),
    )


EMPTY = Chapter(
    "empty",
    "no job was ever submitted, or all are deleted",
    (
        probe("list_jobs"),
        probe("list_jobs", detailed=True),
        probe("list_jobs", limit=3, reverse=True),
        probe("list_jobs", name_prefix="a"),
        *(Probe("list_jobs", kwargs=wrong) for wrong in _WRONG_LISTS),
        *_wrong_ids(),
        *_submissions(),
        probe("get_available_apps_to_upload"),
    ),
)

LISTED = Chapter(
    "listed",
    "four jobs wait",
    tuple(_lists()),
    (
        JobNeed("one", "Alpha-1", LOOKED_AT),
        JobNeed("two", "beta-1", LOOKED_AT),
        JobNeed("three", "alpha-2", LOOKED_AT),
        JobNeed("four", "beta-2", LOOKED_AT),
    ),
)

_LOOKS = (
    "get_job_meta",
    "get_job_status",
    "list_job_components",
    "download_job_components",
    "reset_errors",
    "get_job_logs",
)


def _looks(name: str) -> Iterator[Probe]:
    """What can be asked of any job without changing it, however it fares."""
    job = Job(name)
    yield from (probe(method, job) for method in _LOOKS)
    for method in ("get_job_meta", "get_job_status"):
        yield probe(method, Job(name, upper=True))
        yield probe(method, Job(name, 8))
        yield probe(method, Job(name, 35))
    for target in ("server", "client", "all", "nobody", ""):
        yield probe("show_stats", job, target)
        yield probe("show_errors", job, target)
    for sites in (["site-1"], ["site-1", "site-2"], ["site-9"], ["site-1", "site-9"], "site-1", [5], []):
        yield probe("show_stats", job, "client", sites)
        yield probe("show_errors", job, "client", sites)
    yield probe("do_app_command", job, "topic", {"a": 1})
    yield probe("do_app_command", job, "topic", None)
    yield probe("do_app_command", job, "", {})
    yield probe("do_app_command", job, 5, {})
    for arguments in (
        {"target": "all"},
        {"target": "site-1"},
        {"target": "site-9"},
        {"target": ""},
        {"target": None},
        {"tail_lines": 1},
        {"tail_lines": 0},
        {"tail_lines": -1},
        {"tail_lines": "x"},
        {"grep_pattern": "no line has this"},
        {"log_file_name": "log.json"},
        {"log_file_name": "nowhere.txt"},
        {"log_file_name": "../log.txt"},
    ):
        yield Probe("get_job_logs", (job,), arguments)
    for config in ("DEBUG", "concise", "loud", {"version": 1}, "", None, 5):
        yield probe("configure_job_log", job, config)
    for target in ("server", "client", "site-1", "site-9", ""):
        yield probe("configure_job_log", job, "INFO", target)
    yield from (
        probe("api.do_command", Line((command, job)))
        for command in (
            "get_job_meta",
            "list_job",
            "show_errors",
            "show_stats",
            "list_job_components",
            "job_mgmt.get_job_meta",
        )
    )
    for command in (
        "check_status",
        "report_resources",
        "get_job_meta",
        "app_command",
        "show_stats",
        "configure_job_log",
    ):
        yield probe("api.do_command", Line((command, job, "extra", "words")))


def _monitors(name: str, seconds: float) -> Iterator[Probe]:
    job = Job(name)
    yield probe("monitor_job", job, seconds, 0.1)
    yield probe("monitor_job", job, seconds, 0.1, Callback("stop"))
    yield probe("monitor_job", job, seconds, 0.1, Callback("nothing"))
    yield probe("monitor_job", job, seconds, 0.1, Callback("raise"))
    yield probe("monitor_job", job, seconds, 0.1, Callback("go on"), 1, "two", extra=3)
    yield probe("monitor_job_and_return_job_meta", job, seconds, 0.1, Callback("stop"))
    yield probe("monitor_job_and_return_job_meta", job, seconds, 0.1)
    yield probe("wait_for_job", job, seconds, 0.1)
    for wrong in ((-1, 0.1), ("x", 0.1), (seconds, -1), (seconds, "x")):
        yield probe("monitor_job", job, *wrong, Callback("stop"))
    for wrong in (("x", 0.1), (seconds, -1), (seconds, "x")):
        yield probe("wait_for_job", job, *wrong)


WAITS = Chapter(
    "waiting",
    "a job waits for more sites than there are",
    (
        *_looks("job"),
        *_monitors("job", 0.3),
        probe("download_job_result", Job("job")),
        Probe("clone_job", (Job("job"),), makes="clone", until=LOOKED_AT),
        probe("get_job_meta", Job("clone")),
        Probe("clone_job", (Job("clone"),), makes="clone of the clone", until=LOOKED_AT),
        probe("get_job_meta", Job("clone of the clone")),
        probe("clone_job", Job("job", upper=True)),
        probe("list_jobs", id_prefix=Job("job", 13)),
        probe("check_status", "client"),
        probe("abort_job", Job("clone")),
        Probe("abort_job", (Job("clone"),), what="again"),
        Probe("get_job_meta", (Job("clone"),), what="aborted"),
        probe("delete_job", Job("clone of the clone")),
        Probe("delete_job", (Job("clone of the clone"),), what="again"),
        Probe("get_job_meta", (Job("clone of the clone"),), what="deleted"),
        probe("abort_job", Job("clone of the clone")),
        Probe("clone_job", (Job("clone of the clone"),), what="deleted"),
        probe("download_job_result", Job("clone of the clone")),
        probe("delete_job", Job("job", upper=True)),
        Probe("get_job_meta", (Job("job"),), what="deleted by its id in capitals"),
    ),
    (JobNeed("job", WAITING, LOOKED_AT),),
)

RUNS = Chapter(
    "running",
    "a job runs on both sites",
    (
        *_looks("job"),
        *_monitors("job", 0.3),
        probe("get_system_info"),
        probe("get_client_job_status"),
        probe("get_client_job_status", ["site-1"]),
        probe("get_connected_client_list"),
        probe("check_status", "server"),
        probe("check_status", "client"),
        probe("check_status", "all"),
        probe("list_jobs"),
        probe("list_jobs", detailed=True),
        probe("ls_target", "server", None, Job("job")),
        probe("ls_target", "site-1", None, Job("job")),
        probe("ls_target", "site-1", "-a", Line((Job("job"),))),
        probe("delete_job", Job("job")),
        probe("restart", "client"),
        probe("restart", "server"),
        probe("restart", "all"),
        probe("restart", "client", ["site-1"]),
        probe("shutdown", "client"),
        probe("shutdown", "server"),
        probe("shutdown", "all"),
        probe("shutdown", "client", ["site-1"]),
        probe("shutdown_system"),
        probe("api.do_command", "check_status server"),
        probe("api.do_command", "check_status client"),
        probe("api.do_command", "shutdown all"),
        probe("api.do_command", "restart all"),
        Probe("clone_job", (Job("job"),), makes="clone"),
        probe("abort_job", Job("clone")),
        Probe("get_job_status", (Job("job"),), what="still"),
        Probe("abort_job", (Job("job", upper=True),), what="in capitals"),
    ),
    (JobNeed("job", SLOW, "RUNNING"),),
)

_OVER = (
    "get_system_info",
    "get_client_job_status",
    "list_jobs",
)


def _over(name: str) -> Iterator[Probe]:
    """What can be asked of a job that is over, or will never be."""
    yield from _looks(name)
    yield from _monitors(name, 5)
    yield from (probe(method) for method in _OVER)
    yield probe("list_jobs", detailed=True)
    yield probe("download_job_result", Job(name))
    yield Probe("download_job_result", (Job(name),), what="again")
    yield probe("download_job_result", Job(name, upper=True))
    yield Probe("download_job_components", (Job(name),), what="after the result")
    yield probe("abort_job", Job(name))
    yield Probe("clone_job", (Job(name),), makes="clone")
    yield probe("abort_job", Job("clone"))
    yield probe("delete_job", Job(name))
    yield Probe("delete_job", (Job(name),), what="again")
    yield Probe("get_job_meta", (Job(name),), what="deleted")


FINISHED = Chapter("finished", "a job has run to its end", tuple(_over("job")), (JobNeed("job", QUICK, "FINISHED"),))
ABORTED = Chapter(
    "aborted",
    "a job was aborted before it ran",
    tuple(_over("job")),
    (JobNeed("job", WAITING, LOOKED_AT, aborted=True),),
)
STOPPED = Chapter(
    "stopped",
    "a job was aborted while it ran",
    tuple(_over("job")),
    (JobNeed("job", SLOW, "RUNNING", aborted=True),),
)

TOKENS = Chapter(
    "tokens",
    "a job was submitted with a token",
    tuple(
        only(
            FROM_28,
            Probe("submit_job", (Folder(WAITING), "t1"), makes="job", until=LOOKED_AT),
            Probe("submit_job", (Folder(WAITING), "t1"), what="again"),
            Probe("submit_job", (Folder("Alpha-1"), "t1"), what="another definition"),
            Probe("list_jobs", (), {"submit_token": "t1"}),
            Probe("list_jobs", (), {"submit_token": "t2"}),
            Probe("list_jobs", (), {"submit_token": "T1"}),
            probe("get_job_meta", Job("job")),
            Probe("clone_job", (Job("job"),), makes="clone", until=LOOKED_AT),
            Probe("list_jobs", (), {"submit_token": "t1"}, what="after a clone"),
            probe("get_job_meta", Job("clone")),
            probe("delete_job", Job("job")),
            Probe("list_jobs", (), {"submit_token": "t1"}, what="after the deletion"),
            Probe("submit_job", (Folder(WAITING), "t1"), what="after the deletion"),
            Probe("submit_job", (Folder("Alpha-1"), "t1"), what="another definition, after the deletion"),
        )
    ),
)
