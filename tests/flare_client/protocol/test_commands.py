"""The command table against what official servers announce, and the release told from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flare_client.protocol.commands import commands_of, read_announcement, recognise_release
from flare_client.protocol.releases import PROFILES, ReleaseProfile, profile_for

DATA = Path(__file__).parents[2] / "data"


def announced_rows(profile: ReleaseProfile) -> list[list[str | None]]:
    rows: list[list[str | None]] = json.loads((DATA / f"commands-{profile.official}.json").read_text())["rows"]
    return rows


@pytest.mark.parametrize("profile", PROFILES.values(), ids=str)
def test_the_table_is_what_the_official_server_announces(profile: ReleaseProfile) -> None:
    assert commands_of(profile).rows()[1:] == announced_rows(profile)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=str)
def test_the_release_is_recognised_by_its_announcement(profile: ReleaseProfile) -> None:
    same = {"2.8": profile_for("2.9")}
    found = recognise_release(read_announcement([[], *announced_rows(profile)]))
    assert found is same.get(profile.release, profile)


def test_an_announcement_without_the_two_transfers_tells_no_release() -> None:
    rows = [row for row in commands_of(profile_for("2.6")).rows() if row[1] != "submit_job"]
    assert recognise_release(read_announcement([list(row) for row in rows])) is None


def test_rows_may_be_cut_to_five_cells_and_a_shorter_one_ends_the_table() -> None:
    rows: list[list[object]] = [["header"], ["a", "one", "", "", "none"], ["short"], ["a", "two", "", "", "none"]]
    assert list(read_announcement(rows)) == ["one"]


def test_a_name_of_two_scopes_is_ambiguous() -> None:
    rows: list[list[object]] = [[], ["a", "x", "", "", "none"], ["b", "x", "", "", "none"], ["a", "y", "", "", "none"]]
    assert list(read_announcement(rows)) == ["y"]


def test_qualified_and_plain_names_find_the_same_command() -> None:
    table = commands_of(profile_for("2.6"))
    assert table.find("list_jobs") is table.find("job_mgmt.list_jobs")
    assert table.find("LIST_JOBS") is None


def test_an_unknown_release_names_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match=r"unknown release '1\.0': expected one of 2\.3, 2\.4, 2\.5, 2\.6, 2\.7, 2\.8, 2\.9"
    ):
        profile_for("1.0")
    assert profile_for("2.6.3") is profile_for("2.6")
