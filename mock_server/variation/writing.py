"""Variations of how an answer is written: the same JSON in other characters, and lines before the last one."""

from __future__ import annotations

import json
import re

from flare_client.protocol.releases import Dialect
from mock_server.variation.declared import Draw, OfText, Variation, Written

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_CHARACTER = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|[^\\]")
_ESCAPED_SHARE = 0.1
_READ_AS_A_WHOLE = frozenset(
    {"list_jobs", "get_job_meta", "clone_job", "delete_job", "abort_job", "check_status", "report_env"}
)
"""Commands whose answers official clients read once the last line is there."""
_LINE_END = "\x03"


def _white_space(written: Written, draw: Draw) -> str:
    indent = draw.choice((None, 0, 1, 3, "\t", " \t"))
    separators = draw.choice(((",", ":"), (" , ", " : "), (",\t", ":  "), (", ", ":\n")))
    text = json.dumps(json.loads(written.text), indent=indent, separators=separators)
    return draw.choice(("", " ", "\n", "\t ")) + text + draw.choice(("", " ", "\r\n"))


def _escapes(written: Written, draw: Draw) -> str:
    def character(found: re.Match[str]) -> str:
        one = found[0]
        if len(one) > 1 or draw.random() >= _ESCAPED_SHARE:
            return one
        if one == "/" and draw.random() < 0.5:
            return "\\/"
        code = f"{ord(one):04x}"
        return f"\\u{code.upper() if draw.random() < 0.5 else code}"

    def string(found: re.Match[str]) -> str:
        return f'"{_CHARACTER.sub(character, found[0][1:-1])}"'

    return _STRING.sub(string, written.text)


def _early_line(written: Written, draw: Draw) -> str:
    if written.command not in _READ_AS_A_WHOLE:
        return written.text
    note = {"type": "string", "data": draw.choice(("Please wait ...", "", "looking for it"))}
    early = json.dumps({"time": "", "data": [note], "meta": {}})
    return _LINE_END.join([early] * draw.randint(1, 2) + [written.text])


TEXT_VARIATIONS: tuple[Variation, ...] = (
    OfText(
        name="white-space",
        varies="Blanks, tabs and line breaks between the parts of an answer, or none.",
        legal="White space between the tokens of JSON means nothing.",
        source="RFC 8259, section 2",
        write=_white_space,
    ),
    OfText(
        name="escapes",
        varies="Characters in texts and names are written as `\\u0061`, slashes as `\\/`.",
        legal="An escaped character is the character.",
        source="RFC 8259, section 7",
        write=_escapes,
    ),
    OfText(
        name="early-lines",
        varies="A line or two come before the one that tells the result.",
        legal="An answer is lines, of which the last one counts: a command of a server may say at once that it takes a "
        "moment.",
        source="official servers of 2.3.12-2.6.3 offer it to their commands, and the clients read line by line",
        share=0.3,
        dialects=frozenset({Dialect.HCI}),
        write=_early_line,
    ),
)
"""In the order in which they are applied; lines come last, as what has several is no JSON any more."""
