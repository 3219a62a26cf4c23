"""What of the catalogue a run takes: levels, profiles, shards, what is left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import catalogue
from conformance.contract import Level
from conformance.profiles import PROFILES, QUICK, THOROUGH
from conformance.shards import Shard


def ids(**options: object) -> set[str]:
    return {contract.id for contract in catalogue.select("2.9", **options)}  # type: ignore[arg-type]


def test_a_level_brings_those_above_it() -> None:
    everything = catalogue.select("2.9")
    assert ids(level=Level.MAY) == ids()
    assert ids(level=Level.MUST) == {one.id for one in everything if one.level is Level.MUST}
    assert ids(level=Level.SHOULD) == {one.id for one in everything if one.level is not Level.MAY}


def test_what_is_deselected_is_left_out() -> None:
    assert ids(patterns=("MON-*",), without=("MON-CB-*", "MON-POLL-02")) == {
        one for one in ids(patterns=("MON-*",)) if not one.startswith("MON-CB-") and one != "MON-POLL-02"
    }
    with pytest.raises(ValueError, match="'NOPE-1'"):
        catalogue.select("2.9", without=("NOPE-1",))
    with pytest.raises(ValueError, match=r"no contract fits release 2\.9, --select MON-CB-01, --deselect MON-\*"):
        catalogue.select("2.9", ("MON-CB-01",), without=("MON-*",))


def test_a_profile_leaves_out_what_waits_unless_it_is_asked_for_by_its_id() -> None:
    assert "MON-POLL-02" not in ids(profile=QUICK)
    assert ids(profile=QUICK, patterns=("MON-POLL-02",)) == {"MON-POLL-02"}
    assert "MON-POLL-02" in ids(profile=THOROUGH)


def test_profiles_say_what_they_are_for_and_leave_out_what_there_is() -> None:
    for profile in PROFILES.values():
        assert profile.says
        if profile.without:
            catalogue.select(without=profile.without)  # every pattern matches something


@given(st.integers(1, 12), st.integers(0, 60))
def test_shards_divide_a_selection(count: int, size: int) -> None:
    selection = list(range(size))
    parts = []
    for number in range(1, count + 1):
        if number <= size:
            parts.append(Shard(number, count).of(selection))
        else:
            with pytest.raises(ValueError, match="at most as many shards"):
                Shard(number, count).of(selection)
    assert sorted(one for part in parts for one in part) == selection
    assert not parts or max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "a/b", "1/0", "-1/2", "1/2/3", "1 /2", "²/2"])
def test_a_shard_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="expected a shard as 2/8"):
        Shard.parse(text)
    assert Shard.parse("2/8") == Shard(2, 8)
