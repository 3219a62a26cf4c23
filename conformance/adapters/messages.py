"""The messages of the adapter protocol, without I/O: what a line from a program means, and how a message is written.

``docs/adapter-protocol.md`` specifies them and ``protocol.schema.json`` describes them. Whatever a line holds, reading
it ends in a message or in ``BadMessage`` with a reason; nothing that a program writes can do more than that.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from conformance.adapters.base import ReturnCode

PROTOCOL = 1
"""The version of the protocol."""

MAX_DEPTH = 100
"""Levels of nesting in a message; job metas have about six."""
MAX_TEXT = 10_000
"""Characters of an error's text that are kept."""
MAX_TYPES = 100
"""Names of classes in an error that are kept; no class has so many bases."""

METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
CLIENT_RAISED = -32000
"""The client under test, or the harness's callback, raised an exception."""

CALLBACK = "callback.invoke"
_MARK = {"$callback": True}
_RETURN_CODE = "MonitorReturnCode"
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SHOWN = 80


class BadMessage(ValueError):
    """A program wrote what is no message of the protocol."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """The result of a request."""

    id: int
    value: Any


@dataclasses.dataclass(frozen=True)
class Failure:
    """The error that a request ended in.

    Attributes:
        id: of the request.
        code: of JSON-RPC, or ``CLIENT_RAISED``.
        text: the message.
        types: the names of the exception's classes, nearest first; empty where it is none.
    """

    id: int
    code: int
    text: str
    types: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Invocation:
    """A program asks for a run of the monitor callback.

    Attributes:
        id: of this request; the answer names it.
        call: the id of the ``session.call`` that has the callback.
        same_session: whether the callback was given the session itself.
        job_id: what the callback was given.
        job_meta: likewise.
        args: likewise.
        kwargs: likewise.
    """

    id: int | str
    call: int
    same_session: Any
    job_id: Any
    job_meta: Any
    args: list[Any]
    kwargs: dict[str, Any]


Message = Answer | Failure | Invocation


def read(line: bytes) -> Message:
    """Read a line that a program wrote.

    Raises:
        BadMessage: it is no message of the protocol.
    """
    message = _read_json(line)
    if message.get("jsonrpc") != "2.0":
        raise BadMessage(f"expected a message with jsonrpc 2.0, but got {_shown(message.get('jsonrpc'))}")
    if "method" in message:
        return _read_invocation(message)
    number = message.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise BadMessage(f"expected an answer with the number of a request, but its id is {_shown(number)}")
    if ("result" in message) == ("error" in message):
        raise BadMessage("expected either a result or an error in the answer, but it has both or neither")
    if "error" in message:
        return _read_error(number, message["error"])
    return Answer(number, message["result"])


def request(number: int, method: str, parameters: Mapping[str, Any]) -> bytes:
    """Write a request."""
    return _write({"id": number, "method": method, "params": parameters})


def result(number: int | str, value: Any) -> bytes:
    """Write the answer to a request of the program.

    Raises:
        TypeError: JSON cannot hold the value.
    """
    return _write({"id": number, "result": value})


def error(number: int | str, problem: Exception) -> bytes:
    """Write that a callback raised."""
    types = [kind.__name__ for kind in type(problem).__mro__]
    return _write({"id": number, "error": {"code": CLIENT_RAISED, "message": str(problem), "data": {"types": types}}})


def marked(callback: object) -> dict[str, bool] | None:
    """What stands for a callback among the arguments of a call."""
    return None if callback is None else dict(_MARK)


def decode(value: Any) -> Any:
    """A result as every adapter hands it over: codes as ``ReturnCode``, objects without the names of their classes.

    Raises:
        BadMessage: what claims to be a ``MonitorReturnCode`` is none.
    """
    if isinstance(value, dict):
        if value.get("$type") == _RETURN_CODE:
            name, code = value.get("name"), value.get("value")
            if not isinstance(name, str) or not isinstance(code, int) or isinstance(code, bool):
                raise BadMessage(f"expected name and value in a MonitorReturnCode, but got {_shown(value)}")
            return ReturnCode(name, code)
        return {key: decode(item) for key, item in value.items() if key != "$type"}
    return [decode(item) for item in value] if isinstance(value, list) else value


def _write(message: Mapping[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode("ascii")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _read_json(line: bytes) -> dict[str, Any]:
    try:
        text = line.decode("utf-8")
        # The parser recurses, and so does whoever reads what it made: the depth is looked at by both.
        message = json.loads(text, parse_constant=_no_constant)
        too_deep = _deeper_than(message, MAX_DEPTH)
    except (ValueError, RecursionError):
        raise BadMessage(f"expected a line of JSON, but got {line[:_SHOWN]!r}") from None
    if too_deep:
        raise BadMessage(f"expected JSON nested at most {MAX_DEPTH} deep, but it is deeper")
    if not isinstance(message, dict):
        raise BadMessage(f"expected a JSON object, but got {line[:_SHOWN]!r}")
    if b"\\u" in line and not _is_text(message):
        # Half a character can be neither printed nor put into a report.
        raise BadMessage(f"expected text of whole characters, but there are single surrogates in {line[:_SHOWN]!r}")
    return message


def _deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        inner: list[Any] = []
        for item in layer:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return False
        layer = inner
    return True


def _is_text(value: Any) -> bool:
    if isinstance(value, str):
        return _SURROGATE.search(value) is None
    if isinstance(value, dict):
        return all(_is_text(key) and _is_text(item) for key, item in value.items())
    return all(_is_text(item) for item in value) if isinstance(value, list) else True


def _read_invocation(message: Mapping[str, Any]) -> Invocation:
    number, method, given = message.get("id"), message["method"], message.get("params")
    if method != CALLBACK:
        raise BadMessage(f"expected {CALLBACK} from a program, but it asks for {_shown(method)}")
    if not isinstance(number, (int, str)) or isinstance(number, bool):
        raise BadMessage(f"expected a number or a text as the id of {CALLBACK}, but got {_shown(number)}")
    if not isinstance(given, dict):
        raise BadMessage(f"expected an object as the parameters of {CALLBACK}, but got {_shown(given)}")
    call = given.get("call")
    if not isinstance(call, int) or isinstance(call, bool):
        raise BadMessage(f"expected the id of a session.call as call in {CALLBACK}, but got {_shown(call)}")
    args, kwargs = given.get("args", []), given.get("kwargs", {})
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise BadMessage(f"expected args and kwargs in the parameters of {CALLBACK}, but got {_shown(given)}")
    return Invocation(number, call, given.get("same_session"), given.get("job_id"), given.get("job_meta"), args, kwargs)


def _read_error(number: int, problem: Any) -> Failure:
    if not isinstance(problem, dict):
        raise BadMessage(f"expected an object as error, but got {_shown(problem)}")
    code, text, data = problem.get("code"), problem.get("message"), problem.get("data")
    if not isinstance(code, int) or isinstance(code, bool) or not isinstance(text, str):
        raise BadMessage(f"expected code and message in an error, but got {_shown(problem)}")
    types = data.get("types") if isinstance(data, dict) else None
    names = [name for name in types if isinstance(name, str)] if isinstance(types, list) else []
    if code == CLIENT_RAISED and not names:
        raise BadMessage(f"expected the names of classes as data.types of an error, but got {_shown(problem)}")
    return Failure(number, code, text[:MAX_TEXT], tuple(name[:MAX_TEXT] for name in names[:MAX_TYPES]))
