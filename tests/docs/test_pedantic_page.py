"""docs/pedantic.md is what the command writes."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from mock_server.variation import VARIATIONS, page

PAGE = Path(__file__).parents[2] / "docs" / "pedantic.md"


def test_the_page_is_as_the_command_writes_it() -> None:
    written = CliRunner().invoke(page.main, catch_exceptions=False).output
    assert PAGE.read_text() == written, "run `make pedantic`"


def test_the_page_has_every_variation_with_its_source() -> None:
    sections = PAGE.read_text().split("\n### ")[1:]
    assert [section.split("\n", 1)[0] for section in sections] == list(VARIATIONS)
    assert all("\n- source: " in section and "\n- why it is legal: " in section for section in sections)
