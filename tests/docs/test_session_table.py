"""docs/session.md is what the command writes."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from conformance import session_table

PAGE = Path(__file__).parents[2] / "docs" / "session.md"


def test_the_page_is_as_the_command_writes_it() -> None:
    written = CliRunner().invoke(session_table.main, catch_exceptions=False).output
    assert PAGE.read_text() == written, "run `make session`"


def test_the_page_says_who_has_what() -> None:
    rows = {line.split("`")[1].split("(")[0]: line for line in PAGE.read_text().splitlines() if line.startswith("| `")}
    assert rows["submit_job"].endswith("| x | x | x | x | x | x | x |")
    assert rows["promote_sp"].endswith("|  | x | x | x |  |  |  |")
    assert rows["get_cell_conn_info"].endswith("| x |  |  |  |  |  |  |")
    assert rows["register_study"].endswith("|  |  |  |  |  | x | x |")
    assert "do_command" in rows
    assert "server_sess_active" in rows
