"""Variations of what an answer says: its members, items, words, rows and their order.

Each works on the envelope as it stands on the wire. Must not touch what official clients make results or errors of.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from flare_client.protocol.envelope import ItemType
from flare_client.protocol.statuses import MetaKey, MetaStatus
from mock_server.variation.declared import Draw, OfReply, OfState, Variation, Written

_OF_META = frozenset(
    {"list_jobs", "get_job_meta", "submit_job", "clone_job", "delete_job", "abort_job", "check_status", "remove_client"}
)
"""Commands of whose answers official clients read the meta alone."""
_INFO_IS_RETURNED = frozenset({"abort_job"})
"""Commands whose info official clients of 2.7 and later hand to their users."""
_META_IS_RETURNED = frozenset({"check_status", "restart", "shutdown"})
"""Commands whose meta official clients of some release hand to their users."""
_COMMAND_LIST = "_commands"
_SITES_IN_META = (MetaKey.CLIENTS.value, MetaKey.CLIENT_STATUS.value)
_NOTES = ("This is a server for tests.", "Nothing else is to be said.", "-", "", "1 of 1", '{"type": "string"}')
_PLACES = ("region", "revision", "hints", "checksum", "audit", "lineage")


def _items(written: Written) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = written.envelope.get("data", [])
    return found


def _meta(written: Written) -> dict[str, Any]:
    found: dict[str, Any] = written.envelope.get("meta") or {}
    return found


def _tables(written: Written) -> Iterator[list[list[Any]]]:
    for item in _items(written):
        if item["type"] == ItemType.TABLE.value and item["rows"]:
            yield item["rows"]


# --- members ------------------------------------------------------------------------------------------------------


def _reordered(value: Any, draw: Draw) -> Any:
    if isinstance(value, dict):
        names = list(value)
        draw.shuffle(names)
        return {name: _reordered(value[name], draw) for name in names}
    return [_reordered(one, draw) for one in value] if isinstance(value, list) else value


def _member_order(written: Written, draw: Draw) -> bool:
    written.envelope = _reordered(written.envelope, draw)
    return True


def _unknown(draw: Draw) -> tuple[str, Any]:
    values: tuple[Any, ...] = (None, 0, -1.5, True, "", "later", [1, [2]], {"nested": {"deep": None}})
    return f"x_{draw.choice(_PLACES)}", draw.choice(values)


def _unknown_members(written: Written, draw: Draw) -> bool:
    meta = _meta(written)
    # A meta without anything in it is one that is not there; it must not come into being.
    for part in (written.envelope, *_items(written), *([meta] if meta else [])):
        if draw.random() < 0.7:
            part.setdefault(*_unknown(draw))
    return True


def _job_members(written: Written, _draw: Draw) -> bool:
    # The same for every job and command: two looks at a job must tell the same.
    name, value = _unknown(written.always)
    meta = _meta(written)
    job, jobs = meta.get(MetaKey.JOB_META.value), meta.get(MetaKey.JOBS.value)
    told = [one for one in (job, *(jobs if isinstance(jobs, list) else ())) if isinstance(one, dict)]
    told = [] if written.command not in ("list_jobs", "get_job_meta") else told
    if job is not None:
        told += [item["data"] for item in _items(written) if item["type"] == ItemType.DICT.value]
    for one in told:
        one.setdefault(name, value)
    return bool(told)


# --- items and words ----------------------------------------------------------------------------------------------


def _further_items(written: Written, draw: Draw) -> bool:
    if written.command not in _OF_META:
        return False
    items = _items(written)
    for _ in range(draw.randint(1, 3)):
        # Clients stop reading at an error, and a note behind it would be none.
        end = next((at for at, item in enumerate(items) if item["type"] in ("error", "shutdown")), len(items))
        items.insert(draw.randint(0, end), {"type": ItemType.STRING.value, "data": draw.choice(_NOTES)})
    return True


def _words_of_success(written: Written, draw: Draw) -> bool:
    meta = _meta(written)
    if written.command not in _OF_META or written.command in _INFO_IS_RETURNED | _META_IS_RETURNED:
        return False
    if meta.get(MetaKey.STATUS.value) != MetaStatus.OK.value:
        return False
    words = draw.choice(("Done.", "Command completed.", "ok", "0"))
    for item in _items(written):
        if item["type"] == ItemType.SUCCESS.value:
            item["data"] = words
    meta[MetaKey.INFO.value] = words
    return True


def _words_of_errors(written: Written, draw: Draw) -> bool:
    errors = [item for item in _items(written) if item["type"] == ItemType.ERROR.value]
    status = _meta(written).get(MetaKey.STATUS.value)
    # Without a status of its own the words are all that there is.
    if not errors or status in (None, MetaStatus.OK.value, MetaStatus.ERROR.value):
        return False
    for item in errors:
        item["data"] += draw.choice((".", " (see the log of the server)", " Please try something else."))
    return True


def _no_status(written: Written, _draw: Draw) -> bool:
    meta = _meta(written)
    kept = written.command not in _OF_META or written.command in _INFO_IS_RETURNED | _META_IS_RETURNED
    # With nothing else in it a meta without status would be none.
    if kept or meta.get(MetaKey.STATUS.value) != MetaStatus.OK.value or len(meta) < 2:
        return False
    del meta[MetaKey.STATUS.value]
    return True


def _time_of_reply(written: Written, draw: Draw) -> bool:
    moment = datetime.datetime.fromtimestamp(draw.randrange(2**31), datetime.timezone.utc)
    form = draw.choice(("", moment.isoformat(), moment.strftime("%a, %d %b %Y %H:%M:%S GMT"), None))
    if form is None:
        written.envelope.pop("time", None)
    else:
        written.envelope["time"] = form
    return True


# --- rows ---------------------------------------------------------------------------------------------------------


def _command_table(written: Written, draw: Draw) -> bool:
    tables = list(_tables(written)) if written.command == _COMMAND_LIST else []
    for rows in tables:
        header, *commands = rows
        draw.shuffle(commands)
        rows[:] = [[*header, "SINCE"], *([*row, "2.0"] for row in commands)]
    return bool(tables)


def _further_columns(written: Written, draw: Draw) -> bool:
    tables = list(_tables(written)) if written.command in ("list_jobs", "check_status") else []
    title = draw.choice(("NOTE", "PRIORITY", "?"))
    for rows in tables:
        rows[0].append(title)
        for row in rows[1:]:
            row.append("")
    return bool(tables)


def _site_order(written: Written, draw: Draw) -> bool:
    if written.command != "check_status":
        return False
    meta = _meta(written)
    lists = [meta[key] for key in _SITES_IN_META if isinstance(meta.get(key), list)]
    # Each list with the place of its first site: a table begins with its titles.
    told = [(sites, 0) for sites in lists] + [(rows, 1) for rows in _tables(written) if rows[0][0] == "CLIENT"]
    lengths = {len(sites) - first for sites, first in told}
    if len(lengths) != 1 or max(lengths) < 2:  # of server and sites at once, which are different lists
        return False
    order = draw.sample(range(max(lengths)), max(lengths))
    for sites, first in told:
        sites[first:] = [sites[first + place] for place in order]
    return True


_READS_BY_NAME = "official clients of 2.3.12-2.9.0 read members by their names"
_LATER_MEMBERS = "releases have added members: `data_storage_format` in 2.5, `study` in 2.8 (observed)"
_META_ALONE = "official `Session` of 2.3.12-2.9.0"

REPLY_VARIATIONS: tuple[Variation, ...] = (
    OfReply(
        name="member-order",
        varies="The order of the members of every object in an answer.",
        legal="The members of a JSON object have no order.",
        source=f"RFC 8259, section 1; {_READS_BY_NAME}",
        vary=_member_order,
    ),
    OfReply(
        name="unknown-members",
        varies="Members that nobody knows, in the envelope, its items and the meta.",
        legal="A client passes over what it does not know: later releases add members.",
        source=f"{_READS_BY_NAME}; {_LATER_MEMBERS}",
        vary=_unknown_members,
    ),
    OfState(
        name="job-members",
        varies="One more member, always the same, in what is told of every job.",
        legal="What a job's meta holds grows from release to release; a client hands on what it does not know.",
        source=_LATER_MEMBERS,
        share=1.0,
        vary=_job_members,
    ),
    OfReply(
        name="further-items",
        varies="Up to three more text items in answers whose meta tells the result.",
        legal="Text items are for people, and each release words its own; clients take the result from the meta.",
        source=f"{_META_ALONE}: `submit_job`, `list_jobs`, `get_job_meta`, `clone_job`, `abort_job`, `delete_job`, "
        "`get_system_info` and `get_client_job_status` look at no item",
        vary=_further_items,
    ),
    OfReply(
        name="words-of-success",
        varies="The text of a success item, and the info beside the status `ok`.",
        legal="The status says that it went well; the words are for people.",
        source=f"{_META_ALONE} looks at the info of no status `ok` but that of `abort_job`, which is left alone",
        vary=_words_of_success,
    ),
    OfReply(
        name="words-of-errors",
        varies="A few words more behind the text of an error item whose meta has a status of its own.",
        legal="Clients judge by the status and its info; the item is for people.",
        source=f"{_META_ALONE} raises by status and info before it looks at an item",
        vary=_words_of_errors,
    ),
    OfReply(
        name="no-status",
        varies="The status `ok` is left out of a meta that has more to say.",
        legal="A meta without a status means that it went well.",
        source="official `Session` of 2.4.2-2.9.0 takes it so, and official servers leave the status out where "
        "`check_status client` tells of sites; that of 2.3.12 demands it",
        fits=lambda profile: not profile.missing_meta_status_is_error,
        vary=_no_status,
    ),
    OfReply(
        name="time-of-reply",
        varies="The time in the envelope: another one, in another form, or none.",
        legal="It is informational: no client looks at it.",
        source="the check of a message in official clients of 2.3.12-2.9.0 asks for `data` alone",
        vary=_time_of_reply,
    ),
    OfReply(
        name="command-table",
        varies="The order of the commands that a server announces, and one more column behind the others.",
        legal="Commands are found by their names, and columns by their places from the first on; clients take rows of "
        "fewer columns, too.",
        source="the list of commands in official clients of 2.3.12-2.9.0",
        vary=_command_table,
    ),
    OfReply(
        name="further-columns",
        varies="One more column behind the others in the tables of `list_jobs` and `check_status`.",
        legal="The tables are for people, and releases have added columns; the meta has the same for programs.",
        source=f"{_META_ALONE}; `check_status server` has three columns to 2.5 and six from 2.6 on (observed)",
        vary=_further_columns,
    ),
    OfReply(
        name="site-order",
        varies="The order in which `check_status` tells of the sites.",
        legal="Sites stand in the order in which they registered, which is chance, and which a site that comes again "
        "changes.",
        source="official servers of 2.3.12-2.9.0 keep them in the order of their registration",
        vary=_site_order,
    ),
)
"""In the order in which they are applied."""
