"""Reports of a run, each made of a ``RunRecord``: for the terminal, as JSON, JUnit XML, a page of HTML and a badge.

A module a format. They take what a client said for what it is, foreign text: it is escaped where it is shown, and
stripped of secrets where it came over the wire.
"""

from __future__ import annotations

from conformance.reports.catalogue_page import markdown
from conformance.reports.described import describe, source_lines
from conformance.reports.json_report import ReportError, read_json, schema_text, write_json
from conformance.reports.terminal import ProgressLines, print_line, print_summary

__all__ = [
    "ProgressLines",
    "ReportError",
    "describe",
    "markdown",
    "print_line",
    "print_summary",
    "read_json",
    "schema_text",
    "source_lines",
    "write_json",
]
