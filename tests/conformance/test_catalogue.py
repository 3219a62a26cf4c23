"""The catalogue: whole, documented, and chosen from as asked."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest

from conformance import catalogue, reports
from conformance.contract import CATALOGUE, RELEASES, Document, contract
from conformance.document import SENTENCES
from conformance.mutants import mutants
from conformance.mutants.base import MUTANTS, Wrong, mutant
from conformance.verdicts import Violation, holds, same
from flare_client.protocol.releases import PROFILES

DOCS = Path(__file__).parents[2] / "docs"


def test_every_sentence_of_the_api_document_is_a_contract() -> None:
    quoted = {source.key for c in catalogue.catalogue() for source in c.sources if isinstance(source, Document)}
    assert quoted == set(SENTENCES)


def test_ids_statements_and_releases_are_in_order() -> None:
    for one in catalogue.catalogue():
        parts = one.id.split("-")
        assert len(parts) == 3, one.id
        assert parts[2].isdigit(), one.id
        assert one.statement.endswith("."), one.id
        assert one.title, one.id
        assert set(one.releases) <= set(RELEASES) == set(PROFILES), one.id


def test_the_documentation_is_the_catalogue() -> None:
    assert (DOCS / "contracts.md").read_text() == reports.markdown(catalogue.catalogue()), "run `make contracts`"


def test_each_contract_has_a_mutant_on_a_release_on_which_it_holds() -> None:
    known = {c.id: c for c in catalogue.catalogue()}
    caught = {name for one in mutants() for name in one.caught_by}
    assert caught == set(known)
    for one in mutants():
        for name in one.caught_by:
            assert one.release in known[name].releases, f"{one.name} is tried on {one.release}, where {name} is not"


def test_each_explanation_of_a_mutant_names_contracts_that_exist() -> None:
    for one in mutants():
        known = {c.id for c in catalogue.select(one.release)}
        for glob, reason in one.also.items():
            assert fnmatch.filter(known, glob), f"{one.name}: {glob}"
            assert reason, f"{one.name}: {glob}"


def test_a_mutant_names_its_contract_and_its_fault() -> None:
    before = dict(MUTANTS)
    with pytest.raises(ValueError, match="names no contract, or has no docstring"):
        mutant("MON-CB-01")(type("Unexplained", (Wrong,), {}))
    with pytest.raises(ValueError, match="timeout_early is declared twice"):
        mutant("MON-CB-01")(type("TimeoutEarly", (Wrong,), {"__doc__": "Again."}))
    assert before == MUTANTS


def test_a_selection_is_by_release_glob_and_group() -> None:
    assert "DOWN-LIMIT-01" in {c.id for c in catalogue.select("2.3")}
    assert "DOWN-LIMIT-01" not in {c.id for c in catalogue.select("2.6")}
    assert {c.id for c in catalogue.select(None, ("MON-CB-*",))} == {f"MON-CB-0{n}" for n in range(1, 5)}
    assert {c.group for c in catalogue.select("2.6", (), "LIST")} == {"LIST"}


@pytest.mark.parametrize(
    ("patterns", "group", "text"),
    [(("MON-NO-*",), None, "MON-NO"), ((), "XYZ", "one of the groups"), (("MON-*",), "LIST", "no contract fits")],
)
def test_a_selection_of_nothing_is_an_error(patterns: tuple[str, ...], group: str | None, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        catalogue.select("2.6", patterns, group)


def test_an_unknown_id_names_its_like() -> None:
    with pytest.raises(ValueError, match="MON-CB-01"):
        catalogue.find("mon-nothing")


def test_a_contract_is_declared_once_and_with_a_source() -> None:
    before = dict(CATALOGUE)
    with pytest.raises(ValueError, match="declared twice"):
        contract("MON-CB-01", "t", "s", Document("meta"))(lambda _: None)
    with pytest.raises(ValueError, match="names no source"):
        contract("NEW-ONE-01", "t", "s")(lambda _: None)
    assert before == CATALOGUE


def test_claims_say_what_was_expected_and_what_came() -> None:
    same(1, 1, "x")
    holds(True, "x", "y")
    with pytest.raises(Violation, match="expected the status to be 'a', but observed 'b'"):
        same("b", "a", "the status")
    with pytest.raises(Violation, match="expected a list, but observed 5"):
        holds(False, "a list", 5)
