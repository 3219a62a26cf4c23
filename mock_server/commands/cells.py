"""Diagnostics of the cell network, as far as simulated cells have something to tell. Every user may ask."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from itertools import cycle, islice

from flare_client.protocol.envelope import Json
from flare_client.protocol.jobs import SERVER_SITE
from mock_server.answers import Answer, Reply
from mock_server.commands.registry import Handler, answers
from mock_server.context import Call, ServerContext
from mock_server.sites.cells import (
    POOLS,
    ROUND_TRIP,
    UNREACHABLE,
    cell_names,
    fault_of_name,
    peers_of,
    requests_of,
)
from mock_server.sites.workspace import pid_of

_MODES = ("count", "percent", "avg", "max", "min")
_BIN = "0.001-0.002"
"""The bin of the histogram that ``ROUND_TRIP`` falls into."""
_PROCESS_MEMORY = "65536"
"""KiB that every simulated process uses."""
_UNREACHABLE_REPLY: dict[str, Json] = {"cn__return_code": UNREACHABLE}


def _usage(call: Call) -> Reply:
    return Reply().string(f"Usage: {call.spec.usage}")


def _takes(least: int, most: int | None = None) -> Callable[[Handler], Handler]:
    """Declare how many words a command has behind its name; another number is answered with its usage."""

    def declare(handler: Handler) -> Handler:
        def checked(context: ServerContext, call: Call) -> Answer:
            count = len(call.words) - 1
            if count < least or (most is not None and count > most):
                return _usage(call)
            return handler(context, call)

        checked.__name__, checked.__doc__ = handler.__name__, handler.__doc__
        return checked

    return declare


def _number(text: str) -> int:
    """Read a number.

    Raises:
        ValueError: it is none; the text is that of the official server.
    """
    try:
        return int(text)
    except ValueError as problem:
        raise ValueError(f"'{text}' is not a valid number: ValueError: {problem}") from None


@answers("cells")
def cells(context: ServerContext, _call: Call) -> Reply:
    """The cells of the system."""
    reply, names = Reply(), cell_names(context)
    for name in names:
        reply.string(name)
    return reply.string(f"Total Cells: {len(names)}")


@answers("peers")
@_takes(1, 1)
def peers(context: ServerContext, call: Call) -> Reply:
    """The cells that one is connected to."""
    cell, reply = call.words[1], Reply()
    if cell not in cell_names(context):
        error: dict[str, Json] = {"error": f"return code: {UNREACHABLE}", "reply": _UNREACHABLE_REPLY}
        return reply.dict(error).string("No peers")
    found = peers_of(context, cell)
    for name in found:
        reply.string(name)
    return reply.string(f"Total Agents: {len(found)}")


@answers("conns")
@_takes(1, 1)
def connectors(context: ServerContext, call: Call) -> Reply:
    """The connectors of a cell: where the server listens for sites, and where a site connects to."""
    cell = call.words[1]
    if cell == SERVER_SITE:
        listener = {"url": _listening(context), "handle": "CH00001", "type": "listener"}
        return Reply().dict({"ext_listeners": [listener]})
    if cell in cell_names(context):
        connector = {"url": context.fl_url, "handle": "CH00001", "type": "connector"}
        return Reply().dict({"bb_ext_connector": connector})
    return Reply().dict({"error": "processing error", "reply": _UNREACHABLE_REPLY})


def _listening(context: ServerContext) -> str:
    return f"{context.fl_url.partition(':')[0]}://0:{context.fl_url.rpartition(':')[2]}"


@answers("url_use")
@_takes(1, 1)
def url_use(context: ServerContext, call: Call) -> Reply:
    """The cells that listen on an address, or connect to it."""
    url = call.words[1]
    uses: dict[str, Json] = {}
    for cell in cell_names(context):
        if cell == SERVER_SITE and url == _listening(context):
            uses[cell] = "ext_listen"
        elif cell != SERVER_SITE and url == context.fl_url:
            uses[cell] = "bb_ext_connect"
    return Reply().dict(uses) if uses else Reply().string(f"No cell uses {url}")


# --- messages ---------------------------------------------------------------------------------------------------


@answers("route")
@_takes(1)
def route(context: ServerContext, call: Call) -> Reply:
    """The way of a message between two cells, and back."""
    target, origin = call.words[1], call.words[2] if len(call.words) > 2 else SERVER_SITE
    reply = Reply().string(f"Route Info from {origin} to {target}")
    names = cell_names(context)
    if origin not in names:
        return reply.error(f"error in reply {UNREACHABLE}").string("Reply Headers:").dict(_UNREACHABLE_REPLY)
    if fault_of_name(target):
        return reply.error("error in reply process_exception")
    if target not in names:
        there: dict[str, Json] = {"error": f"Reply ReturnCode: {UNREACHABLE}"}
        back = _UNREACHABLE_REPLY
    else:
        request, now = str(uuid.uuid4()), context.clock.time()
        there = _headers(request, origin, target, now, "req")
        back = _headers(request, target, origin, now + ROUND_TRIP / 2, "reply") | {"cn__return_code": "ok"}
    return reply.string("Request Headers:").dict(there).string("Reply Headers:").dict(back)


def _headers(request: str, origin: str, target: str, now: float, kind: str) -> dict[str, Json]:
    """The headers of a message, without the token of its sender."""
    return {
        "cn__topic": "route",
        "cn__channel": "_net_manager",
        "cn__destination": target,
        "cn__req_id": request,
        "cn__reply_expected": kind == "req",
        "cn__secure": False,
        "cn__optional": False,
        "cn__from": origin,
        "cn__to": target,
        "cn__origin": origin,
        "cn__msg_type": kind,
        "cn__route": [[origin, now], [target, now + ROUND_TRIP / 2]],
        "client_name": origin,
        "cn__send_time": now,
    }


@answers("speed")
@_takes(2)
def speed(context: ServerContext, call: Call) -> Reply:
    """How fast messages go between two cells: all take the same, simulated time."""
    _, origin, target, *numbers = call.words
    try:
        tries, size = [_number(text) for text in numbers[:2]] + [100, 1000][len(numbers[:2]) :]
    except ValueError as problem:
        return Reply().error(str(problem))
    for name, cell in (("from_fqcn", origin), ("to_fqcn", target)):
        if fault_of_name(cell):
            return Reply().dict({"error": f"invalid {name} {cell}: {fault_of_name(cell)}"})
    names = cell_names(context)
    if origin not in names:
        return Reply().dict({"test_time": ROUND_TRIP, "error": f"return code {UNREACHABLE}"})
    tries, size = tries if tries > 0 else 100, size if size > 0 else 1000
    total = tries * ROUND_TRIP
    result: dict[str, Json] = {
        "test_time": total + ROUND_TRIP,
        "test": f"{size:,}KB {tries} rounds between {origin} and {target}",
        "prep": 0.0,
        "timeouts": 0,
        "comm_errors": 0,
        "size_errors": 0,
        "proc_errors": 0,
        "other_errors": 0 if target in names else tries,
        "total": total,
        "average": ROUND_TRIP,
    }
    return Reply().dict(result)


@answers("stress")
def stress(context: ServerContext, call: Call) -> Reply:
    """Messages between all cells: each sends its own to the others in turn."""
    try:
        tries, *_ = [_number(text) for text in call.words[1:3]] or [10]
    except ValueError as problem:
        return Reply().error(str(problem))
    names, reply = cell_names(context), Reply()
    if context.profile.sites.announces_stress:
        reply.string(f"starting stress test on {names}")
    if len(names) == 1:
        return reply.dict({"error": "no targets for stress test"}).string("total errors: 0")
    if tries == 0:
        raise AttributeError("'NoneType' object has no attribute 'items'")  # as the official server does
    result: dict[str, Json] = {}
    for cell in names[1:]:
        others = [name for name in names if name != cell]
        sent = list(islice(cycle(others), max(0, tries)))
        counts: dict[str, Json] = {name: sent.count(name) for name in others if name in sent}
        result[cell] = {"counts": counts, "time": len(sent) * ROUND_TRIP}
    return reply.dict(result).string("total errors: 0")


# --- what cells count -------------------------------------------------------------------------------------------


def _mode(words: Sequence[str]) -> str | None:
    """The mode that a command asks for; one letter is enough for the first three."""
    text = words[0] if words else "count"
    short = {"p": "percent", "c": "count", "a": "avg"}.get(text[:1])
    return short or (text if text in _MODES else None)


def _bad_mode() -> Reply:
    return Reply().error(f"invalid mode '': must be one of {list(_MODES)}")


def _histogram(counts: dict[str, int], mode: str) -> Reply:
    """The table of a histogram in which everything falls into one bin."""
    header: list[Json] = ["CATEGORY", *([_BIN] if counts else []), "OVERALL"]
    values = {"count": None, "percent": "1.0"}
    rows: list[list[Json]] = []
    for name, count in sorted(counts.items()):
        value = str(count) if mode == "count" else values.get(mode, f"{ROUND_TRIP:.3e}")
        rows.append([name, value, value])
    return Reply().table([header, *rows])


@answers("msg_stats")
@_takes(1)
def msg_stats(context: ServerContext, call: Call) -> Reply:
    """How long the requests of a cell took to be answered."""
    mode = _mode(call.words[2:3])
    if mode is None:
        return _bad_mode()
    if call.words[1] not in cell_names(context):
        return Reply().error(f"error: {UNREACHABLE}")
    return _histogram(requests_of(context, call.words[1], "request_response"), mode)


@answers("list_pools")
@_takes(1)
def list_pools(context: ServerContext, call: Call) -> Reply:
    """The pools of statistics that a cell keeps."""
    if call.words[1] not in cell_names(context):
        return Reply().error(f"{UNREACHABLE}: ")
    return Reply().table([["POOL", "TYPE", "DESCRIPTION"], *(list(pool) for pool in POOLS)])


@answers("show_pool")
@_takes(2)
def show_pool(context: ServerContext, call: Call) -> Reply:
    """What a pool of a cell holds."""
    mode = _mode(call.words[3:4])
    if mode is None:
        return _bad_mode()
    cell, pool = call.words[1], call.words[2]
    if cell not in cell_names(context):
        return Reply().error(f"{UNREACHABLE}: ")
    kind = next((kind for name, kind, _ in POOLS if name == pool.lower()), None)
    if kind is None:
        return Reply().error(f"invalid_request: unknown pool '{pool}'")
    return (
        Reply().table([["CATEGORY"]])
        if kind == "counter"
        else _histogram(requests_of(context, cell, pool.lower()), mode)
    )


# --- configuration and process ----------------------------------------------------------------------------------


@answers("show_comm_config")
@_takes(1)
def show_comm_config(context: ServerContext, call: Call) -> Reply:
    """How a cell communicates."""
    cell = call.words[1]
    if cell not in cell_names(context):
        return Reply().error(f"{UNREACHABLE}: ")
    resources = {"host": "localhost", "connection_security": "clear"}
    config: dict[str, Json] = {
        "allow_adhoc": False,
        "adhoc_scheme": "tcp",
        "adhoc_resources": {},
        "internal_scheme": "tcp",
        "internal_resources": dict(context.profile.sites.server_resources) if cell == SERVER_SITE else resources,
        "config": "none",
    }
    return Reply().dict(config)


@answers("show_config_vars")
@_takes(1)
def show_config_vars(context: ServerContext, call: Call) -> Reply:
    """The variables that a cell has looked up, with their values."""
    cell, rules = call.words[1], context.profile.sites
    if cell not in cell_names(context):
        return Reply().error(f"{UNREACHABLE}: ")
    return Reply().dict(rules.server_vars if cell.partition(".")[0] == SERVER_SITE else rules.site_vars)


@answers("process_info")
@_takes(1)
def process_info(context: ServerContext, call: Call) -> Reply:
    """The process of a cell: a simulated one has one thread, and an id that stands for no process."""
    cell = call.words[1]
    if cell not in cell_names(context):
        return Reply().error(f"{UNREACHABLE}: ")
    rows: list[list[Json]] = [
        ["RESOURCE", "VALUE"],
        ["Process ID", str(pid_of(context, cell.partition(".")[0]))],
        ["Memory Usage", _PROCESS_MEMORY],
        ["Thread Count", "1"],
        ["Thread:1", "MainThread"],
    ]
    return Reply().table(rows)
