"""The command line inside a request: how words become a line and a line becomes words.

Source: raw requests to the official servers of 2.3.12-2.6.3.
"""

from __future__ import annotations

import re
import shlex

_BLANKS = re.compile(r" +")


def split_line(line: str) -> list[str]:
    """Split a command line as the official server does.

    A line with a double quote follows the rules of a POSIX shell; any other is split at runs of blanks. A leading
    blank yields an empty first word, hence an unknown command; a tab separates nothing.

    Raises:
        ValueError: a quote is not closed; the text is that of the official server (``No closing quotation``).
    """
    if '"' in line:
        return shlex.split(line)
    return _BLANKS.sub(" ", line).split(" ")


def join_words(words: list[str]) -> str:
    """Join words to a line, quoting those that hold white space as official clients do."""
    return " ".join(f'"{word}"' if any(c.isspace() for c in word) else word for word in words)


def join_quoted_words(words: list[str]) -> str:
    """Join words to a line as official clients do from 2.8 on.

    Those that hold white space, a double quote or a backslash stand in quotes, the latter two after a backslash.
    """
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    if not any(c.isspace() or c in '"\\' for c in word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
