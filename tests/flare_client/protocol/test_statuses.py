"""What the items of a reply say, apart from its meta."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.envelope import Item, ItemType, error, string, success, table
from flare_client.protocol.releases import PROFILES
from flare_client.protocol.statuses import ApiStatus, MetaStatus, api_status, says_goodbye

TELLTALES = [
    ("session_inactive", ApiStatus.ERROR_INACTIVE_SESSION),
    ("wrong server", ApiStatus.ERROR_SERVER_CONNECTION),
    ("Failed to communicate", ApiStatus.ERROR_SERVER_CONNECTION),
    ("invalid client", ApiStatus.ERROR_INVALID_CLIENT),
    ("unknown site", ApiStatus.ERROR_INVALID_CLIENT),
    ("not authorized", ApiStatus.ERROR_AUTHORIZATION),
]


def test_no_items_are_a_runtime_error() -> None:
    assert api_status([]) is ApiStatus.ERROR_RUNTIME


@pytest.mark.parametrize(("words", "status"), TELLTALES)
@pytest.mark.parametrize("item", [string, error])
def test_telltale_words_decide(words: str, status: ApiStatus, item: object) -> None:
    make = string if item is string else error
    assert api_status([make(f"before {words} after")]) is status


@pytest.mark.parametrize(("words", "status"), TELLTALES)
def test_the_case_of_telltale_words_matters(words: str, status: ApiStatus) -> None:
    assert api_status([error(words.upper())]) is ApiStatus.SUCCESS


@pytest.mark.parametrize("words", [words for words, _ in TELLTALES])
def test_words_in_tables_and_objects_do_not_count(words: str) -> None:
    assert api_status([table([[words]]), Item(ItemType.DICT, {"text": words})]) is ApiStatus.SUCCESS


def test_the_first_telltale_of_the_list_wins_not_the_first_in_the_text() -> None:
    assert api_status([string("not authorized"), error("session_inactive")]) is ApiStatus.ERROR_INACTIVE_SESSION


def test_words_split_over_two_items_count() -> None:
    assert api_status([string("not auth"), error("orized")]) is ApiStatus.ERROR_AUTHORIZATION


def test_an_error_without_a_telltale_counts_as_success() -> None:
    assert api_status([error("boom")]) is ApiStatus.SUCCESS


@given(
    st.lists(st.sampled_from([make(words) for words, _ in TELLTALES for make in (string, error)]), max_size=4),
    st.data(),
)
def test_a_success_item_anywhere_settles_it(items: list[Item], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(items)))
    assert api_status([*items[:place], success(), *items[place:]]) is ApiStatus.SUCCESS


def test_the_misspelt_status_is_kept() -> None:
    spelt = {release: profile.no_components_status for release, profile in PROFILES.items()}
    assert {spelt[one] for one in ("2.3", "2.4", "2.5", "2.6", "2.7")} == {"no_job_compoents"}
    assert {spelt[one] for one in ("2.8", "2.9")} == {str(MetaStatus.NO_JOB_COMPONENTS)}


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([], False),
        ([ItemType.STRING, ItemType.SUCCESS], False),
        ([ItemType.SHUTDOWN], True),
        ([ItemType.STRING, ItemType.SHUTDOWN, ItemType.ERROR], True),
        ([ItemType.ERROR, ItemType.SHUTDOWN], False),
    ],
)
def test_a_shutdown_item_counts_unless_an_error_stands_before_it(kinds: list[ItemType], expected: bool) -> None:
    assert says_goodbye([Item(kind, "text") for kind in kinds]) is expected
