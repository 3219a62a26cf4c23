"""``cat``, ``head``, ``tail`` and ``grep`` on a virtual file system, in the form of the GNU programs."""

from __future__ import annotations

import re
from typing import TypeVar

from mock_server.sites.shell import ShellRequest
from mock_server.sites.tree import Folder

_Parts = TypeVar("_Parts", bytes, list[str])

_LINES = 10
"""That ``head`` and ``tail`` show where nobody says how many."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_NUMBER = re.compile(r"[+-]?[0-9]+|\s+\+?[0-9]+")
"""A count as the programs read it: blanks before it do no harm, but take the meaning from its sign."""
_ABSENT = {
    "cat": "cat: {}: No such file or directory\n",
    "head": "head: cannot open '{}' for reading: No such file or directory\n",
    "tail": "tail: cannot open '{}' for reading: No such file or directory\n",
    "grep": "grep: {}: No such file or directory\n",
}
_IS_FOLDER = {
    "cat": "cat: {}: Is a directory\n",
    "head": "head: error reading '{}': Is a directory\n",
    "tail": "tail: error reading '{}': Is a directory\n",
    "grep": "grep: {}: Is a directory\n",
}


def show_text(root: Folder, request: ShellRequest) -> str:
    """The output of a command that reads one file.

    Args:
        root: the workspace.
        request: the command, with its file.
    """
    name = str(request.file)
    if request.count is not None and not _NUMBER.fullmatch(request.count):
        # The server's check takes what Python takes for a number, as 1_0; the program does not.
        unit = "bytes" if request.unit == "c" else "lines"
        return f"{request.name}: invalid number of {unit}: '{request.count}'\n"
    if request.name == "tail" and request.count is not None and _is_nothing(request.count):
        return ""  # the program does not even open the file (observed: 2.6.3)
    entry = root.find(name)
    if entry is None:
        return _ABSENT[request.name].format(name)
    if isinstance(entry, Folder):
        return _IS_FOLDER[request.name].format(name)
    if request.name == "cat":
        return _cat(entry.text, request.flags)
    if request.name == "grep":
        return _grep(entry.text, request)
    return _part(entry.text, request)


def _is_nothing(count: str) -> bool:
    return "+" not in count and int(count) == 0


def _cat(text: str, flags: str) -> str:
    out: list[str] = []
    number, was_empty = 0, False
    for line in _lines(text):
        is_empty = line == "\n"
        if "s" in flags and is_empty and was_empty:
            continue
        was_empty = is_empty
        shown = line.replace("\t", "^I") if "T" in flags else line
        if "b" in flags and is_empty:
            out.append(shown)
        elif "b" in flags or "n" in flags:
            number += 1
            out.append(f"{number:6d}\t{shown}")
        else:
            out.append(shown)
    return "".join(out)


def _part(text: str, request: ShellRequest) -> str:
    count = request.count if request.count is not None else str(_LINES)
    number = int(count)
    if request.unit == "c":
        raw = text.encode("utf-8")
        kept = _head(raw, number) if request.name == "head" else _tail(raw, count)
        return kept.decode("utf-8", errors="replace")
    lines = _lines(text)
    return "".join(_head(lines, number) if request.name == "head" else _tail(lines, count))


def _lines(text: str) -> list[str]:
    """The lines with their ends; nothing but a newline ends one."""
    return _LINE.findall(text)


def _head(parts: _Parts, number: int) -> _Parts:
    """The first so many; with a negative number all but the last so many."""
    return parts[:number] if number >= 0 else parts[: max(0, len(parts) + number)]


def _tail(parts: _Parts, count: str) -> _Parts:
    """The last so many; with a plus all from the nth on."""
    number = abs(int(count))
    if count.startswith("+"):
        return parts[max(0, number - 1) :]
    return parts[max(0, len(parts) - number) :]


def _grep(text: str, request: ShellRequest) -> str:
    try:
        pattern = re.compile(python_pattern(request.pattern), re.IGNORECASE if "i" in request.flags else 0)
    except re.error:
        return "grep: Invalid regular expression\n"
    out: list[str] = []
    offset = 0
    for number, line in enumerate(_lines(text), 1):
        content = line.removesuffix("\n")
        if pattern.search(content):
            place = f"{number}:" if "n" in request.flags else ""
            place += f"{offset}:" if "b" in request.flags else ""
            out.append(f"{place}{content}\n")
        offset += len(line.encode("utf-8"))
    return "".join(out)


_BRACKET = re.compile(r"\[\^?\]?(?:\[:[a-z]+:\]|[^\]])*\]")
_CLASSES = {
    "[:alpha:]": "a-zA-Z",
    "[:digit:]": "0-9",
    "[:alnum:]": "a-zA-Z0-9",
    "[:upper:]": "A-Z",
    "[:lower:]": "a-z",
    "[:space:]": r"\s",
    "[:punct:]": r"!-/:-@\[-`{-~",
}
_SPECIAL_INSIDE = re.compile(r"\[:[a-z]+:\]|[\[\\]")


def python_pattern(basic: str) -> str:
    """A basic regular expression, as ``grep`` reads it, in the words of Python.

    Raises:
        re.error: a bracket is not closed.
    """
    out: list[str] = []
    place = 0
    while place < len(basic):
        char = basic[place]
        if char == "\\" and place + 1 < len(basic):
            following = basic[place + 1]
            # What is special with a backslash here is special without one there, and the other way about.
            out.append(following if following in "(){}|+?" else f"\\{following}")
            place += 2
            continue
        if char == "[":
            bracket = _BRACKET.match(basic, place)
            if bracket is None:
                raise re.error("unterminated character set")
            out.append(_bracket(bracket[0]))
            place = bracket.end()
            continue
        is_first = place == 0 or out[-1:] in (["("], ["|"])
        is_last = place == len(basic) - 1 or basic[place + 1 : place + 3] in (r"\)", r"\|")
        nothing_before = is_first or out[-1:] == ["^"]
        literal = char in "(){}|+?" or (char == "*" and nothing_before) or (char == "^" and not is_first)
        out.append(f"\\{char}" if literal or (char == "$" and not is_last) else char)
        place += 1
    return "".join(out)


def _bracket(text: str) -> str:
    inner = text[1:-1]
    sign, inner = ("^", inner[1:]) if inner.startswith("^") else ("", inner)
    lead, inner = (r"\]", inner[1:]) if inner.startswith("]") else ("", inner)
    return f"[{sign}{lead}{_SPECIAL_INSIDE.sub(lambda found: _CLASSES.get(found[0], chr(92) + found[0]), inner)}]"
