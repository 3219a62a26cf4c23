"""Answers of the control API as text for people."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(titles: Sequence[str], rows: Iterable[Sequence[object]], nothing: str) -> str:
    """Rows under titles, each column as wide as it must be.

    Args:
        titles: of the columns.
        rows: the cells.
        nothing: what is said where there are no rows.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    if not cells:
        return nothing
    lines = [list(titles), *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def time(seconds: float | None) -> str:
    """A time, UTC; nothing for none."""
    if seconds is None:
        return ""
    try:
        found = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.3f}"
    return found.strftime("%Y-%m-%d %H:%M:%S.") + f"{found.microsecond // 1000:03}"


def span(seconds: float) -> str:
    """A duration in the units that it is written in."""
    sign, rest = "-" if seconds < 0 else "", abs(seconds)
    if rest < 60:
        return f"{sign}{rest:.3g} s"
    parts = [(int(rest // 86400), "d"), (int(rest % 86400 // 3600), "h"), (int(rest % 3600 // 60), "m")]
    parts.append((int(rest % 60), "s"))
    return sign + " ".join(f"{number}{unit}" for number, unit in parts if number)


def server(view: Mapping[str, Any]) -> str:
    """How a server stands."""
    jobs = ", ".join(f"{count} {status}" for status, count in view["jobs"].items()) or "none"
    how = f" over {view['scheme']}" if view["scheme"] else ""
    lines = [
        f"MOCK server of release {view['release']} on {view['host']}:{view['admin_port']}{how}, {view['security']}",
        f"serves clients: {'yes' if view['running'] else 'no, a client has shut it down'}",
        f"started: {time(view['started'])}",
        f"jobs: {jobs}",
        f"commands: {sum(view['commands'].values())}",
    ]
    if view["pedantic"] is not None:
        lines.append(f"pedantic: by seed {view['pedantic']}")
    if view["description"]:
        lines.insert(1, f"scenario: {view['description']}")
    return "\n".join(lines)


def clock(view: Mapping[str, Any]) -> str:
    """What time it is."""
    speed = f" ({view['speed']:g} s in a second)" if view["kind"] == "scaled" else ""
    lines = [f"{time(view['time'])}  {view['kind']}{speed}"]
    if view["skew"]:
        lines.append(f"ahead by {span(view['skew'])}, by a fault")
    following = view["next_event"]
    lines.append(
        "nothing will happen by itself"
        if following is None
        else f"next event: {time(following)}, in {span(following - view['time'])}"
    )
    return "\n".join(lines)


def jobs(view: Mapping[str, Any]) -> str:
    """A list of jobs."""
    rows = [(job["id"], job["name"], job["status"], job["submitter"], time(job["submitted"])) for job in view["jobs"]]
    shown = table(("ID", "NAME", "STATUS", "SUBMITTER", "SUBMITTED"), rows, "no such jobs")
    more = view["found"] - len(rows)
    return f"{shown}\n{more} more: --limit" if more else shown


def job(view: Mapping[str, Any]) -> str:
    """A job, with its timeline."""
    lines = [
        f"{view['name']} ({view['id']}): {view['status']}",
        f"by {view['submitter']} ({view['org']}, {view['role']}), study {view['study']}",
    ]
    if view["sites"]:
        lines.append(f"sites: {', '.join(view['sites'])}")
    lines.append(f"workspace: {'stored' if view['has_workspace'] else 'none yet'}")
    past = view["timeline"] or []
    lines += [f"  {time(one['time'])}  {one['what']}{': ' + one['detail'] if one['detail'] else ''}" for one in past]
    return "\n".join(lines)


def sites(view: Sequence[Mapping[str, Any]]) -> str:
    """The sites."""
    rows = [(one["name"], one["org"], _site_state(one), time(one["since"])) for one in view]
    return table(("SITE", "ORG", "STATE", "SINCE"), rows, "no sites")


def _site_state(one: Mapping[str, Any]) -> str:
    return "disabled" if one["disabled"] else "connected" if one["connected"] else "gone"


def sessions(view: Sequence[Mapping[str, Any]]) -> str:
    """The admin sessions."""
    rows = [(one["number"], one["user"], one["role"] or "", one["study"], time(one["last_used"])) for one in view]
    return table(("NUMBER", "USER", "ROLE", "STUDY", "LAST COMMAND"), rows, "nobody is logged in")


def faults(view: Sequence[Mapping[str, Any]]) -> str:
    """Faults in force."""
    rows = [(one["number"], _action(one), _when(one), _state(one)) for one in view]
    return table(("NUMBER", "FAULT", "WHEN", "STRUCK"), rows, "no faults")


def _action(one: Mapping[str, Any]) -> str:
    said = " ".join(
        f"{name}={value}" for name, value in one["action"].items() if name != "kind" and value not in ("", None)
    )
    return f"{one['action']['kind']} {said}".strip()


def _when(one: Mapping[str, Any]) -> str:
    other = [f"{name}={value}" for name, value in one["when"].items() if name not in ("command", "at", "direction")]
    where = one["commands"] if one["at"] == "command" else one["at"]
    return " ".join([where, f"({one['direction']})", *other])


def _state(one: Mapping[str, Any]) -> str:
    return f"{one['fired']} of {one['seen']}{', paused' if one['paused'] else ''}"


def kinds(view: Sequence[Mapping[str, Any]]) -> str:
    """What can go wrong."""
    rows = []
    for one in view:
        required = one["fields"].get("required", [])
        names = [name for name in one["fields"]["properties"] if name != "kind"]
        fields = " ".join(f"{name}=" if name in required else f"[{name}=]" for name in names)
        rows.append((one["kind"], fields, one["summary"] + ("" if one["possible"] else " (not on this server)")))
    return table(("KIND", "FIELDS", "WHAT HAPPENS"), rows, "nothing")


def calls(view: Mapping[str, Any]) -> str:
    """Commands that came."""
    rows = [
        (" ".join((one["name"], *one["args"]))[:80], one["user"], one["error"] or one["status"] or one["answer"])
        for one in view["calls"]
    ]
    return table(("COMMAND", "USER", "ANSWER"), rows, "no such command came")


def kits(view: Sequence[Mapping[str, Any]]) -> str:
    """Startup kits."""
    rows = [(one["name"], one["broken"] or "", one["path"]) for one in view]
    return table(("USER", "BROKEN", "KIT"), rows, "no kits were written here")


def broken_kits(view: Sequence[Mapping[str, Any]]) -> str:
    """Ways to break a kit."""
    rows = [(one["name"], one["what"] + ("" if one["possible"] else " (not of this server)")) for one in view]
    return table(("BROKEN", "WHAT IS WRONG"), rows, "none")


def studies(view: Sequence[Mapping[str, Any]]) -> str:
    """Studies, with who is in them."""
    rows = [
        (one["name"], ", ".join(site for sites in one["site_orgs"].values() for site in sites), ", ".join(one["users"]))
        for one in view
    ]
    return table(("STUDY", "SITES", "USERS"), rows, "no studies but default")


def ready(view: Sequence[Mapping[str, Any]]) -> str:
    """Ready scenarios."""
    return table(("SCENARIO", "WHAT IT IS FOR"), [(one["name"], one["description"]) for one in view], "none")
