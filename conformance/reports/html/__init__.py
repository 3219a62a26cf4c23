"""The report as a page of HTML: ``page`` puts it together of ``cards`` and ``wire``, ``markup`` escapes."""

from __future__ import annotations

from conformance.reports.html.page import page, write_html

__all__ = ["page", "write_html"]
