"""A run as a badge: an image of two words and a colour, for a page that mentions the client."""

from __future__ import annotations

import html
from pathlib import Path

from conformance.reports.standing import Tone, standing
from conformance.reports.text import shortened, visible
from conformance.results import RunRecord

_COLOURS = {Tone.GOOD: "#2a7d3f", Tone.FAIR: "#8a6100", Tone.BAD: "#b3261e", Tone.NONE: "#5f6368"}
"""Each with white text on it has a contrast of at least 4.5."""
_LABEL_COLOUR = "#3c4043"
_NARROW, _WIDE = frozenset("iljtf.,:;'|!()[] 1"), frozenset("mwMW%@")
_MOST = 60
"""Characters of a half; a release may be any text."""

_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{title}">
  <title>{title}</title>
  <clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>
  <g clip-path="url(#r)">
    <rect width="{left}" height="20" fill="{label_colour}"/>
    <rect x="{left}" width="{right}" height="20" fill="{colour}"/>
  </g>
  <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">
    <text x="{label_x}" y="14" textLength="{label_length}">{label}</text>
    <text x="{text_x}" y="14" textLength="{text_length}">{text}</text>
  </g>
</svg>
"""


def badge(record: RunRecord) -> str:
    """The badge of a run, as SVG."""
    ended = standing(record)
    label = shortened(visible(f"FLARE admin API {record.release}"), _MOST)
    label_length, text_length = _length(label), _length(ended.text)
    left, right = label_length + 12, text_length + 12
    return _SVG.format(
        width=left + right,
        left=left,
        right=right,
        label_x=left / 2,
        text_x=left + right / 2,
        label_length=label_length,
        text_length=text_length,
        label_colour=_LABEL_COLOUR,
        colour=_COLOURS[ended.tone],
        title=html.escape(f"{label}: {ended.text}"),
        label=html.escape(label),
        text=html.escape(ended.text),
    )


def write_badge(path: Path, record: RunRecord) -> None:
    """Write the badge of a run.

    Raises:
        OSError: the file cannot be written.
    """
    path.write_text(badge(record), encoding="utf-8")


def _length(text: str) -> int:
    """The width of a text at 11 pixels, about; ``textLength`` makes it exact whatever the font."""
    return round(sum(3.9 if letter in _NARROW else 10.5 if letter in _WIDE else 6.8 for letter in text))
