"""Reports of a run, each made of a ``RunRecord``: for the terminal, as JSON, JUnit XML, a page of HTML and a badge.

A module a format. They take what a client said for what it is, foreign text: it is escaped where it is shown, and
stripped of secrets where it came over the wire.
"""

from __future__ import annotations

from conformance.reports.badge import write_badge
from conformance.reports.catalogue_page import markdown
from conformance.reports.comparison import compare, comparison_document, print_comparison
from conformance.reports.described import describe, source_lines
from conformance.reports.explanation import explanation
from conformance.reports.html import write_html
from conformance.reports.joining import joined
from conformance.reports.json_report import ReportError, read_json, schema_text, write_json
from conformance.reports.junit import write_junit
from conformance.reports.rerun import rerun_words
from conformance.reports.terminal import print_line, print_summary

__all__ = [
    "ReportError",
    "compare",
    "comparison_document",
    "describe",
    "explanation",
    "joined",
    "markdown",
    "print_comparison",
    "print_line",
    "print_summary",
    "read_json",
    "rerun_words",
    "schema_text",
    "source_lines",
    "write_badge",
    "write_html",
    "write_json",
    "write_junit",
]
