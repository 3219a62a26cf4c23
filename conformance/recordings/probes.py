"""What a server is asked, as data: looks that change nothing, and the calls about jobs of the recording's own.

``<site>``, ``<job>``, ``<done>``, ``<running>`` and ``<study>`` stand for what the answers before have named. A probe
is made in the releases whose ``Session`` has its method.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from conformance.jobs import JobKind

UNKNOWN_JOB = "00000000-0000-4000-8000-000000000000"
"""The id of no job."""
LOG_LINES = 10
"""Lines of a log that are recorded, from its end."""


class Each(enum.Enum):
    """How often a probe is made."""

    ONCE = "once"
    SITE = "for each connected site"
    JOB = "for each of the newest jobs"
    DONE = "for the newest job that is over"
    RUNNING = "for the job that has been running longest"
    STUDY = "for each study that the user may see"

    @property
    def word(self) -> str:
        """What stands for it in arguments."""
        return f"<{self.name.lower()}>"


@dataclasses.dataclass(frozen=True)
class Probe:
    """A call.

    Attributes:
        method: of ``Session``; or ``watch``, which asks for the meta of a job until it has a status.
        args: its arguments.
        options: those by name.
        each: how often it is made.
        names: what the job that it makes is called by later ones.
        until: of a watch: how the awaited status begins.
        only_end: of a watch: whether only the last status counts.
        settles: whether the machines are given time before, until each tells of the job.
    """

    method: str
    args: tuple[Any, ...] = ()
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    each: Each = Each.ONCE
    names: str = ""
    until: str = ""
    only_end: bool = False
    settles: bool = False


WATCH = "watch"

NEWEST = "<newest>"
"""How many jobs are looked at, the newest of all."""
_NEWEST_JOBS = Probe("list_jobs", options={"limit": NEWEST})

FIRST = (_NEWEST_JOBS, Probe("get_system_info"))
"""Who is there; everything else is about them."""

LOOKS = (
    Probe("list_jobs", options={"reverse": True, "limit": 3}),
    Probe("list_jobs", options={"detailed": True, "limit": 2}),
    Probe("list_jobs", options={"id_prefix": "no-such-id"}),
    Probe("get_job_meta", (UNKNOWN_JOB,)),
    Probe("get_job_meta", ("<job>",), each=Each.JOB),
    Probe("get_job_status", ("<job>",), each=Each.JOB),
    Probe("get_job_logs", ("<job>",), {"target": "all", "tail_lines": LOG_LINES}, each=Each.JOB),
    Probe("show_stats", ("<done>", "all"), each=Each.DONE),
    Probe("show_stats", ("<running>", "all"), each=Each.RUNNING),
    Probe("show_errors", ("<running>", "all"), each=Each.RUNNING),
    Probe("get_connected_client_list"),
    Probe("get_client_job_status"),
    Probe("get_client_job_status", (["no-such-site"],)),
    Probe("get_client_env"),
    Probe("check_status", ("server",)),
    Probe("check_status", ("client",)),
    Probe("check_status", ("all",)),
    Probe("report_version", ("all",)),
    Probe("report_resources", ("all",)),
    Probe("list_studies"),
    Probe("show_study", ("<study>",), each=Each.STUDY),
    Probe("get_working_directory", ("server",)),
    Probe("get_working_directory", ("<site>",), each=Each.SITE),
    Probe("cat_target", ("server", None, "startup/fed_server.json")),
    Probe("grep_target", ("server", "-n", "format_version", "startup/fed_server.json")),
    Probe("head_target", ("server", "-n 2", "startup/fed_server.json")),
    Probe("cat_target", ("<site>", None, "startup/fed_client.json"), each=Each.SITE),
    Probe("tail_target_log", ("server", "-n 5")),
    Probe("tail_target_log", ("<site>", "-n 5"), each=Each.SITE),
    Probe("ls_target", ("server", None, "no-such-folder")),
    Probe("ls_target", ("no-such-site",)),
)
"""Looks at everything that a server tells, in the order in which they are made."""


def definition_of(kind: JobKind) -> str:
    """What stands for a definition in the arguments of a call."""
    return f"<definition {kind.value}>"


OWN_JOBS = (
    Probe("submit_job", (definition_of(JobKind.WAITING),), names="waiting"),
    Probe("submit_job", (definition_of(JobKind.QUICK),), names="quick"),
    Probe(WATCH, ("<quick>",), until="FINISHED"),
    Probe("get_job_meta", ("<quick>",)),
    Probe("get_job_status", ("<quick>",)),
    Probe("get_job_logs", ("<quick>",), {"target": "all", "tail_lines": LOG_LINES}),
    Probe("download_job_result", ("<quick>",)),
    Probe("abort_job", ("<quick>",)),
    Probe("show_stats", ("<quick>", "all")),
    Probe("clone_job", ("<waiting>",), names="clone"),
    Probe("abort_job", ("<clone>",)),
    Probe("get_job_meta", ("<clone>",)),
    Probe("delete_job", ("<clone>",)),
    Probe("submit_job", (definition_of(JobKind.LONG),), names="long"),
    Probe(WATCH, ("<long>",), until="RUNNING"),
    Probe("get_job_meta", ("<long>",)),
    Probe("show_stats", ("<long>", "all"), settles=True),
    Probe("show_errors", ("<long>", "all")),
    Probe("get_system_info"),
    Probe("get_client_job_status"),
    Probe("delete_job", ("<long>",)),
    Probe("abort_job", ("<long>",)),
    Probe(WATCH, ("<long>",), until="FINISHED", only_end=True),
    Probe("get_job_meta", ("<long>",)),
    Probe("get_job_meta", ("<waiting>",)),
    Probe("list_jobs", options={"name_prefix": "waiting"}),
    Probe("abort_job", ("<waiting>",)),
    Probe("delete_job", ("<waiting>",)),
    Probe("delete_job", ("<quick>",)),
    Probe("delete_job", ("<long>",)),
    Probe("get_job_meta", ("<quick>",)),
    _NEWEST_JOBS,
)
"""What ``--jobs`` adds: one job that finishes, one that is never scheduled with a clone of it, one that is aborted."""

OWN_NAMES = {kind: f"{kind.value}-recorded" for kind in JobKind}
"""The names of the recording's own jobs."""
