"""The shell commands that an admin may send: which options and files they take, and the refusals of official servers.

Pure: words in, a request or a refusal out. Source: what official servers say of wrong words (observed: 2.6.3, 2.9.0).
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NoReturn

from flare_client.protocol.site_rules import SiteRules

SHELL_COMMANDS = ("pwd", "ls", "cat", "head", "tail", "grep")

_TEXT_FILES = (".txt", ".log", ".json", ".csv", ".sh", ".config", ".py")
_FLAGS = {"ls": "alStRu", "cat": "nbsT", "grep": "nib", "head": "", "tail": ""}
_COUNTS = {"head": "cn", "tail": "cn"}
_FILE_NAME = re.compile(r"[A-Za-z0-9-._/]*\n?")


class ShellRefused(ValueError):
    """A command is not carried out; the text is that of the official server."""


@dataclasses.dataclass(frozen=True)
class ShellRequest:
    """A shell command in order.

    Attributes:
        name: the command.
        flags: the letters of its options without a value.
        count: the value of the last option that has one, as it was written.
        unit: the letter of that option: ``n`` for lines, ``c`` for bytes.
        pattern: what ``grep`` looks for.
        file: the file, or the folder of ``ls``; ``None`` for the workspace itself.
    """

    name: str
    flags: str = ""
    count: str | None = None
    unit: str = "n"
    pattern: str = ""
    file: str | None = None


class _Misplaced(Exception):
    """What the parser of the words says is wrong."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Misplaced(message)


def _count(text: str) -> str:
    int(text)
    return text


class _Ordered(argparse.Action):
    """Notes options in the order in which they came: the last of some counts."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - the form of an action
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Add the option to the others."""
        namespace.given = [*(namespace.given or []), ((option_string or "")[1:], values)]


@functools.cache
def _parser(name: str) -> _Parser:
    parser = _Parser(prog=name, add_help=False)
    for letter in _FLAGS[name]:
        parser.add_argument(f"-{letter}", action=_Ordered, nargs=0, dest="given")
    for letter in _COUNTS.get(name, ""):
        parser.add_argument(f"-{letter}", action=_Ordered, type=_count, dest="given")
    if name == "grep":
        parser.add_argument("pattern")
    parser.add_argument("files", metavar="file", nargs="?" if name == "ls" else "+")
    return parser


def _parse(name: str, words: Sequence[str]) -> argparse.Namespace:
    """Read the words behind the target.

    The official parser goes on after an error, and the last one counts: where a file is missing and an option is
    unknown, the option is told; a bad value makes every word unknown.
    """
    parser = _parser(name)
    try:
        found, unknown = parser.parse_known_args(list(words))
    except _Misplaced as problem:
        if not str(problem).startswith("the following arguments are required"):
            raise ShellRefused(f"unrecognized arguments: {' '.join(words)}") from None
        missing = str(problem).rpartition(": ")[2].split(", ")
        unknown = parser.parse_known_args([*words, *missing])[1]
        if not unknown:
            raise ShellRefused(str(problem)) from None
    if unknown:
        raise ShellRefused(f"unrecognized arguments: {' '.join(unknown)}")
    return found


def read_shell_command(name: str, words: Sequence[str], rules: SiteRules) -> ShellRequest:
    """Check a shell command.

    Args:
        name: one of ``SHELL_COMMANDS``.
        words: what stands behind its target.
        rules: those of the release.

    Raises:
        ShellRefused: an option, a value or a file is not allowed.
    """
    if name == "pwd":
        if words:
            raise ShellRefused("this command does not accept extra args")
        return ShellRequest(name)
    found = _parse(name, words)
    files = [found.files] if isinstance(found.files, str) else found.files or []
    if name != "ls" and len(files) != 1:
        raise ShellRefused("only one file is allowed")
    for file in files:
        _check_file(file, text_only=name != "ls", rules=rules)
    given: list[tuple[str, object]] = found.given or []
    counts = [(letter, str(value)) for letter, value in given if letter in _COUNTS.get(name, "")]
    unit, count = counts[-1] if counts else ("n", None)
    flags = "".join(letter for letter, _ in given if letter in _FLAGS[name])
    return ShellRequest(name, flags, count, unit, getattr(found, "pattern", ""), files[0] if files else None)


def _check_file(file: str, *, text_only: bool, rules: SiteRules) -> None:
    if not _FILE_NAME.fullmatch(file):
        raise ShellRefused(f"unsupported file {file}")
    if file.startswith("/"):
        raise ShellRefused("absolute path is not allowed")
    if ".." in file.split("/"):
        raise ShellRefused(".. in path name is not allowed")
    if text_only and _ending(file, rules) not in _TEXT_FILES:
        raise ShellRefused(
            f"this command cannot be applied to file {file}. Only files with the following extensions are permitted: "
            f"{', '.join(_TEXT_FILES)}"
        )


def _ending(file: str, rules: SiteRules) -> str:
    stem, _, last = file.rpartition(".")
    if rules.reads_rotated_files and stem and last.isnumeric():
        file = stem
    return PurePosixPath(file).suffix
