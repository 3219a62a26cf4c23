"""What of an answer is not compared, and why. It stands here and nowhere else; each recording carries the table.

Two answers are compared as they look after this: words stand for what differs between two servers, or two runs of one.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

from conformance.recordings.hiding import CERTIFICATE, DIGEST, HOST, UNKNOWN_ID


@dataclasses.dataclass(frozen=True)
class Uncompared:
    """Something that is not compared.

    Attributes:
        what: it is.
        shown: what stands in its place.
        reason: why it is not.
    """

    what: str
    shown: str
    reason: str


TABLE = (
    Uncompared("ids of jobs", "<job N>", "servers draw them; the same job has the same number throughout"),
    Uncompared("other UUIDs", UNKNOWN_ID, "tokens of sites and sessions, which are secrets, and ids of deleted jobs"),
    Uncompared("secrets by their name, keys", "[redacted]", "a recording is handed around"),
    Uncompared("certificates", CERTIFICATE, "the mock has its own"),
    Uncompared("long digests and signatures", DIGEST, "they are of another key, or of content that was not recorded"),
    Uncompared("folders of the machines", "<path>/NAME", "where a server is installed is its own affair"),
    Uncompared(
        "the name of the server's folder", "<server>", "it is the server's, and the mock is named by its address"
    ),
    Uncompared("hosts and their ports", "<address>", "the mock listens on free ports of its own"),
    Uncompared("names and addresses of hosts", HOST, "a recording is handed around; --with-hosts leaves them in"),
    Uncompared("moments", "<time>", "they are those of the recording; that there is one is compared"),
    Uncompared("durations", "<duration>", "as moments; `N/A` is compared"),
    Uncompared("schedule_count", "<count>", "how often a scheduler has looked depends on when it was asked"),
    Uncompared("schedule_history", "its last line", "likewise; what the last look found is compared"),
    Uncompared(
        "what schedulers wrote into the meta of a job that never ran and is over",
        "nothing",
        "a scenario says how a job ended, not which looks came before",
    ),
    Uncompared("the order of sites, running jobs and keys", "sorted", "official servers hold them in no order"),
    Uncompared(
        "sizes of meta.json and of logs in a download",
        "<size>",
        "the one holds moments, and of the others the scenario has the end",
    ),
    Uncompared(
        "how long an abort takes",
        "the end alone",
        "the mock aborts at once, official servers need seconds to end their processes",
    ),
)
"""Everything that is not compared."""

TIME = "<time>"
DURATION = "<duration>"
COUNT = "<count>"
SIZE = "<size>"
ADDRESS = "<address>"

_TIMES = frozenset(
    {
        "submit_time",
        "submit_time_iso",
        "start_time",
        "last_schedule_time",
        "last_connect_time",
        "client_last_conn_time",
        "server_start_time",
    }
)
_UNORDERED = frozenset(
    {
        *("client_info", "clients", "client_status", "job_info", "jobs", "job_deploy_detail", "sites", "users"),
        *("get_connected_client_list", "get_client_job_status", "get_client_env"),
    }
)
"""Fields, and methods, whose lists have no order."""
_SCHEDULE = frozenset({"schedule_count", "schedule_history", "last_schedule_time"})
_NONE = ("", "N/A", None)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)?")
_LOOK = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: ")


class Comparable:
    """Makes answers of one server comparable.

    Args:
        hosts: the names of its hosts; what follows them may be a port.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        names = "|".join(re.escape(name) for name in sorted({*hosts, "localhost", HOST}, key=len, reverse=True) if name)
        host = rf"(?:{names}|\d{{1,3}}(?:\.\d{{1,3}}){{3}})"
        self._address = re.compile(rf"(?<![\w.-]){host}(?::\d+)+|(?<![\w.-])\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?![\w.])")

    def text(self, text: str) -> str:
        """A text without what is not compared."""
        return self._address.sub(ADDRESS, _MOMENT.sub(TIME, text))

    def value(self, value: Any, key: str = "") -> Any:
        """Plain data without what is not compared.

        Args:
            value: as ``Hiding`` left it.
            key: of the field that it stands in, or the method that returned it.
        """
        if key in _TIMES:
            return value if value in _NONE else TIME
        if key == "duration":
            return value if value in _NONE else DURATION
        if key == "schedule_count":
            return COUNT
        if key == "schedule_history" and isinstance(value, list):
            return self.text(_LOOK.sub("", str(value[-1]))) if value else value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            left_out = _SCHEDULE if _ended_unrun(value) else frozenset()
            return {self.text(name): self.value(item, name) for name, item in value.items() if name not in left_out}
        if isinstance(value, list):
            members = [self.value(item) for item in value]
            return sorted(members, key=repr_of) if key in _UNORDERED and _is_set(key, value) else members
        return value


def repr_of(value: Any) -> str:
    """A text to sort plain data by, whatever the order of its keys."""
    if isinstance(value, Mapping):
        return repr(sorted((key, repr_of(item)) for key, item in value.items()))
    return repr(value)


def _is_set(key: str, value: list[Any]) -> bool:
    """Whether the order of a list says nothing: running jobs have none, jobs that are listed do."""
    return key != "jobs" or not any(isinstance(one, Mapping) and "status" in one for one in value)


def _ended_unrun(meta: Mapping[str, Any]) -> bool:
    return str(meta.get("status", "")).startswith("FINISHED") and meta.get("start_time") == ""
