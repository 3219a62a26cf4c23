"""The cells of a simulated system: which there are, who is connected to whom, and what they count.

A cell is the server, a site, or the process of a job at one of them, as ``site-1.<job id>``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flare_client.protocol.jobs import SERVER_SITE
from mock_server.sites.site import HEARTBEAT_SECONDS

if TYPE_CHECKING:
    from mock_server.context import ServerContext

UNREACHABLE = "target_unreachable"
"""The return code of a message to a cell that is not there."""

ROUND_TRIP = 0.001
"""Seconds that every message takes: simulated cells are all equally far from each other."""

_FQCN = re.compile(r"[A-Za-z0-9_.-]*\n?")

POOLS = (
    ("msg_travel", "hist", "Time taken (secs) to get here (receiver)"),
    ("received_msg_counters", "counter", "Result counters of received messages"),
    ("received_msg_sizes", "hist", "Sizes of messages received (MBs)"),
    ("received_stream_counters", "counter", "Counters of received streams"),
    ("received_stream_sizes", "hist", "Sizes of streams received (MBs)"),
    ("request_processing", "hist", "Time spent (secs) by request processing callbacks (receiver)"),
    ("request_response", "hist", "Request/response time in secs (sender)"),
    ("sent_msg_counters", "counter", "Result counters of sent messages"),
    ("sent_msg_sizes", "hist", "Sizes of messages sent (MBs)"),
    ("sent_stream_counters", "counter", "Counters of sent streams"),
    ("sent_stream_sizes", "hist", "Sizes of streams sent (MBs)"),
    ("sfm_send_frame", "hist", "SFM send_frame time in secs"),
)
"""The pools of statistics that every cell keeps: name, type, description (observed: 2.6.3, 2.9.0)."""


def cell_names(context: ServerContext) -> list[str]:
    """Every cell: each machine, and behind it its jobs."""
    names: list[str] = []
    running = context.engine.running_jobs()
    for machine in (SERVER_SITE, *(site.name for site in context.engine.connected_sites())):
        names.append(machine)
        names += [
            f"{machine}.{job.job_id}" for job in running if machine == SERVER_SITE or job.app_at(machine) is not None
        ]
    return names


def peers_of(context: ServerContext, cell: str) -> list[str]:
    """The cells that one is connected to: the server to all, a job to its machine and to the server."""
    names = cell_names(context)
    if cell == SERVER_SITE:
        sites = [name for name in names if "." not in name and name != SERVER_SITE]
        return sites + [name for name in names if name not in (*sites, SERVER_SITE)]
    machine, dot, _ = cell.partition(".")
    if dot:
        return [SERVER_SITE] if machine == SERVER_SITE else [machine, SERVER_SITE]
    return [SERVER_SITE, *(name for name in names if name.startswith(f"{cell}."))]


def fault_of_name(cell: str) -> str:
    """What is wrong with the name of a cell, in the words of the official server; nothing where it is one."""
    name = cell.strip()
    if not name:
        return "empty"
    if not _FQCN.fullmatch(name):
        return "invalid char"
    seen: set[str] = set()
    for part in name.split("."):
        if not part:
            return "empty part"
        if part in seen:
            return f"dup '{part}'"
        seen.add(part)
    return ""


def requests_of(context: ServerContext, cell: str, pool: str) -> dict[str, int]:
    """How often a cell counted a message, by category: the registration of sites, and their signs of life.

    Args:
        context: the server.
        cell: a cell that is there.
        pool: the name of the pool, in small letters. What the simulation has no messages for stays empty.
    """
    now = context.clock.time()
    sites = {site.name: int((now - site.since) // HEARTBEAT_SECONDS) for site in context.engine.connected_sites()}
    if cell == SERVER_SITE and pool in ("request_processing", "msg_travel"):
        counts = {"challenge": len(sites), "heart_beat": sum(sites.values()), "register": len(sites)}
        return {f"req:task:{topic}": count for topic, count in counts.items() if count}
    if cell in sites and pool == "request_response":
        counts = {"challenge": 1, "heart_beat": sites[cell], "register": 1}
        return {f"reply:task:{topic}": count for topic, count in counts.items() if count}
    return {}
